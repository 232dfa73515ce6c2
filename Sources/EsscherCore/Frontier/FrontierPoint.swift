// SPDX-License-Identifier: Apache-2.0
// One line of the result, and the single table of columns that every writer follows.

/// The curves a frontier report holds, in the order in which their lines are written.
public enum Curve: String, Sendable, CaseIterable {
  /// The exponential tilt at a given lambda.
  case tilt
  /// The tilt at the common lambda that spends a given mean KL.
  case budget
  /// The best of n samples.
  case bestOfN = "best_of_n"
  /// The best of 1 + Poisson(n − 1) samples.
  case bestOfPoisson = "best_of_poisson"
  /// One of n samples, chosen with probability proportional to e^(lambda·reward).
  case softBestOfN = "soft_best_of_n"
  /// Samples are redrawn until one is among the best 1/n.
  case rewindAndRepeat = "rewind_and_repeat"
  /// The optimal policy that spends the same KL on every prompt.
  case equalKL = "equal_kl"
  /// Where gold is highest along another curve.
  case goldPeak = "gold_peak"
  /// A fit of gold against the square root of KL.
  case gaoFit = "gao_fit"
  /// How far reward models are from gold, and from one another.
  case ensembleError = "ensemble_error"
  /// A policy that the user placed.
  case policy
}

/// A point of a frontier report: means over prompts, intervals and diagnostics.
///
/// An undefined value is nil, and `note` gives the reason. KL values are in nats, rewards in the
/// reward model's units.
public struct FrontierPoint: Sendable, Equatable {
  /// Curve the point lies on.
  public var curve: Curve
  /// The reward model's name.
  public var label: String
  /// KL penalty, 1/lambda.
  public var beta: Double?
  /// Inverse temperature of the tilt.
  public var lambda: Double?
  /// Number of samples of best-of-n.
  public var n: Int?
  public var kl, klLow, klHigh: Double?
  public var reverseKL, jeffreys: Double?
  public var reward, rewardLow, rewardHigh: Double?
  public var gain, gainLow, gainHigh: Double?
  public var gold, goldLow, goldHigh: Double?
  /// Win rate against the base policy, ties counted ½.
  public var winRate: Double?
  public var klBound, klEstimate: Double?
  /// Share of the frontier gain at the same KL that best-of-n reaches, 0…1.
  public var efficiency: Double?
  public var ess, khat: Double?
  /// Mean of log(M/k_max), nats.
  public var klCeiling: Double?
  /// Whether the point rests on enough samples.
  public var trusted: Bool?
  /// Prompts behind the point.
  public var promptCount: Int
  /// Quantities that only some lines have.
  public var extras: [ExtraColumn: Double] = [:]
  /// Reasons for undefined cells and cautions, separated by `; `. Empty where there is nothing to say.
  public var note: String

  /// A point without values.
  public init(curve: Curve, label: String, promptCount: Int) {
    self.curve = curve
    self.label = label
    self.promptCount = promptCount
    self.note = ""
  }

  /// Adds a reason or a caution to `note`, once.
  public mutating func annotate(_ reason: String) {
    guard !note.contains(reason) else { return }
    note = note.isEmpty ? reason : note + "; " + reason
  }
}

extension FrontierPoint {
  /// A cell's value, in one of the forms a writer has to know.
  public enum Cell: Sendable, Equatable {
    case text(String)
    case number(Double)
    case integer(Int)
    case flag(Bool)
    case undefined

    init(_ value: Double?) { self = value.map(Cell.number) ?? .undefined }
    init(_ value: Int?) { self = value.map(Cell.integer) ?? .undefined }
    init(_ value: Bool?) { self = value.map(Cell.flag) ?? .undefined }
  }

  /// A column of the report: its name and how to read it from a point.
  public struct Column: Sendable {
    /// Name in the header of the CSV file.
    public let name: String
    /// Reads the cell from a point.
    public let cell: @Sendable (FrontierPoint) -> Cell
  }

  /// Every column, in the order of the CSV file. New columns are appended.
  public static let columns: [Column] =
    [
      Column(name: "curve") { .text($0.curve.rawValue) },
      Column(name: "label") { .text($0.label) },
      Column(name: "beta") { Cell($0.beta) },
      Column(name: "lambda") { Cell($0.lambda) },
      Column(name: "n") { Cell($0.n) },
      Column(name: "kl") { Cell($0.kl) },
      Column(name: "kl_low") { Cell($0.klLow) },
      Column(name: "kl_high") { Cell($0.klHigh) },
      Column(name: "reverse_kl") { Cell($0.reverseKL) },
      Column(name: "jeffreys") { Cell($0.jeffreys) },
      Column(name: "reward") { Cell($0.reward) },
      Column(name: "reward_low") { Cell($0.rewardLow) },
      Column(name: "reward_high") { Cell($0.rewardHigh) },
      Column(name: "gain") { Cell($0.gain) },
      Column(name: "gain_low") { Cell($0.gainLow) },
      Column(name: "gain_high") { Cell($0.gainHigh) },
      Column(name: "gold") { Cell($0.gold) },
      Column(name: "gold_low") { Cell($0.goldLow) },
      Column(name: "gold_high") { Cell($0.goldHigh) },
      Column(name: "win_rate") { Cell($0.winRate) },
      Column(name: "kl_bound") { Cell($0.klBound) },
      Column(name: "kl_estimate") { Cell($0.klEstimate) },
      Column(name: "efficiency") { Cell($0.efficiency) },
      Column(name: "ess") { Cell($0.ess) },
      Column(name: "khat") { Cell($0.khat) },
      Column(name: "kl_ceiling") { Cell($0.klCeiling) },
      Column(name: "trusted") { Cell($0.trusted) },
      Column(name: "n_prompts") { .integer($0.promptCount) },
      Column(name: "note") { .text($0.note) },
    ]
    + ExtraColumn.allCases.map { extra in Column(name: extra.rawValue) { Cell($0.extras[extra]) } }
}

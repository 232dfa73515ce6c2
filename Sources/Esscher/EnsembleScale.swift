// SPDX-License-Identifier: Apache-2.0
// The first look at an ensemble: whether every cell is there, and how far the models' scores spread.

internal import EsscherCPU
internal import EsscherCore

/// The common scale of an ensemble's members.
struct EnsembleScale {
  /// The members on that scale.
  let cells: MemberCells
  private(set) var notes: [String] = []

  /// Name of the pass.
  static let pass = "scores"

  /// Standard deviations may differ by this factor before a scale has to be chosen.
  static let largestRatio = 2.0

  /// - Throws: `.badInput` for an infinite score, and for a missing one unless such samples are dropped,
  ///   naming the member's own cell; `.usage` where nobody chose a scale and the spreads ask for a choice.
  init(
    _ members: [RewardMember], request: FrontierRequest, scan: MatrixScan
  ) throws(EsscherError) {
    let empty = MemberMoments(count: members.count)
    let found = try scan.pass(Self.pass, from: empty) { (moments) throws(EsscherError) in
      let look = MemberScan(
        members: members, missing: request.missing, threads: scan.backend.threads,
        observer: scan.observer)
      try look.add(scan.rows, to: &moments)
    }
    let (moments, missing) = (found.members, found.missing)
    for (member, moments) in zip(members, moments) where !moments.standardDeviation.isFinite {
      throw EsscherError(
        .badInput, "the scores of this model spread too far for a double; rescale them",
        at: EsscherError.Location(file: member.source.name))
    }
    if request.standardize == nil { try Self.refuseUnlikeSpreads(members, moments) }
    let scaling: MemberScaling =
      switch request.standardize ?? .none {
      case .none: .none
      case .model:
        .model(
          centres: moments.map(\.mean),
          factors: moments.map { MemberCells.factor($0.standardDeviation) })
      case .prompt: .prompt
      }
    cells = MemberCells(members: members, scaling: scaling, mayMiss: missing > 0)
    guard scaling != .none else { return }
    for (member, moments) in zip(members, moments) where moments.standardDeviation == 0 {
      notes.append("The scores of \(member.name) are all equal; standardised they are all 0.")
    }
  }

  /// One member on the common scale; the others are read beside it only where they may lack samples.
  func source(of index: Int) -> any RewardSource {
    if cells.scaling == .none, !cells.mayMiss { return cells.members[index].source }
    guard !cells.mayMiss else { return MemberSource(cells: cells, index: index) }
    let scaling: MemberScaling =
      switch cells.scaling {
      case .model(let centres, let factors):
        .model(centres: [centres[index]], factors: [factors[index]])
      case .none: .none
      case .prompt: .prompt
      }
    return MemberSource(
      cells: MemberCells(members: [cells.members[index]], scaling: scaling, mayMiss: false),
      index: 0
    )
  }

  private static func refuseUnlikeSpreads(
    _ members: [RewardMember], _ moments: [MemberMoments.Member]
  ) throws(EsscherError) {
    let deviations = moments.map(\.standardDeviation)
    let (lowest, highest) = (deviations.min() ?? 0, deviations.max() ?? 0)
    guard highest > largestRatio * lowest else { return }
    let list = zip(members, deviations).map { "\($0.name) \(rounded($1))" }
    let ratio = lowest > 0 ? "\(rounded(highest / lowest)) times apart" : "one of them 0"
    throw EsscherError(
      .usage,
      "the reward models' standard deviations are \(ratio) (\(list.joined(separator: ", "))), so that "
        + "the widest would decide alone; choose --standardize model, or prompt, or none to take the "
        + "scores as they are")
  }

  /// Four digits, for sentences.
  private static func rounded(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return value }
    let places = 3 - Int(Elementary.log10(value).rounded(.down))
    // Powers up to 10^22 are exact, so that one division gives the nearest double.
    guard places.magnitude <= 22 else { return value }
    var power = 1.0
    for _ in 0..<places.magnitude { power *= 10 }
    return places >= 0 ? (value * power).rounded() / power : (value / power).rounded() * power
  }
}

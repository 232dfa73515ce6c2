// SPDX-License-Identifier: Apache-2.0
// What a user asks of a frontier run, after parsing and before anything is opened.

/// How the arithmetic is carried out.
public enum Precision: String, Sendable, CaseIterable {
  /// Relative error at most 1e-6; backends may use single precision inside short chunks.
  case mixed
  /// Relative error at most 1e-10; double precision throughout.
  case double
}

/// A policy that was trained elsewhere, as its owner measured it.
public struct PolicyPoint: Sendable, Equatable {
  /// Name for the report.
  public var name: String
  /// KL(policy ‖ base), nats.
  public var kl: Double
  /// Mean reward over the same prompts.
  public var reward: Double
  /// Mean gold reward, where it was measured.
  public var gold: Double?

  /// A policy from what was measured of it.
  public init(name: String, kl: Double, reward: Double, gold: Double? = nil) {
    self.name = name
    self.kl = kl
    self.reward = reward
    self.gold = gold
  }
}

/// The grids and settings of one `frontier` run.
public struct FrontierRequest: Sendable, Equatable {
  /// Inverse temperatures, ascending and distinct, each finite and ≥ 0; nil asks for the default grid.
  public var lambdas: [Double]?
  /// Mean-KL budgets in nats, ascending and distinct, each finite and > 0.
  public var klBudgets: [Double]
  /// n of best-of-n, ascending and distinct, each ≥ 1; nil asks for powers of two up to M, and M.
  public var bestOf: [Int]?
  /// What becomes of missing cells.
  public var missing: MissingPolicy
  /// Bootstrap replicates; 0 for none.
  public var resamples: Int
  /// Two-sided confidence of the intervals, inside (0, 1).
  public var confidence: Double
  /// Seed of the bootstrap.
  public var seed: UInt64
  /// `auto`, `cpu`, a device's name, or several names with commas between them.
  public var device: String
  /// Worker threads; nil for one a processor.
  public var threads: Int?
  /// Memory the run may use, bytes.
  public var memoryBudgetBytes: Int
  /// nil for the default of the input's element type.
  public var precision: Precision?
  /// Values of each prompt are corrected by the jackknife over its samples.
  public var biasCorrect = false
  /// Curves that are wanted beside the budgets.
  public var curves: Set<Curve> = [.tilt, .bestOfN]
  /// Policies to place against the frontier.
  public var policies: [PolicyPoint] = []
  /// How several reward models become one reward; required where there are several.
  public var ensemble: EnsembleAggregator?
  /// How their scales are made alike; nil for none, refused where their spreads differ more than twofold.
  public var standardize: Standardization?

  /// A request; every setting has the program's default.
  public init(
    lambdas: [Double]? = nil, klBudgets: [Double] = [], bestOf: [Int]? = nil,
    missing: MissingPolicy = .error, resamples: Int = 1000, confidence: Double = 0.95,
    seed: UInt64 = 0, device: String = "auto", threads: Int? = nil,
    memoryBudgetBytes: Int = 2 << 30, precision: Precision? = nil
  ) {
    self.lambdas = lambdas
    self.klBudgets = klBudgets
    self.bestOf = bestOf
    self.missing = missing
    self.resamples = resamples
    self.confidence = confidence
    self.seed = seed
    self.device = device
    self.threads = threads
    self.memoryBudgetBytes = memoryBudgetBytes
    self.precision = precision
  }
}

// SPDX-License-Identifier: Apache-2.0
// What the command line said, option by option, checked for form and nothing else. Nothing is opened
// or looked up while it is filled; each command resolves it afterwards.

internal import Esscher
internal import EsscherIO

/// When progress is shown.
enum ProgressMode: String, CaseIterable, Sendable {
  case auto, always, never
}

/// The validated, unresolved command line.
struct LowArguments: Sendable {
  /// Arguments that are not options, in order.
  var positionals: [String] = []

  // Input
  var inputFormat: InputFormat?
  var key: String?
  var gold: String?
  var logWeights: String?
  var logProbabilities: String?
  var columns: [String: String] = [:]
  var dtype: String?
  var missing = MissingPolicy.error
  var policies: String?

  // Grids
  var betas: GridSpec?
  var lambdas: GridSpec?
  var klBudgets: GridSpec?
  var ns: IntegerGridSpec?
  var curves: Set<Curve> = [.tilt, .bestOfN]

  // Estimation
  var resamples = 1000
  var confidence = 0.95
  var seed: UInt64 = 0
  var precision: Precision?
  var biasCorrect = false
  var ensemble: EnsembleAggregator?
  var standardize: Standardization?

  // Simulation
  var prompts: Int?
  var samples: Int?
  var elementType = ElementType.float32
  var goldOutput: String?
  var exact = false

  // Machine
  var device = "auto"
  var threads: Int?
  var memoryBudgetBytes = 2 << 30
  var repeats = 5
  var shapes: [MatrixShape] = []
  var jobs: [BenchmarkJob] = []

  // Sweep
  var shard: Shard?
  var state: String?
  var after: String?

  // Output
  var format: OutputFormat?
  var outputs: [String] = []
  var perPrompt: String?
  var plots: [String] = []
  var plotAxis = PlotAxis.linear
  var json = false
  var progress = ProgressMode.auto
  var quiet = false
  var noColor = false

  // General
  var help = false
  var version = false
}

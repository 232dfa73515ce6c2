// SPDX-License-Identifier: Apache-2.0
// What the command line said, option by option, checked for form and nothing else. Nothing is opened
// or looked up while it is filled; each command resolves it afterwards.

internal import Esscher
internal import EsscherIO
internal import EsscherOptions

/// When progress is shown.
enum ProgressMode: String, CaseIterable, Sendable {
  case auto, always, never
}

/// The validated, unresolved command line. What is asked of a run is reached as if it stood here.
@dynamicMemberLookup
struct LowArguments: Sendable {
  /// Grids, estimation and machine.
  var asked = RequestArguments()

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
  var policies: String?

  // Simulation
  var prompts: Int?
  var samples: Int?
  var elementType = ElementType.float32
  var goldOutput: String?
  var exact = false

  // Machine
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

  subscript<Value>(dynamicMember path: WritableKeyPath<RequestArguments, Value>) -> Value {
    get { asked[keyPath: path] }
    set { asked[keyPath: path] = newValue }
  }

  subscript<Value>(dynamicMember path: KeyPath<RequestArguments, Value>) -> Value {
    asked[keyPath: path]
  }
}

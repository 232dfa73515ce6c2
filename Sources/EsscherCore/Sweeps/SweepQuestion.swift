// SPDX-License-Identifier: Apache-2.0
// What a sweep asks, and of which prompts: shards of one sweep agree in it to the bit.

/// The request and the shape of the table, without anything that changes no result: device, threads and memory.
package struct SweepQuestion: Sendable, Equatable {
  /// The grids and settings.
  package var request: FrontierRequest
  /// Name of the reward.
  package var label: String
  /// P over all shards.
  package var promptCount: Int
  /// Whether rewards are counts of correct samples.
  package var isCounts: Bool
  /// Whether cells need doubles.
  package var needsDoubles: Bool
  /// Names of the reward models of an ensemble.
  package var members: [String]
  /// Names of the gold reward, the log weights and the log-probabilities; nil of what there is not.
  package var gold, logWeights, logProbabilities: String?

  /// The question of a run.
  package init(_ request: FrontierRequest, _ table: RewardTable) {
    self.request = request
    self.request.device = "auto"
    self.request.threads = nil
    self.request.memoryBudgetBytes = FrontierRequest().memoryBudgetBytes
    label = table.label
    switch table.rewards {
    case .cells(let source):
      promptCount = source.rowCount
      isCounts = false
      needsDoubles = source.storage == .float64
    case .counts(let counts):
      promptCount = counts.sampleCounts.count
      isCounts = true
      needsDoubles = true
    }
    members = table.members.map(\.name)
    gold = table.gold?.name
    logWeights = table.logWeights?.name
    logProbabilities = table.logProbabilities?.name
  }

  /// For reading.
  init() {
    request = FrontierRequest()
    (label, promptCount, isCounts, needsDoubles, members) = ("", 0, false, false, [])
  }

  /// A table of the question's shape that holds no cell: what is known of the prompts is in the states.
  package var table: RewardTable {
    func absent(_ name: String) -> AbsentSource {
      AbsentSource(
        name: name, rowCount: promptCount, storage: needsDoubles ? .float64 : .float32)
    }
    let rewards: RewardRows =
      isCounts
      ? .counts(
        CountsTable(
          name: label, sampleCounts: Array(repeating: 0, count: promptCount),
          correctCounts: Array(repeating: 0, count: promptCount)))
      : .cells(absent(label))
    var table = RewardTable(
      label: label, rewards: rewards, gold: gold.map(absent), logWeights: logWeights.map(absent),
      logProbabilities: logProbabilities.map(absent))
    table.members = members.map { RewardMember(name: $0, source: absent($0)) }
    return table
  }

  /// What is asked, name by name, for a sentence about where two questions differ.
  package var facts: [(name: String, value: String)] {
    func grid(_ values: [some CustomStringConvertible]?) -> String {
      guard let values else { return "the default" }
      guard values.count > 4 else { return values.map(\.description).joined(separator: ",") }
      return "\(values[0])...\(values[values.count - 1]) (\(values.count))"
    }
    return [
      ("the number of prompts", "\(promptCount)"), ("the reward", label),
      ("the kind of rewards", isCounts ? "counts" : needsDoubles ? "doubles" : "floats"),
      ("the reward models", members.joined(separator: ",")), ("--gold", gold ?? "none"),
      ("--log-weights", logWeights ?? "none"), ("--logprobs", logProbabilities ?? "none"),
      ("--lambdas", grid(request.lambdas)), ("--kl-budgets", grid(request.klBudgets)),
      ("--ns", grid(request.bestOf)), ("--missing", request.missing.rawValue),
      ("--resamples", "\(request.resamples)"), ("--confidence", "\(request.confidence)"),
      ("--seed", "\(request.seed)"),
      ("--precision", request.precision?.rawValue ?? "the default"),
      ("--bias-correct", "\(request.biasCorrect)"),
      ("--curves", request.curves.map(\.rawValue).sorted().joined(separator: ",")),
      ("--policies", "\(request.policies.map { "\($0.name) \($0.kl) \($0.reward)" })"),
      ("--ensemble", request.ensemble?.description ?? "none"),
      ("--standardize", request.standardize?.rawValue ?? "none given"),
    ]
  }

  /// The first thing in which two questions differ, nil where they are one.
  package func difference(from other: SweepQuestion) -> (name: String, own: String, others: String)?
  {
    guard self != other else { return nil }
    for (own, others) in zip(facts, other.facts) where own.value != others.value {
      return (own.name, own.value, others.value)
    }
    return ("a number of a grid", "another", "another")
  }

  /// Writes or reads the question.
  mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.code(&label)
    try coder.code(&promptCount)
    try coder.code(&isCounts)
    // Counts are a pair of numbers a prompt in memory.
    guard (0...(isCounts ? 1 << 28 : 1 << 40)).contains(promptCount) else {
      throw StateCoder.damaged
    }
    try coder.code(&needsDoubles)
    try coder.code(&members)
    guard members.count != 1 else { throw StateCoder.damaged }
    try Self.code(&gold, &coder)
    try Self.code(&logWeights, &coder)
    try Self.code(&logProbabilities, &coder)
    try request.code(&coder)
  }

  private static func code(
    _ text: inout String?, _ coder: inout StateCoder
  ) throws(EsscherError) {
    try coder.code(&text, empty: "") { (coder, text) throws(EsscherError) in try coder.code(&text) }
  }
}

extension FrontierRequest {
  fileprivate mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.code(&lambdas, empty: []) { (coder, list) throws(EsscherError) in
      try coder.code(&list)
    }
    try coder.code(&klBudgets)
    try coder.code(&bestOf, empty: []) { (coder, list) throws(EsscherError) in
      try coder.code(&list)
    }
    try coder.choose(&missing)
    try coder.code(&resamples)
    try coder.code(&confidence)
    try coder.code(&seed)
    try coder.code(&precision, empty: .mixed) { (coder, choice) throws(EsscherError) in
      try coder.choose(&choice)
    }
    try coder.code(&biasCorrect)
    var list = Curve.allCases.filter(curves.contains)
    try coder.code(&list, empty: .tilt) { (coder, curve) throws(EsscherError) in
      try coder.choose(&curve)
    }
    curves = Set(list)
    try coder.code(&policies, empty: PolicyPoint(name: "", kl: 0, reward: 0)) {
      (coder, policy) throws(EsscherError) in
      try coder.code(&policy.name)
      try coder.code(&policy.kl)
      try coder.code(&policy.reward)
      try coder.code(&policy.gold)
    }
    try coder.code(&ensemble, empty: .mean) { (coder, aggregator) throws(EsscherError) in
      var spelling = aggregator.description
      try coder.code(&spelling)
      guard let read = EnsembleAggregator(spelling: spelling) else { throw StateCoder.damaged }
      aggregator = read
    }
    try coder.code(&standardize, empty: .none) { (coder, choice) throws(EsscherError) in
      try coder.choose(&choice)
    }
    // What the options' parser lets through, and nothing else.
    let isLambda = { (value: Double) in value >= 0 && value.isFinite }
    guard (0...10_000_000).contains(resamples), confidence > 0, confidence < 1,
      lambdas?.allSatisfy(isLambda) ?? true, (lambdas ?? []).isAscending,
      klBudgets.allSatisfy({ $0 > 0 && $0.isFinite }), klBudgets.isAscending,
      bestOf?.allSatisfy({ $0 > 0 }) ?? true, (bestOf ?? []).isAscending,
      policies.allSatisfy({ $0.kl >= 0 && $0.kl.isFinite && $0.reward.isFinite })
    else { throw StateCoder.damaged }
  }
}

extension Array where Element: Comparable {
  /// Whether each element is above the one before.
  fileprivate var isAscending: Bool { zip(self, dropFirst()).allSatisfy { $0 < $1 } }
}

extension StateCoder {
  /// One of some named choices.
  mutating func choose<Choice: RawRepresentable<String>>(
    _ value: inout Choice
  ) throws(EsscherError) {
    var name = value.rawValue
    try code(&name)
    guard let read = Choice(rawValue: name) else { throw Self.damaged }
    value = read
  }
}

/// Rewards that are elsewhere: a table's shape without its cells.
private struct AbsentSource: RewardSource {
  let name: String
  let rowCount: Int
  let storage: CellStorage
  var preferredRowsPerRead: Int { 1 }
  var longestSampleCount: Int { 0 }

  func sampleCount(row: Int) -> Int { 0 }

  func copyFloats(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Float>
  ) throws(EsscherError) {
    throw Self.absence
  }

  func copyDoubles(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Double>
  ) throws(EsscherError) {
    throw Self.absence
  }

  func location(row: Int, column: Int) -> EsscherError.Location {
    EsscherError.Location(file: name, row: row, column: column)
  }

  private static let absence = EsscherError(.internal, "a merge has no samples to read")
}

// SPDX-License-Identifier: Apache-2.0
// The first round: what the matrix is, before any tilt.

internal import EsscherCore

/// Means over prompts and the extremes that later rounds are planned by.
struct MatrixOverview {
  var promptCount = 0
  var droppedPrompts = 0
  var droppedSamples = 0
  var shortest = Int.max
  var longest = 0
  /// Row of the first prompt with the fewest samples.
  var shortestRow = 0
  /// Mean of log(M/k_max) in nats.
  var ceiling = 0.0
  /// Root of the mean variance.
  var standardDeviation = 0.0
  /// Mean of max r − mean r, the gain as lambda goes to infinity.
  var largestGain = 0.0
  /// Mean reward of the base policy.
  var meanReward = 0.0
  /// Tilts that the first round evaluated on the way, for the solvers of later ones.
  var evaluations: [KLBudgetSolver.Evaluation] = []

  /// What was left out, as sentences.
  var notes: [String] {
    guard droppedSamples > 0 || droppedPrompts > 0 else { return [] }
    return [
      "\(droppedSamples) samples were left out (a missing cell, or a weight that vanishes beside the "
        + "largest), and \(droppedPrompts) prompts without any."
    ]
  }

  /// Name of the pass.
  static let pass = "overview"

  /// Runs the round.
  ///
  /// - Parameters:
  ///   - scan: the matrix.
  ///   - missing: what becomes of missing cells.
  ///   - probes: lambdas to evaluate on the way, ascending.
  init(
    _ scan: MatrixScan, missing: MissingPolicy, probes: [Double] = []
  ) throws(EsscherError) {
    let threads = scan.backend.threads
    let sums = try scan.pass(Self.pass, by: probes, from: OverviewSums(probes)) {
      (sums) throws(EsscherError) in
      try scan.run(
        StatisticsPlan(lambdas: probes, squared: false, missing: missing), stage: "reading"
      ) { table in
        sums.add(table, threads: threads)
      }
    }
    guard sums.promptCount > 0 else {
      // The prompts of other shards may have samples.
      if scan.isShard { throw Sweep.suspension }
      throw EsscherError(
        .badInput, "no prompt has a sample left after dropping missing cells; check the input",
        at: EsscherError.Location(file: scan.table.inputs.first?.name))
    }
    self.init(sums)
  }

  /// What the sums of a pass say; of at least one prompt.
  init(_ sums: OverviewSums) {
    promptCount = sums.promptCount
    droppedPrompts = sums.droppedPrompts
    droppedSamples = sums.droppedSamples
    shortest = sums.shortest
    longest = sums.longest
    shortestRow = sums.shortestRow
    let prompts = Double(promptCount)
    ceiling = sums.ceilings.value / prompts
    standardDeviation = (sums.variances.value / prompts).squareRoot()
    largestGain = sums.gains.value / prompts
    meanReward = sums.rewards.value / prompts
    evaluations = sums.evaluations.means
  }

  /// What is known of the samples without reading any; the main round, which then need not wait for this one, finds
  /// the rest. Nil where the points depend on more, or prompts and samples may be left out.
  init?(unread scan: MatrixScan, _ request: FrontierRequest) {
    guard scan.sweep == nil, case .cells(let source) = scan.table.rewards,
      scan.table.logWeights == nil, request.missing == .error, request.klBudgets.isEmpty,
      request.policies.isEmpty, request.lambdas != nil || !request.curves.contains(.tilt)
    else { return nil }
    for row in scan.rows {
      let samples = source.sampleCount(row: row)
      guard samples > 0 else { return nil }
      longest = max(longest, samples)
      if samples < shortest { (shortest, shortestRow) = (samples, row) }
    }
    promptCount = scan.rows.count
    guard promptCount > 0 else { return nil }
  }
}

/// What the round sums.
struct OverviewSums: PartialResult {
  var promptCount = 0
  var droppedPrompts = 0
  var droppedSamples = 0
  var shortest = Int.max
  var longest = 0
  var shortestRow = 0
  var ceilings = ExactSum()
  var variances = ExactSum()
  var gains = ExactSum()
  var rewards = ExactSum()
  var evaluations: EvaluationSums

  init(_ probes: [Double] = []) { evaluations = EvaluationSums(probes) }

  mutating func add(_ table: StatisticsTable, threads: Int) {
    evaluations.add(table, threads: threads)
    addRows(of: table)
  }

  /// Adds all but the tilts.
  mutating func addRows(of table: StatisticsTable) {
    for (offset, summary) in table.summaries.enumerated() {
      droppedSamples += summary.droppedCount
      guard summary.sampleCount > 0 else {
        droppedPrompts += 1
        continue
      }
      promptCount += 1
      longest = max(longest, summary.sampleCount)
      if summary.sampleCount < shortest {
        shortest = summary.sampleCount
        shortestRow = table.rows.lowerBound + offset
      }
      ceilings.add(summary.ceiling)
      variances.add(summary.variance)
      gains.add(summary.highest)
      rewards.add(summary.mean)
    }
  }

  mutating func merge(_ other: OverviewSums) {
    promptCount += other.promptCount
    droppedPrompts += other.droppedPrompts
    droppedSamples += other.droppedSamples
    longest = max(longest, other.longest)
    if (other.shortest, other.shortestRow) < (shortest, shortestRow) {
      (shortest, shortestRow) = (other.shortest, other.shortestRow)
    }
    ceilings.merge(other.ceilings)
    variances.merge(other.variances)
    gains.merge(other.gains)
    rewards.merge(other.rewards)
    evaluations.merge(other.evaluations)
  }

  mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.code(&promptCount)
    try coder.code(&droppedPrompts)
    try coder.code(&droppedSamples)
    // Of no prompts there is no shortest one.
    var least: Int? = shortest == .max ? nil : shortest
    try coder.code(&least, empty: 0) { (coder, least) throws(EsscherError) in
      try coder.code(&least)
    }
    shortest = least ?? .max
    try coder.code(&longest)
    try coder.code(&shortestRow)
    try coder.code(&ceilings)
    try coder.code(&variances)
    try coder.code(&gains)
    try coder.code(&rewards)
    try coder.code(&evaluations)
    guard promptCount >= 0, promptCount == 0 || (1...longest).contains(shortest) else {
      throw StateCoder.damaged
    }
  }
}

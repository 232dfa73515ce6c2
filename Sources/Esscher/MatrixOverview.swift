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

  /// Runs the round.
  ///
  /// - Parameters:
  ///   - scan: the matrix.
  ///   - missing: what becomes of missing cells.
  ///   - probes: lambdas to evaluate on the way, ascending.
  init(
    _ scan: MatrixScan, missing: MissingPolicy, probes: [Double] = []
  ) throws(EsscherError) {
    var sums = EvaluationSums(probes)
    let threads = scan.backend.threads
    var ceilings = CompensatedSum()
    var variances = CompensatedSum()
    var gains = CompensatedSum()
    var rewards = CompensatedSum()
    var overview = self
    try scan.run(StatisticsPlan(lambdas: probes, missing: missing), stage: "reading") { table in
      sums.add(table, threads: threads)
      for (offset, summary) in table.summaries.enumerated() {
        overview.droppedSamples += summary.droppedCount
        guard summary.sampleCount > 0 else {
          overview.droppedPrompts += 1
          continue
        }
        overview.promptCount += 1
        overview.longest = max(overview.longest, summary.sampleCount)
        if summary.sampleCount < overview.shortest {
          overview.shortest = summary.sampleCount
          overview.shortestRow = table.rows.lowerBound + offset
        }
        ceilings.add(summary.ceiling)
        variances.add(summary.variance)
        gains.add(summary.highest)
        rewards.add(summary.mean)
      }
    }
    self = overview
    guard promptCount > 0 else {
      throw EsscherError(
        .badInput, "no prompt has a sample left after dropping missing cells; check the input",
        at: EsscherError.Location(file: scan.table.inputs.first?.name))
    }
    let prompts = Double(promptCount)
    ceiling = ceilings.value / prompts
    standardDeviation = (variances.value / prompts).squareRoot()
    largestGain = gains.value / prompts
    meanReward = rewards.value / prompts
    evaluations = sums.means
  }
}

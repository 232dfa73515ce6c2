// SPDX-License-Identifier: Apache-2.0
// From a prompt's statistics to its values at every point of the report.

internal import EsscherCore

/// One prompt's values at one point.
struct PromptValues {
  var kl = 0.0
  var reverseKL = 0.0
  var jeffreys = 0.0
  var reward = 0.0
  var gain = 0.0
  var gold = 0.0
  var winRate = 0.0
  var ess = 0.0
  /// Pareto shape of the tilt's weights, nil where there is none.
  var khat: Double?
  /// Tilt: variance of the reward. Best-of-n: gain of the V-statistic.
  var spread = 0.0
  /// Best-of-n: KL of the V-statistic's law from the empirical one.
  var replacementKL = 0.0

  init() {}

  init(_ estimate: TiltEstimate, summary: RowSummary) {
    kl = estimate.kl
    reverseKL = estimate.reverseKL
    jeffreys = estimate.jeffreys
    reward = summary.mean + estimate.gain
    gain = estimate.gain
    gold = estimate.gold
    winRate = estimate.winRate
    ess = estimate.ess
    spread = estimate.variance
  }

  init(_ sums: BestOfNSums, summary: RowSummary) {
    kl = sums.law.kl
    reverseKL = sums.law.reverseKL
    jeffreys = kl + reverseKL
    reward = summary.mean + sums.gain
    gain = sums.gain
    gold = sums.gold
    winRate = sums.law.winRate
    ess = sums.ess
    spread = sums.replacementGain
    replacementKL = sums.replacementKL
  }
}

/// A prompt's values at every planned lambda, then at every n.
struct PromptRow {
  var row: Int
  var summary: RowSummary
  var values: [PromptValues]

  init(_ table: StatisticsTable, offset: Int, lambdas: [Double]) {
    row = table.rows.lowerBound + offset
    summary = table.summaries[offset]
    values = []
    values.reserveCapacity(table.lambdaCount + table.bestOfCount)
    for (index, lambda) in lambdas.enumerated() {
      let sums = table.tilts[offset * table.lambdaCount + index]
      var point = PromptValues(
        TiltEstimate(lambda: lambda, sums: sums, summary: summary), summary: summary)
      point.khat = ParetoTail.shape(lambda: lambda, top: table.tails[offset])
      values.append(point)
    }
    for index in 0..<table.bestOfCount {
      values.append(
        PromptValues(table.bestOf[offset * table.bestOfCount + index], summary: summary))
    }
  }
}

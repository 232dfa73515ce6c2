// SPDX-License-Identifier: Apache-2.0
// From a prompt's statistics to its values at every point of the report.

internal import EsscherCPU
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
  /// KL, gain and gold of the samples' own law, whatever correction the others have.
  var empiricalKL = 0.0
  var empiricalGain = 0.0
  var empiricalGold = 0.0
  /// Cov(g, r) under the tilt, the slope of gold in lambda.
  var goldSlope = 0.0
  /// χ²(tilt ‖ base) = M Σw² − 1; without importance weights.
  var chiSquared = 0.0
  /// What the jackknife says of the tilt's bias.
  var bias = TiltJackknife()

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
    empiricalKL = kl
    empiricalGain = gain
    empiricalGold = gold
    goldSlope = estimate.goldSlope
    chiSquared = max(0, Double(summary.sampleCount) / estimate.ess - 1)
  }

  /// Subtracts the jackknife's estimate of the bias.
  mutating func correctBias(lambda: Double) {
    kl -= bias.kl
    reverseKL -= bias.reverseKL
    gain -= bias.gain
    reward -= bias.reward
    gold -= bias.gold
    jeffreys = lambda * gain
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
    empiricalKL = kl
    empiricalGain = gain
  }
}

/// A prompt's values at every planned lambda, then under every law of selection.
struct PromptRow {
  var row: Int
  var summary: RowSummary
  var values: [PromptValues]
  /// Standard errors over the samples, in the order of `values`; empty where nobody asked.
  var errors: [SampleErrors] = []

  /// - Parameters:
  ///   - isWeighted: samples have importance weights; then lambda = 0 is the first of `lambdas`.
  ///   - correctsBias: values are corrected by the jackknife.
  init(
    _ table: StatisticsTable, offset: Int, lambdas: [Double], isWeighted: Bool, correctsBias: Bool
  ) {
    row = table.rows.lowerBound + offset
    summary = table.summaries[offset]
    values = []
    values.reserveCapacity(table.lambdaCount + table.bestOfCount)
    let tail = table.tails[offset]
    let fitted = min(
      tail.rewards.count, ParetoTail.count(sampleCount: summary.sampleCount) + 1)
    let base = isWeighted ? table.tilts[offset * table.lambdaCount] : nil
    for (index, lambda) in lambdas.enumerated() {
      let sums = table.tilts[offset * table.lambdaCount + index]
      var point = PromptValues(
        TiltEstimate(lambda: lambda, sums: sums, summary: summary), summary: summary)
      let weights = ParetoTail.weights(lambda: lambda, top: tail.rewards[...], loops: .processor)
      point.khat =
        lambda > 0
        ? ParetoTail.shape(
          weights: weights[..<fitted], rewards: tail.rewards[..<fitted], loops: .processor) : nil
      point.bias = TiltJackknife(
        lambda: lambda, sums: sums, summary: summary, tail: tail, tailWeights: weights, base: base)
      if correctsBias { point.correctBias(lambda: lambda) }
      values.append(point)
    }
    for index in 0..<table.bestOfCount {
      values.append(
        PromptValues(table.bestOf[offset * table.bestOfCount + index], summary: summary))
    }
  }
}

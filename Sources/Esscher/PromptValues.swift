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
  /// Mean reward of the base policy: reward less gain, before those are rounded.
  var base = 0.0
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
    base = summary.mean
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
    base -= bias.reward - bias.gain
    gold -= bias.gold
    jeffreys = lambda * gain
  }

  init(_ sums: BestOfNSums, summary: RowSummary) {
    kl = sums.law.kl
    reverseKL = sums.law.reverseKL
    jeffreys = kl + reverseKL
    base = summary.mean
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
  ///   - tails: the worker's buffers.
  init(
    _ table: StatisticsTable, offset: Int, lambdas: [Double], isWeighted: Bool, correctsBias: Bool,
    tails: TiltTails
  ) {
    row = table.rows.lowerBound + offset
    summary = table.summaries[offset]
    values = []
    guard summary.sampleCount > 0 else { return }
    values.reserveCapacity(table.lambdaCount + table.bestOfCount)
    let first = offset * table.lambdaCount
    let base = isWeighted ? table.tilts[first] : nil
    if !isWeighted {
      tails.evaluate(
        table.tails[offset], sampleCount: summary.sampleCount, lambdas: lambdas
      ) {
        TailSums.largestWeight(lambda: lambdas[$0], sums: table.tilts[first + $0], summary: summary)
      }
    }
    for (index, lambda) in lambdas.enumerated() {
      let sums = table.tilts[first + index]
      let tail = isWeighted ? nil : tails.sums(at: index)
      var point = PromptValues(
        TiltEstimate(lambda: lambda, sums: sums, summary: summary), summary: summary)
      point.khat = tail?.shape
      point.bias = TiltJackknife(
        lambda: lambda, sums: sums, summary: summary, tail: tail, base: base)
      if correctsBias { point.correctBias(lambda: lambda) }
      values.append(point)
    }
    for index in 0..<table.bestOfCount {
      values.append(
        PromptValues(table.bestOf[offset * table.bestOfCount + index], summary: summary))
    }
  }
}

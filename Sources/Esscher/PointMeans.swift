// SPDX-License-Identifier: Apache-2.0
// Means, spreads and histograms over prompts of one point.

internal import EsscherCore

/// Means over prompts of one point.
struct PointMeans {
  private var sums = InlineArray<17, CompensatedSum>(repeating: CompensatedSum())
  private(set) var count = 0
  private(set) var ess = LogHistogram()
  /// Inverses of the largest weights.
  private var inverseWeights = LogHistogram()
  /// Pareto shapes times `shapeScale`: the histogram's bins begin at 1.
  private var shapes = LogHistogram()
  private static let shapeScale = 1024.0
  private var gains = RunningVariance()
  private var kls = RunningVariance()
  private var rewards = RunningVariance()
  /// Prompts without a Pareto shape.
  var withoutShape: Int { count - shapes.total }

  mutating func add(_ values: PromptValues) {
    count += 1
    sums[0].add(values.kl)
    sums[1].add(values.reverseKL)
    sums[2].add(values.jeffreys)
    sums[3].add(values.reward)
    sums[4].add(values.gain)
    sums[5].add(values.gold)
    sums[6].add(values.winRate)
    sums[7].add(values.spread)
    sums[8].add(values.replacementKL)
    sums[9].add(values.empiricalKL)
    sums[10].add(values.empiricalGain)
    sums[11].add(values.bias.kl)
    sums[12].add(values.bias.gain)
    sums[13].add(values.bias.reward)
    sums[14].add(values.goldSlope)
    sums[15].add(values.chiSquared)
    sums[16].add(values.empiricalGold)
    ess.add(values.ess)
    if let khat = values.khat { shapes.add(Self.shapeScale * khat) }
    if let weight = values.bias.largestWeight { inverseWeights.add(1 / weight) }
    gains.add(values.gain)
    kls.add(values.kl)
    rewards.add(values.reward)
  }

  /// The means, as the values of a prompt that stands for all; `ess` and the largest weight are medians,
  /// `khat` is the 90th percentile.
  var means: PromptValues {
    let prompts = Double(max(1, count))
    func mean(_ index: Int) -> Double { sums[index].value / prompts }
    var means = PromptValues()
    means.kl = mean(0)
    means.reverseKL = mean(1)
    means.jeffreys = mean(2)
    means.reward = mean(3)
    means.gain = mean(4)
    means.gold = mean(5)
    means.winRate = mean(6)
    means.spread = mean(7)
    means.replacementKL = mean(8)
    means.empiricalKL = mean(9)
    means.empiricalGain = mean(10)
    means.bias.kl = mean(11)
    means.bias.gain = mean(12)
    means.bias.reward = mean(13)
    means.goldSlope = mean(14)
    means.chiSquared = mean(15)
    means.empiricalGold = mean(16)
    means.bias.largestWeight = inverseWeights.median.map { 1 / $0 }
    means.ess = ess.median ?? 0
    means.khat = shapes.quantile(0.9).map { $0 / Self.shapeScale }
    return means
  }

  /// Standard errors of the means of gain, KL and reward over prompts; nil for one prompt.
  var errors: (gain: Double, kl: Double, reward: Double)? {
    guard count > 1 else { return nil }
    let root = Double(count).squareRoot()
    return (
      gains.standardDeviation / root, kls.standardDeviation / root,
      rewards.standardDeviation / root
    )
  }
}

/// Variance of numbers that come one by one, without cancellation.
///
/// - Source: Welford, Technometrics 4 (1962).
struct RunningVariance {
  private var count = 0.0
  private var mean = 0.0
  private var squares = 0.0

  mutating func add(_ x: Double) {
    count += 1
    let step = x - mean
    mean += step / count
    squares += step * (x - mean)
  }

  /// √(Σ(x − x̄)²/(count − 1)).
  var standardDeviation: Double { count > 1 ? (squares / (count - 1)).squareRoot() : 0 }
}

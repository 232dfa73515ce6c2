// SPDX-License-Identifier: Apache-2.0
// Means, spreads and histograms over prompts of one point.

internal import EsscherCore

/// Means over prompts of one point.
struct PointMeans: PartialResult {
  private static let sumCount = 17
  private var sums = InlineArray<17, ExactSum>(repeating: ExactSum())
  private(set) var count = 0
  private(set) var ess = LogHistogram()
  /// Inverses of the largest weights.
  private var inverseWeights = LogHistogram()
  /// Pareto shapes times `shapeScale`: the histogram's bins begin at 1.
  private var shapes = LogHistogram()
  private static let shapeScale = 1024.0
  /// Sums of squares of KL, reward and gain.
  private var squares = InlineArray<3, ExactSum>(repeating: ExactSum())
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
    squares[0].addSquare(of: values.kl)
    squares[1].addSquare(of: values.reward)
    squares[2].addSquare(of: values.gain)
  }

  mutating func merge(_ other: PointMeans) {
    count += other.count
    for index in 0..<Self.sumCount { sums[index].merge(other.sums[index]) }
    for index in 0..<3 { squares[index].merge(other.squares[index]) }
    ess.merge(other.ess)
    inverseWeights.merge(other.inverseWeights)
    shapes.merge(other.shapes)
  }

  mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.code(&count)
    for index in 0..<Self.sumCount { try coder.code(&sums[index]) }
    for index in 0..<3 { try coder.code(&squares[index]) }
    try coder.code(&ess)
    try coder.code(&inverseWeights)
    try coder.code(&shapes)
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
    return (
      error(sums[4], squares[2]), error(sums[0], squares[0]), error(sums[3], squares[1])
    )
  }

  /// √(Σ(x − x̄)²/(n(n − 1))).
  private func error(_ sum: ExactSum, _ squares: ExactSum) -> Double {
    let n = Double(count)
    let spread = ExactSum.squaredDeviations(sum: sum, squares: squares, count: count)
    return (spread / (n * (n - 1))).squareRoot()
  }
}

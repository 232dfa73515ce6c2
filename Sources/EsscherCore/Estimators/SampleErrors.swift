// SPDX-License-Identifier: Apache-2.0

/// Standard errors of one prompt's estimates over draws of its samples: by leaving each sample out in turn
/// (jackknife), and of tilts by the delta method, as a check of one another.
///
/// - Jackknife: V = (M−1)/M Σ (θ̂(−i) − mean)².
/// - Delta method: V = Σ IF_i²/M², with IF_G = W(r−m) − (r−μ), IF_D = λW(r−m) − (W−1), IF_g = W(g−m_g).
/// - Units: those of the estimates.
/// - Edge cases: nil where leaving one out is not defined: one sample, n = M, or a sample that carries all the
///   weight.
/// - Source: theory §1.6 (tilt), §3.5 (best of n).
public struct SampleErrors: Sendable, Equatable {
  /// Of the KL.
  public var kl: Double?
  /// Of the mean reward.
  public var reward: Double?
  /// Of the gain.
  public var gain: Double?
  /// Of the mean gold reward.
  public var gold: Double?
  /// Of gain − beta·KL, the gain at a held KL.
  public var heldGain: Double?
  /// Of reward − beta·KL.
  public var heldReward: Double?
  /// Of the mean gold reward at a held KL.
  public var heldGold: Double?
  /// Of the KL, by the delta method.
  public var klDelta: Double?
  /// Of the gain, by the delta method.
  public var gainDelta: Double?
  /// Of the mean gold reward, by the delta method.
  public var goldDelta: Double?

  /// Nothing is known.
  public init() {}
}

/// Σ x and Σ x² of the deviations θ̂(−i) − θ̂.
struct Deviations {
  private var sum = 0.0
  private var squares = 0.0
  private var anchor: Double?

  @inline(__always)
  mutating func add(_ x: Double) {
    sum += x
    squares += x * x
  }

  @inline(__always)
  /// Adds an estimate; the spread is taken about the first one, near all others.
  mutating func add(estimate: Double) {
    let anchor = anchor ?? estimate
    self.anchor = anchor
    add(estimate - anchor)
  }

  /// The jackknife's standard error.
  func error(_ samples: Double) -> Double {
    let spread = squares - sum * sum / samples
    return (max(0, spread) * (samples - 1) / samples).squareRoot()
  }

  /// Root of Σ x².
  var root: Double { squares.squareRoot() }
}

/// A row as the leave-one-out estimators read it.
@safe
package struct SampleRow {
  /// Samples of the row.
  package let count: Int
  /// Rewards less their mean; for best-of-n the largest first.
  let rewards: UnsafePointer<Double>
  /// Gold rewards less their mean, in the order of the rewards.
  let gold: UnsafePointer<Double>?
  /// Base law q, or nil for 1/M.
  let weights: UnsafePointer<Double>?

  package init(
    count: Int, rewards: UnsafePointer<Double>, gold: UnsafePointer<Double>?,
    weights: UnsafePointer<Double>?
  ) {
    self.count = count
    unsafe self.rewards = rewards
    unsafe self.gold = gold
    unsafe self.weights = weights
  }
}

extension SampleErrors {
  /// Errors of the tilt at one lambda.
  ///
  /// - Parameters:
  ///   - lambda: inverse temperature.
  ///   - row: the samples.
  ///   - exponentials: e^{λ(d − max d)} of each.
  ///   - sums: sums of the row at `lambda`.
  ///   - highest: max d.
  /// - Precision: relative error below M·2^-53.
  /// - Complexity: O(M), logarithms for the few large weights.
  package init(
    tilt lambda: Double, row: SampleRow, exponentials: UnsafePointer<Double>, sums: TiltSums,
    highest: Double
  ) {
    self.init()
    let samples = Double(row.count)
    guard row.count > 1 else { return }
    // Sums may be about the mean; exponents here are about the top, so that none overflows.
    let partition = sums.exp * Elementary.exp(lambda * (sums.shift - highest))
    let mean = sums.shift + sums.first / sums.exp
    let goldMean = sums.gold / sums.exp
    var (kls, rewards, gains, golds) = (Deviations(), Deviations(), Deviations(), Deviations())
    var (heldGains, heldRewards, heldGolds) = (Deviations(), Deviations(), Deviations())
    let ratio = sums.first / sums.exp
    let variance = sums.second / sums.exp - ratio * ratio
    // Change of gold a nat along the tilt.
    let exchange =
      lambda > 0 && variance > 0
      ? (sums.goldFirst / sums.exp - ratio * goldMean) / (lambda * variance) : 0
    var (klDeltas, gainDeltas, goldDeltas) = (Deviations(), Deviations(), Deviations())
    let uniform = 1 / samples
    let uniformLogarithm = Self.logarithm(oneMinus: uniform)
    for index in 0..<row.count {
      let d = unsafe row.rewards[index]
      let q = unsafe row.weights.map { unsafe $0[index] } ?? uniform
      let w = unsafe q * exponentials[index] / partition
      guard w < 1, q < 1 else { return }
      let odds = w / (1 - w)
      let reward = -odds * (d - mean)
      let base = -q / (1 - q) * d
      let own = q == uniform ? uniformLogarithm : Self.logarithm(oneMinus: q)
      let logPartition = Self.logarithm(oneMinus: w) - own
      rewards.add(estimate: reward)
      gains.add(estimate: reward - base)
      kls.add(estimate: lambda * reward - logPartition)
      klDeltas.add(lambda * w * (d - mean) - (w - q))
      gainDeltas.add(w * (d - mean) - q * d)
      if lambda > 0 {
        heldGains.add(estimate: logPartition / lambda - base)
        heldRewards.add(estimate: logPartition / lambda)
      }
      if let gold = unsafe row.gold {
        let centred = unsafe gold[index] - goldMean
        golds.add(estimate: -odds * centred)
        heldGolds.add(
          estimate: -odds * centred - exchange * (lambda * reward - logPartition))
        goldDeltas.add(w * centred)
      }
    }
    kl = kls.error(samples)
    reward = rewards.error(samples)
    gain = gains.error(samples)
    klDelta = klDeltas.root
    gainDelta = gainDeltas.root
    if lambda > 0 {
      heldGain = heldGains.error(samples)
      heldReward = heldRewards.error(samples)
    }
    if unsafe row.gold != nil {
      gold = golds.error(samples)
      goldDelta = goldDeltas.root
      if lambda > 0 { heldGold = heldGolds.error(samples) }
    }
  }

  /// log(1 − x), by its series where that is exact to a double: x⁷/7 < 2^-53·x for x < 0.003.
  @inline(__always)
  private static func logarithm(oneMinus x: Double) -> Double {
    guard x < 0.003 else { return Elementary.log(onePlus: -x) }
    return -x * (1 + x * (1 / 2 + x * (1 / 3 + x * (1 / 4 + x * (1 / 5 + x / 6)))))
  }

  /// Errors of best of n's unbiased estimates; the KL, a constant of n without ties, has none.
  ///
  /// - Parameters:
  ///   - weights: order-statistic weights of M − 1 samples.
  ///   - row: sorted, the largest first.
  ///   - ties: groups of two or more equal samples, the largest first.
  /// - Complexity: O(M).
  package init(bestOf weights: OrderStatisticWeights, row: SampleRow, ties: [TieGroup]) {
    self.init()
    precondition(weights.sampleCount == row.count - 1, "weights of one sample less")
    let samples = Double(row.count)
    var rewards = Deviations()
    var gains = Deviations()
    let rest = samples - 1
    unsafe Self.leaveOneOut(weights, row.count, row.rewards, ties) { index, value in
      rewards.add(estimate: value)
      gains.add(estimate: unsafe value + row.rewards[index] / rest)
    }
    reward = rewards.error(samples)
    gain = gains.error(samples)
    guard let values = unsafe row.gold else { return }
    var golds = Deviations()
    unsafe Self.leaveOneOut(weights, row.count, values, ties) { _, value in
      golds.add(estimate: value)
    }
    gold = golds.error(samples)
  }

  /// Calls `body` with U(−i) of every sample i, from the largest on.
  ///
  /// What lies above i keeps its weight u'_p of M − 1 samples, what lies below moves up by one, and what ties
  /// with i shares the weights of its places.
  package static func leaveOneOut(
    _ weights: OrderStatisticWeights, _ count: Int, _ values: UnsafePointer<Double>,
    _ ties: [TieGroup], body: (_ index: Int, _ value: Double) -> Void
  ) {
    let u = weights.unbiased
    func weight(_ place: Int) -> Double { place >= 0 && place < u.count ? u[place] : 0 }
    /// Walks the groups, the largest first: first place, number, and mean of the values.
    func forEachGroup(_ visit: (_ start: Int, _ size: Int, _ mean: Double) -> Void) {
      var next = 0
      var start = 0
      while start < count {
        var size = 1
        if next < ties.count, count - ties[next].upTo == start {
          size = ties[next].count
          next += 1
        }
        var sum = 0.0
        for index in start..<start + size { unsafe sum += values[index] }
        visit(start, size, sum / Double(size))
        start += size
      }
    }
    var below = CompensatedSum()
    forEachGroup { start, size, mean in
      for place in start..<start + size { below.add(weight(place - 1) * mean) }
    }
    var above = CompensatedSum()
    forEachGroup { start, size, mean in
      var own = 0.0
      for place in start..<start + size {
        below.add(-weight(place - 1) * mean)
        if place < start + size - 1 { own += weight(place) }
      }
      for index in start..<start + size {
        let others =
          size > 1 ? unsafe (Double(size) * mean - values[index]) / Double(size - 1) : 0
        body(index, above.value + below.value + own * others)
      }
      for place in start..<start + size { above.add(weight(place) * mean) }
    }
  }
}

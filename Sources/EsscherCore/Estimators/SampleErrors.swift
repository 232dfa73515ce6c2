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

  /// Sums over the samples that the errors of a tilt are made of.
  package static let sumCount = 17
}

/// Σ x and Σ x² of what an estimate changes by, θ̂(−i) less θ̂ without the sample in the middle, which is near most.
private struct Deviations {
  private var sum = 0.0
  private var squares = 0.0

  @inline(__always)
  mutating func add(_ x: Double) {
    sum += x
    squares += x * x
  }

  /// The jackknife's standard error.
  func error(_ samples: Double) -> Double { SampleErrors.jackknife(sum, squares, samples) }
}

/// A row as the leave-one-out estimators read it.
@safe
package struct SampleRow {
  /// Samples of the row.
  package let count: Int
  /// Rewards less their mean; for best-of-n the largest first.
  let rewards: UnsafePointer<Double>
  /// Gold rewards less their mean, in the order of the rewards.
  package let gold: UnsafePointer<Double>?

  package init(
    count: Int, rewards: UnsafePointer<Double>, gold: UnsafePointer<Double>?
  ) {
    self.count = count
    unsafe self.rewards = rewards
    unsafe self.gold = gold
  }
}

extension SampleErrors {
  /// What the loop over a row's samples goes by at one lambda: λ, 1/λ or 0, Z of exponentials e^{λ(d − max d)}, the
  /// tilted mean of d, that of gold, and the change of gold a nat along the tilt.
  ///
  /// - Parameters:
  ///   - lambda: inverse temperature.
  ///   - sums: sums of the row at `lambda`.
  ///   - highest: max d.
  package static func parameters(lambda: Double, sums: TiltSums, highest: Double) -> [Double] {
    // Sums may be about the mean; exponents there are about the top, so that none overflows.
    let partition = sums.exp * Elementary.exp(lambda * (sums.shift - highest))
    let ratio = sums.first / sums.exp
    let goldMean = sums.gold / sums.exp
    let variance = sums.second / sums.exp - ratio * ratio
    let exchange =
      lambda > 0 && variance > 0
      ? (sums.goldFirst / sums.exp - ratio * goldMean) / (lambda * variance) : 0
    return [
      lambda, lambda > 0 ? 1 / lambda : 0, partition, sums.shift + ratio, goldMean, exchange,
    ]
  }

  /// Errors of the tilt at one lambda.
  ///
  /// - Parameters:
  ///   - lambda: inverse temperature.
  ///   - count: samples, two or more.
  ///   - sums: Σ x and Σ x² of the changes of KL, reward, gain, gain and reward at a held KL, gold, and gold at a held
  ///     KL, when a sample is left out, then Σ IF² of KL, gain and gold.
  ///   - hasGold: gold's are there.
  /// - Complexity: O(1).
  package init(tilt lambda: Double, count: Int, sums: [Double], hasGold: Bool) {
    self.init()
    let samples = Double(count)
    func error(_ place: Int) -> Double {
      Self.jackknife(sums[2 * place], sums[2 * place + 1], samples)
    }
    kl = error(0)
    reward = error(1)
    gain = error(2)
    klDelta = sums[14].squareRoot()
    gainDelta = sums[15].squareRoot()
    if lambda > 0 {
      heldGain = error(3)
      heldReward = error(4)
    }
    if hasGold {
      gold = error(5)
      goldDelta = sums[16].squareRoot()
      if lambda > 0 { heldGold = error(6) }
    }
  }

  /// √((M−1)/M (Σ x² − (Σ x)²/M)).
  fileprivate static func jackknife(_ sum: Double, _ squares: Double, _ samples: Double) -> Double {
    (max(0, squares - sum * sum / samples) * (samples - 1) / samples).squareRoot()
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
    let middle = unsafe row.rewards[row.count / 2]
    unsafe Self.leaveOneOut(weights, row.count, row.rewards, ties) { index, change in
      rewards.add(change)
      gains.add(unsafe change + (row.rewards[index] - middle) / rest)
    }
    reward = rewards.error(samples)
    gain = gains.error(samples)
    guard let values = unsafe row.gold else { return }
    var golds = Deviations()
    unsafe Self.leaveOneOut(weights, row.count, values, ties) { _, change in golds.add(change) }
    gold = golds.error(samples)
  }

  /// Calls `body` with U(−i) of every sample i, from the largest on, less that of the sample in the middle.
  ///
  /// What lies above i keeps its weight u'_p of M − 1 samples, what lies below moves up by one, and what ties
  /// with i shares the weights of its places.
  package static func leaveOneOut(
    _ weights: OrderStatisticWeights, _ count: Int, _ values: UnsafePointer<Double>,
    _ ties: [TieGroup], body: (_ index: Int, _ change: Double) -> Void
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
    /// What the others of a group of ties have in common when one of its values is left out.
    func others(_ size: Int, _ mean: Double, _ value: Double) -> Double {
      size > 1 ? (Double(size) * mean - value) / Double(size - 1) : 0
    }
    let middle = count / 2
    var below = CompensatedSum()
    var anchor = CompensatedSum()
    forEachGroup { start, size, mean in
      for place in start..<start + size { below.add(weight(place - 1) * mean) }
      if start > middle {
        for place in start..<start + size { anchor.add(weight(place - 1) * mean) }
      } else if start + size <= middle {
        for place in start..<start + size { anchor.add(weight(place) * mean) }
      } else {
        let own = (start..<start + size - 1).reduce(0) { $0 + weight($1) }
        unsafe anchor.add(own * others(size, mean, values[middle]))
      }
    }
    let unchanged = anchor.value
    var above = CompensatedSum()
    forEachGroup { start, size, mean in
      var own = 0.0
      for place in start..<start + size {
        below.add(-weight(place - 1) * mean)
        if place < start + size - 1 { own += weight(place) }
      }
      let outside = above.value + below.value - unchanged
      for index in start..<start + size {
        body(index, unsafe outside + own * others(size, mean, values[index]))
      }
      for place in start..<start + size { above.add(weight(place) * mean) }
    }
  }
}

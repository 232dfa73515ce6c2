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

/// A row as the leave-one-out estimators read it.
@safe
package struct SampleRow {
  /// Samples of the row.
  package let count: Int
  /// Rewards less their mean; for best-of-n the largest first.
  let rewards: UnsafePointer<Double>
  /// Gold rewards less their mean, in the order of the rewards.
  package let gold: UnsafePointer<Double>?
  /// Room for a number a sample.
  let scratch: UnsafeMutablePointer<Double>

  package init(
    count: Int, rewards: UnsafePointer<Double>, gold: UnsafePointer<Double>?,
    scratch: UnsafeMutablePointer<Double>
  ) {
    self.count = count
    unsafe self.rewards = rewards
    unsafe self.gold = gold
    unsafe self.scratch = scratch
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
  private static func jackknife(_ sum: Double, _ squares: Double, _ samples: Double) -> Double {
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
    let changes = unsafe row.scratch
    let rest = 1 / (samples - 1)
    let middle = unsafe row.rewards[row.count / 2]
    // Equal rewards need no groups: what is exchanged between them is 0.
    unsafe Self.leaveOneOut(weights, row.count, row.rewards, [], to: changes)
    reward = unsafe Self.jackknife(changes, row.count)
    for index in 0..<row.count {
      unsafe changes[index] += (row.rewards[index] - middle) * rest
    }
    gain = unsafe Self.jackknife(changes, row.count)
    guard let values = unsafe row.gold else { return }
    unsafe Self.leaveOneOut(weights, row.count, values, ties, to: changes)
    gold = unsafe Self.jackknife(changes, row.count)
  }

  /// √((M−1)/M Σ (x − mean)²), in two passes: any sample may be far from all others.
  private static func jackknife(_ changes: UnsafePointer<Double>, _ count: Int) -> Double {
    let samples = Double(count)
    var sum = 0.0
    for index in 0..<count { unsafe sum += changes[index] }
    let mean = sum / samples
    var squares = 0.0
    for index in 0..<count {
      let x = unsafe changes[index] - mean
      squares += x * x
    }
    return (squares * (samples - 1) / samples).squareRoot()
  }

  /// Writes U(−i) of every sample i less that of the sample in the middle, the largest sample's first.
  ///
  /// What lies above i keeps its weight u'_p of M − 1 samples, what lies below moves up by one, and what ties
  /// with i shares the weights of its places. So neighbours differ by u'_i (v_i − v_{i+1}), groups of ties by
  /// u'_e (mean − next mean), e the last place of the one before, and within a group of a samples U(−i) has
  /// (mean − v_i)/(a − 1) of the weight of its first a − 1 places beside that: differences of neighbours throughout, so
  /// that rewards' changes, which rise, lose nothing.
  package static func leaveOneOut(
    _ weights: OrderStatisticWeights, _ count: Int, _ values: UnsafePointer<Double>,
    _ ties: [TieGroup], to changes: UnsafeMutablePointer<Double>
  ) {
    let u = weights.unbiased
    func weight(_ place: Int) -> Double { place < u.count ? u[place] : 0 }
    func start(_ tie: Int) -> Int { count - ties[tie].upTo }
    /// The group of a place; `tie` is that of its ties, if it has any.
    func group(_ places: Range<Int>) -> Group {
      guard places.count > 1 else {
        return unsafe Group(places: places, mean: values[places.lowerBound])
      }
      var (sum, own) = (0.0, 0.0)
      for place in places { unsafe sum += values[place] }
      for place in places.dropLast() { own += weight(place) }
      return Group(
        places: places, mean: sum / Double(places.count), share: own / Double(places.count - 1))
    }
    let middle = count / 2
    // The first tie that ends behind the middle.
    let next = ties.firstIndex { count - $0.below > middle } ?? ties.count
    let isTied = next < ties.count && start(next) <= middle
    let first = group(
      isTied ? start(next)..<count - ties[next].below : middle..<middle + 1)
    let own = unsafe first.share * (first.mean - values[middle])
    func visit(_ group: Group, _ change: Double) {
      for index in group.places {
        unsafe changes[index] = change + (group.share * (group.mean - values[index]) - own)
      }
    }
    visit(first, 0)
    var change = CompensatedSum()
    var last = first
    var tie = isTied ? next + 1 : next
    while last.places.upperBound < count {
      let from = last.places.upperBound
      let tied = tie < ties.count ? start(tie) : count
      // Single samples up to the next ties, or those.
      var mean = last.mean
      for index in from..<tied {
        unsafe change.add(weight(index - 1) * (mean - values[index]))
        unsafe changes[index] = change.value - own
        unsafe mean = values[index]
      }
      guard tied < count else { break }
      last = group(tied..<count - ties[tie].below)
      change.add(weight(tied - 1) * (mean - last.mean))
      visit(last, change.value)
      tie += 1
    }
    change = CompensatedSum()
    last = first
    tie = next - 1
    while last.places.lowerBound > 0 {
      let end = last.places.lowerBound
      let tied = tie >= 0 ? count - ties[tie].below : 0
      var mean = last.mean
      for index in (tied..<end).reversed() {
        unsafe change.add(weight(index) * (mean - values[index]))
        unsafe changes[index] = change.value - own
        unsafe mean = values[index]
      }
      guard tied > 0 else { break }
      last = group(start(tie)..<tied)
      change.add(weight(tied - 1) * (mean - last.mean))
      visit(last, change.value)
      tie -= 1
    }
  }

  /// Neighbours of equal reward.
  private struct Group {
    var places: Range<Int>
    /// Of the values.
    var mean: Double
    /// Weight of all places but the last, over their number; 0 for a single sample.
    var share = 0.0
  }
}

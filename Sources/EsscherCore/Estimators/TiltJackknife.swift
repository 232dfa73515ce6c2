// SPDX-License-Identifier: Apache-2.0

/// The jackknife's estimates of how far one prompt's tilt is off in the mean, over draws of its samples.
///
/// With w_i the tilt's weights and a_i = w_i/(1 − w_i), leaving sample i out gives
/// m̂(−i) = m̂ − a_i (r_i − m̂), K̂(−i) = K̂ + log(1 − w_i) + log(M/(M−1)), r̄(−i) = r̄ − (r_i − r̄)/(M − 1), and
/// the bias of an estimate θ̂ is (M − 1)(mean of θ̂(−i) − θ̂).
///
/// The samples of the row's tail enter as written. Of the others, whose weights are at most 1/64, a_i is taken
/// as w_i + w_i² and log(1 − w_i) as −w_i − w_i²/2, whose sums over the row are known.
///
/// - Units: nats, and the reward's.
/// - Edge cases: one sample, or lambda = 0: no bias. With importance weights q_i, r̄ and K̂ have a bias of
///   their own, known from the sums at lambda = 0, and every sample enters by the short forms.
/// - Precision: what is left out are terms w³ of the samples below the tail: relative to the bias, at most
///   their largest weight; of K̂ also 1/(3M²) nats.
/// - Complexity: O(1).
/// - Source: theory §1.6 (Jackknife); Efron and Stein (1981).
public struct TiltJackknife: Sendable, Equatable {
  /// Bias of the gain.
  public var gain = 0.0
  /// Bias of KL(π_λ‖π₀).
  public var kl = 0.0
  /// Bias of KL(π₀‖π_λ).
  public var reverseKL = 0.0
  /// Bias of the mean reward.
  public var reward = 0.0
  /// Bias of the mean gold reward.
  public var gold = 0.0
  /// Largest weight w_i, nil with importance weights.
  public var largestWeight: Double?

  /// No bias.
  public init() {}

  /// - Parameters:
  ///   - lambda: inverse temperature.
  ///   - sums: sums of the row at `lambda`, of a plan with sorted rows.
  ///   - summary: the row.
  ///   - tail: sums of the top of the row, nil with importance weights.
  ///   - base: sums at lambda = 0 with importance weights, else nil.
  public init(
    lambda: Double, sums: TiltSums, summary: RowSummary, tail: TailSums?, base: TiltSums?
  ) {
    let samples = Double(summary.sampleCount)
    guard summary.sampleCount > 1, !summary.isConstant else {
      largestWeight = base == nil ? 1 / max(1, samples) : nil
      return
    }
    let scale = 1 / (sums.exp * sums.exp)
    let mean = sums.first / sums.exp
    let goldMean = sums.gold / sums.exp
    // Sums over all samples, with the short forms.
    var reward = (sums.squaresFirst - sums.squares * mean) * scale
    var gold = (sums.squaresGold - sums.squares * goldMean) * scale
    var partition = -(sums.squares * scale - (base?.squares ?? 1 / samples)) / 2
    if let tail {
      largestWeight = tail.largestWeight
      // Σ a (d − shift − mean), from distances below the top.
      reward += tail.restReward + tail.rest * (summary.highest - sums.shift - mean)
      gold += tail.restGold - tail.rest * goldMean
      partition += tail.restLogarithm - tail.samples * Self.logarithmRest(1 / samples)
    }
    let factor = (samples - 1) / samples
    self.reward = -factor * reward
    self.gold = -factor * gold
    let partitionBias = factor * partition
    // With importance weights the base mean is a ratio too.
    let baseReward = base.map { -factor * ($0.squaresFirst - $0.squares * $0.first) } ?? 0
    gain = self.reward - baseReward
    kl = lambda * self.reward - partitionBias
    reverseKL = partitionBias - lambda * baseReward
  }

  /// log(1 − w) + w + w²/2, by its series where the logarithm would be most of the work and cancel: what is
  /// left out is w⁸/8, 4e-11 of it at most.
  @inline(__always)
  private static func logarithmRest(_ w: Double) -> Double {
    guard w < 0.01 else { return Elementary.log(onePlus: -w) + w + w * w / 2 }
    return -w * w * w * (1 / 3 + w * (1 / 4 + w * (1 / 5 + w * (1 / 6 + w / 7))))
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Pareto shape k̂ of a tilt's importance weights, by which one sees whether a mean under the tilt can be
/// estimated at all: below 0.5 the weights have a variance, below 1 a mean.
///
/// The largest T = ⌈min(M/5, 3√M)⌉ weights, less the largest one below them, are fitted by a generalised
/// Pareto law after Zhang and Stephens (2009), with the prior of PSIS, (T k + 5)/(T + 10).
///
/// - Source: Vehtari et al. (2024), Pareto smoothed importance sampling; theory §1.6.
public enum ParetoTail {
  /// Samples of the tail of M.
  public static func count(sampleCount: Int) -> Int {
    let samples = Double(sampleCount)
    return Int(min(samples / 5, 3 * samples.squareRoot()).rounded(.up))
  }

  /// Fewest weights above the cutoff that a shape is fitted to.
  public static let fewest = 5

  /// Largest k̂ that is believed: min(0.7, 1 − 1/log₁₀ M).
  public static func limit(sampleCount: Int) -> Double {
    guard sampleCount > 10 else { return -.infinity }
    return min(0.7, 1 - Elementary.log(10) / Elementary.log(Double(sampleCount)))
  }

  /// The loops of the fit, which a backend may have faster ones of.
  ///
  /// - `weights(rewards, lambda)`: e^{λ(r_i − r_0)}, in order.
  /// - `logMeans(excess, theta, block)`: for each θ the mean of log(1 − θ x), from products of `block` factors.
  public struct Loops: Sendable {
    let weights: @Sendable (_ rewards: ArraySlice<Double>, _ lambda: Double) -> [Double]
    let logMeans: @Sendable (_ excess: [Double], _ theta: [Double], _ block: Int) -> [Double]

    /// Loops of a backend.
    public init(
      weights: @escaping @Sendable (_ rewards: ArraySlice<Double>, _ lambda: Double) -> [Double],
      logMeans:
        @escaping @Sendable (_ excess: [Double], _ theta: [Double], _ block: Int) -> [Double]
    ) {
      self.weights = weights
      self.logMeans = logMeans
    }
  }

  /// The weights of a tail, the largest being 1.
  ///
  /// - Parameters:
  ///   - lambda: inverse temperature.
  ///   - top: rewards, the largest first.
  ///   - loops: who evaluates the exponentials.
  public static func weights(
    lambda: Double, top: ArraySlice<Double>, loops: Loops
  ) -> [Double] {
    loops.weights(top, lambda)
  }

  /// k̂ of the weights e^{λ r}.
  ///
  /// - Parameters:
  ///   - weights: e^{λ(r − max r)} of the `count(sampleCount:) + 1` largest rewards of a prompt, the largest
  ///     first; all of them where there are no more.
  ///   - rewards: those rewards.
  ///   - loops: who evaluates the products.
  /// - Returns: nil where fewer than five weights lie above the cutoff, or all of those are equal.
  /// - Precision: within 1e-9 of the same fit with a log a term: logs are taken of products.
  /// - Complexity: O(T^{3/2}) products and O(T^{1/2}) logarithms.
  public static func shape(
    weights: ArraySlice<Double>, rewards: ArraySlice<Double>, loops: Loops
  ) -> Double? {
    guard weights.count > fewest, let last = rewards.last, let lowest = weights.last else {
      return nil
    }
    // Exponents below the smallest normal weight count as that.
    let cutoff = max(lowest, 0x1p-1021)
    var excess: [Double] = []
    excess.reserveCapacity(weights.count)
    for (reward, weight) in zip(rewards, weights).reversed()
    where reward > last && weight > cutoff {
      excess.append(weight - cutoff)
    }
    guard excess.count >= fewest, let smallest = excess.first, let largest = excess.last,
      largest > smallest
    else { return nil }
    return fit(excess, largest: largest, loops)
  }

  /// - Parameter excess: ascending, above 0.
  private static func fit(_ excess: [Double], largest: Double, _ loops: Loops) -> Double {
    let tail = Double(excess.count)
    let guesses = 30 + Int(tail.squareRoot())
    // The prior's scale: a third of the lower quartile.
    let scale = 3 * excess[Int(tail / 4 + 0.5) - 1]
    let candidates = (0..<guesses).map { index in
      let share = (Double(guesses) / (Double(index) + 0.5)).squareRoot()
      return 1 / largest + (1 - share) / scale
    }
    // The first guess is the lowest, and all lie below 1/largest: no factor is above this one, and none
    // below 1/(6·guesses)·largest/quartile > 1e-4.
    let bound = 1 - candidates[0] * largest
    let block = max(1, min(64, Int(900 / max(14, Elementary.log2(bound) + 1))))
    let means = loops.logMeans(excess, candidates, block)
    var best = -Double.infinity
    var likelihood: [(theta: Double, value: Double)] = []
    for (theta, k) in zip(candidates, means) {
      let value = tail * (Elementary.log(-theta / k) - k - 1)
      guard value.isFinite else { continue }
      likelihood.append((theta, value))
      best = max(best, value)
    }
    var weight = 0.0
    var mean = 0.0
    for (theta, value) in likelihood where value > best - 40 {
      let share = Elementary.exp(value - best)
      weight += share
      mean += share * theta
    }
    let k = loops.logMeans(excess, [mean / weight], block)[0]
    return (tail * k + 5) / (tail + 10)
  }
}

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

  /// k̂ of the weights e^{λ r}.
  ///
  /// - Parameters:
  ///   - lambda: inverse temperature.
  ///   - top: the largest `count(sampleCount:) + 1` rewards of a prompt, the largest first; all of them
  ///     where there are no more.
  /// - Returns: nil where fewer than five weights lie above the cutoff, or all of those are equal.
  /// - Precision: within 1e-9 of the same fit with a log a term: logs are taken of products.
  /// - Complexity: O(T^{3/2}) products and O(T^{1/2}) logarithms.
  public static func shape(lambda: Double, top: [Double]) -> Double? {
    guard lambda > 0, let first = top.first, let last = top.last, top.count > fewest else {
      return nil
    }
    // Exponents below the smallest normal weight count as that.
    let cutoff = Elementary.exp(max(lambda * (last - first), -708))
    var excess: [Double] = []
    for reward in top.reversed() where reward > last {
      let weight = Elementary.exp(lambda * (reward - first))
      if weight > cutoff { excess.append(weight - cutoff) }
    }
    guard excess.count >= fewest, let smallest = excess.first, let largest = excess.last,
      largest > smallest
    else { return nil }
    return fit(excess, largest: largest)
  }

  private typealias Lanes = SIMD8<Double>

  /// - Parameter excess: ascending, above 0.
  private static func fit(_ excess: [Double], largest: Double) -> Double {
    let tail = Double(excess.count)
    let guesses = 30 + Int(tail.squareRoot())
    // The prior's scale: a third of the lower quartile.
    let scale = 3 * excess[Int(tail / 4 + 0.5) - 1]
    func candidate(_ index: Int) -> Double {
      let share = (Double(guesses) / (Double(index) + 0.5)).squareRoot()
      return 1 / largest + (1 - share) / scale
    }
    // The first guess is the lowest, and all lie below 1/largest: no factor is above this one.
    let bound = 1 - candidate(0) * largest
    var best = -Double.infinity
    var theta: [Double] = []
    var likelihood: [Double] = []
    for start in stride(from: 0, to: guesses, by: 8) {
      var lanes = Lanes(repeating: candidate(start))
      for lane in 0..<min(8, guesses - start) { lanes[lane] = candidate(start + lane) }
      let means = meanLog(excess, lanes, bound: bound)
      for lane in 0..<min(8, guesses - start) {
        let k = means[lane]
        let value = tail * (Elementary.log(-lanes[lane] / k) - k - 1)
        guard value.isFinite else { continue }
        theta.append(lanes[lane])
        likelihood.append(value)
        best = max(best, value)
      }
    }
    var weight = 0.0
    var mean = 0.0
    for (candidate, value) in zip(theta, likelihood) {
      let share = Elementary.exp(value - best)
      weight += share
      mean += share * candidate
    }
    let k = meanLog(excess, Lanes(repeating: mean / weight), bound: bound)[0]
    return (tail * k + 5) / (tail + 10)
  }

  /// Means of log(1 − θ x) for eight θ: products of factors, whose exponents are taken out before they
  /// leave the normal numbers, and one logarithm at the end.
  private static func meanLog(_ excess: [Double], _ theta: Lanes, bound: Double) -> Lanes {
    // Factors are at least 1/(6·guesses)·largest/quartile > 1e-4.
    let span = max(4, Elementary.log2(bound) + 1)
    let block = max(1, min(64, Int(900 / span)))
    var exponents = SIMD8<Int64>(repeating: 0)
    var product = Lanes(repeating: 1)
    var start = 0
    while start < excess.count {
      let end = min(start + block, excess.count)
      for index in start..<end { product *= 1 - theta * excess[index] }
      let bits = unsafe unsafeBitCast(product, to: SIMD8<Int64>.self)
      exponents &+= (bits &>> 52) &- 1023
      product = unsafe unsafeBitCast(
        bits & 0x000F_FFFF_FFFF_FFFF | 0x3FF0_0000_0000_0000, to: Lanes.self)
      start = end
    }
    var result = Lanes()
    for lane in 0..<8 {
      let sum =
        Elementary.log(product[lane]) + Double(exponents[lane]) * 0.6931471805599453
      result[lane] = sum / Double(excess.count)
    }
    return result
  }
}

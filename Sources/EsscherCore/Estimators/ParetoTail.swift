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
  /// - Parameter top: the largest `count(sampleCount:) + 1` rewards of a prompt, the largest first; all of
  ///   them where there are no more.
  /// - Returns: nil where fewer than five weights lie above the cutoff, or all of those are equal.
  /// - Precision: within 1e-9 of the same fit with a log a term; logs are taken of products of 8 terms.
  /// - Complexity: O(T^{3/2}) products and O(T^{3/2}/8) logarithms.
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

  /// - Parameter excess: ascending, above 0.
  private static func fit(_ excess: [Double], largest: Double) -> Double {
    let count = excess.count
    let tail = Double(count)
    let guesses = 30 + Int(tail.squareRoot())
    // The prior's scale: a third of the lower quartile.
    let quartile = excess[Int(tail / 4 + 0.5) - 1]
    var theta: [Double] = []
    var likelihood: [Double] = []
    for index in 1...guesses {
      let share = (Double(guesses) / (Double(index) - 0.5)).squareRoot()
      let candidate = 1 / largest + (1 - share) / (3 * quartile)
      let k = meanLog(excess, candidate)
      theta.append(candidate)
      likelihood.append(tail * (Elementary.log(-candidate / k) - k - 1))
    }
    let best = likelihood.max() ?? 0
    var weight = 0.0
    var mean = 0.0
    for (candidate, value) in zip(theta, likelihood) where value.isFinite {
      let share = Elementary.exp(value - best)
      weight += share
      mean += share * candidate
    }
    let k = meanLog(excess, mean / weight)
    return (tail * k + 5) / (tail + 10)
  }

  /// Mean of log(1 − θ x), the logarithm of 8 factors at a time while their product is a normal number.
  private static func meanLog(_ excess: [Double], _ theta: Double) -> Double {
    var sum = 0.0
    var product = 1.0
    var factors = 0
    for x in excess {
      let factor = 1 - theta * x
      product *= factor
      factors += 1
      if factors == 8 || product > 1e250 || product < 1e-250 {
        sum += Elementary.log(product)
        product = 1
        factors = 0
      }
    }
    return (sum + Elementary.log(product)) / Double(excess.count)
  }
}

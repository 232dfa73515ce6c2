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
}

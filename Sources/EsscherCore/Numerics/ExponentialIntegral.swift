// SPDX-License-Identifier: Apache-2.0

/// The exponential integral Ei(x) = ∫ e^t/t dt from −∞ to x (principal value), scaled so that it never
/// overflows.
public enum ExponentialIntegral {
  /// e^{−x} Ei(x).
  ///
  /// Up to x = 40 the power series γ + log x + Σ x^k/(k·k!), whose terms are all positive from 1 on; beyond,
  /// the asymptotic series (1/x) Σ k!/x^k up to its smallest term, which is below e^{−40}.
  ///
  /// - Parameter x: 1 or more. (Ei has a zero at 0.3725, about which no relative accuracy could be kept.)
  /// - Precision: relative error below 1e-14.
  /// - Complexity: at most about 160 terms.
  /// - Source: Abramowitz and Stegun, 5.1.10 and 5.1.51.
  public static func scaled(_ x: Double) -> Double {
    precondition(x >= 1, "the scaled exponential integral is defined here from 1 on")
    return x <= seriesLimit ? series(x) : asymptotic(x)
  }

  private static let seriesLimit = 40.0
  private static let eulerGamma = 0.577_215_664_901_532_9

  private static func series(_ x: Double) -> Double {
    var sum = CompensatedSum()
    sum.add(eulerGamma)
    sum.add(Elementary.log(x))
    var power = 1.0
    var k = 0.0
    repeat {
      k += 1
      power *= x / k
      sum.add(power / k)
    } while k < x || power / k > 0x1p-60 * sum.value
    return Elementary.exp(-x) * sum.value
  }

  private static func asymptotic(_ x: Double) -> Double {
    var sum = 1.0
    var term = 1.0
    var k = 0.0
    while k + 1 < x && term > 0x1p-60 {
      k += 1
      term *= k / x
      sum += term
    }
    return sum / x
  }
}

// SPDX-License-Identifier: Apache-2.0
// The functions of the Gumbel law's tilt: log Γ(1 - x) and its derivatives, less what is linear at 0.
// For small x the power series in zeta values keeps the digits that a difference would lose.

internal import Glibc

enum GammaFunctions {
  static let eulerConstant = 0.577215664901532860606512090082

  /// log Γ(1 - x) - γx, for 0 ≤ x < 1.
  static func logGammaExcess(_ x: Double) -> Double {
    guard x > 0.1 else { return series(x, from: 2) { zeta($0) / $0 } }
    return lgamma(1 - x) - eulerConstant * x
  }

  /// -ψ(1 - x) - γ, for 0 ≤ x < 1: the derivative of the above.
  static func digammaExcess(_ x: Double) -> Double {
    guard x > 0.1 else { return series(x, from: 1) { zeta($0 + 1) } }
    // ψ(y) = ψ(y + 10) - Σ 1/(y + k), and the asymptotic series there.
    let y = 1 - x
    let far = y + 10
    let square = 1 / (far * far)
    let tail = Self.alternating(
      square, [1 / 12.0, 1 / 120.0, 1 / 252.0, 1 / 240.0, 1 / 132.0, 691 / 32_760.0])
    let sum = (0..<10).reduce(0.0) { $0 + 1 / (y + Double($1)) }
    return sum - (log(far) - 0.5 / far - tail) - eulerConstant
  }

  /// ψ'(1 - x), for 0 ≤ x < 1.
  static func trigamma(oneMinus x: Double) -> Double {
    let y = 1 - x
    let far = y + 10
    let inverse = 1 / far
    let square = inverse * inverse
    let tail = Self.alternating(
      square, [1 / 6.0, 1 / 30.0, 1 / 42.0, 1 / 30.0, 5 / 66.0, 691 / 2730.0])
    let sum = (0..<10).reduce(0.0) { $0 + 1 / ((y + Double($1)) * (y + Double($1))) }
    return sum + inverse + square / 2 + inverse * tail
  }

  /// c₀ x − c₁ x² + c₂ x³ − …
  private static func alternating(_ x: Double, _ coefficients: [Double]) -> Double {
    coefficients.reversed().reduce(0) { x * ($1 - $0) }
  }

  /// Σ c(k) x^k for x ≤ 0.1, where the coefficients stay near 1.
  private static func series(
    _ x: Double, from first: Int, _ coefficient: (Double) -> Double
  ) -> Double {
    (first..<22).reversed().reduce(0.0) { $0 + coefficient(Double($1)) * pow(x, Double($1)) }
  }

  /// ζ(s) for s ≥ 2, by Euler-Maclaurin summation from 10 on; error about 1e-16.
  static func zeta(_ s: Double) -> Double {
    let start = 10.0
    let head = (1..<10).reversed().reduce(0.0) { $0 + pow(Double($1), -s) }
    let edge = pow(start, -s)
    let rising3 = s * (s + 1) * (s + 2)
    let rising5 = rising3 * (s + 3) * (s + 4)
    let rising7 = rising5 * (s + 5) * (s + 6)
    let corrections =
      s / (12 * start) - rising3 / (720 * pow(start, 3)) + rising5 / (30_240 * pow(start, 5))
      - rising7 / (1_209_600 * pow(start, 7))
    return head + edge * (start / (s - 1) + 0.5 + corrections)
  }
}

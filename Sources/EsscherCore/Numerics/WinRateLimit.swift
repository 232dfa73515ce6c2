// SPDX-License-Identifier: Apache-2.0

/// The largest win rate against the base policy that any policy can have at a KL.
///
/// A win rate is the policy's mean of the quantile u of its samples, ties counted ½, and u is uniform under
/// the base policy (where samples tie, drawn uniformly over their part of the unit interval). The best
/// policy at a KL is thus the tilt of a uniform reward: with h = λ/2,
///
///     KL = h L(h) − log(sinh h / h),   win rate = ½ + L(h)/2,   L(h) = coth h − 1/h,
///
/// one curve for all rewards. It is concave in the KL, so that it bounds means over prompts too.
///
/// - Source: theory §3.4 and the U(0,1) row of §4.
public enum WinRateLimit {
  /// The limit at one KL.
  ///
  /// - Parameter kl: nats, at least 0.
  /// - Returns: ½ at 0, increasing to 1.
  /// - Precision: relative error of the gain over ½ below 1e-13: √(6 KL)/6 in front for small KL,
  ///   1 − e^{−1−KL} for large.
  /// - Complexity: a few Newton steps.
  public static func winRate(kl: Double) -> Double {
    precondition(kl >= 0, "a KL is at least 0")
    guard kl > 0 else { return 0.5 }
    // λ = e^{1 + KL} up to λ² e^{−λ}, which is 0 beside it from here on.
    guard kl < largeKL else { return 1 - Elementary.exp(-1 - kl) }
    // Newton in log h for log KL. KL ≤ h²/6 puts the start below the root, and as log KL is concave in
    // log h, Newton stays there and climbs.
    var logH = Elementary.log(6 * kl) / 2
    for _ in 0..<100 {
      let h = Elementary.exp(logH)
      let (value, slope) = divergence(h)
      let step = Elementary.log(kl / value) * value / (h * slope)
      logH += step
      if step.magnitude <= 0x1p-50 { break }
    }
    return 0.5 + langevin(Elementary.exp(logH)) / 2
  }

  /// KL at which λ = 148.
  private static let largeKL = 4.0
  /// h below which the series are used.
  private static let smallH = 0.5

  /// Coefficients c_k of log(sinh h/h) = Σ c_k h^{2k}: 2^{2k} B_{2k}/(2k (2k)!).
  private static let coefficients: [Double] = [
    1.666_666_666_666_666_67e-1, -5.555_555_555_555_555_56e-3, 3.527_336_860_670_194_00e-4,
    -2.645_502_645_502_645_50e-5, 2.137_779_915_557_693_34e-6, -1.803_670_234_005_331_01e-7,
    1.566_139_132_276_698_41e-8, -1.388_413_049_373_729_94e-9, 1.250_435_917_600_499_60e-10,
    -1.140_257_560_229_609_14e-11,
  ]

  /// L(h) = coth h − 1/h.
  private static func langevin(_ h: Double) -> Double {
    guard h >= smallH else { return polynomial(h) { 2 * $0 } / h }
    return 1 + 2 / Elementary.expMinusOne(2 * h) - 1 / h
  }

  /// KL at h, and its derivative h L'(h).
  private static func divergence(_ h: Double) -> (value: Double, slope: Double) {
    guard h >= smallH else {
      return (
        polynomial(h) { 2 * $0 - 1 }, polynomial(h) { 2 * $0 * (2 * $0 - 1) } / h
      )
    }
    let rest = 1 / Elementary.expMinusOne(2 * h)
    // coth h − 1 = 2 rest, log(2 sinh h) = h + log(1 − e^{−2h}), 1/sinh² h = 4 rest (1 + rest).
    let value =
      2 * h * rest - 1 + Elementary.log(2 * h)
      - Elementary.log(onePlus: -Elementary.exp(-2 * h))
    return (value, 1 / h - 4 * h * rest * (1 + rest))
  }

  /// Σ factor(k) c_k h^{2k}, the small terms first.
  private static func polynomial(_ h: Double, _ factor: (Double) -> Double) -> Double {
    let square = h * h
    var sum = 0.0
    for index in coefficients.indices.reversed() {
      sum = (sum + factor(Double(index + 1)) * coefficients[index]) * square
    }
    return sum
  }
}

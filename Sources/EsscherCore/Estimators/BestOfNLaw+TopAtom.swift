// SPDX-License-Identifier: Apache-2.0

extension BestOfNLaw {
  /// d_n(ε): the KL of best of n where the largest reward has the base probability ε and the rest is a
  /// continuum, nats.
  ///
  ///     d_n(ε) = (1−ε)ⁿ [log n + (n−1) log(1−ε) − (n−1)/n] + s log(s/ε),   s = 1 − (1−ε)ⁿ.
  ///
  /// Its mean over what best of n chooses, at ε = π₀(y | x), estimates the KL from log-probabilities. It
  /// decreases in ε, from ``bound(n:)`` at 0 to 0 at 1.
  ///
  /// - Parameters:
  ///   - n: 1 or more.
  ///   - logMass: log ε, at most 0; NaN gives NaN.
  /// - Edge cases: n = 1 and ε = 1 give 0; log ε below −745 gives the bound.
  /// - Precision: relative error below 1e-12; 1 − ε comes from log ε, so that ε next to 1 keeps its
  ///   digits.
  /// - Complexity: O(1).
  /// - Source: 2401.01879, Eq. 25; stable form, theory §3.3.
  public static func divergence(n: Int, logMass: Double) -> Double {
    guard !logMass.isNaN else { return .nan }
    guard n > 1, logMass < 0 else { return 0 }
    let mass = Elementary.exp(logMass)
    guard mass > 0 else { return bound(n: n) }
    let draws = Double(n)
    let logRest =
      logMass > -0.6931471805599453
      ? Elementary.log(-Elementary.expMinusOne(logMass)) : Elementary.log(onePlus: -mass)
    let logNone = draws * logRest
    let drawn = -Elementary.expMinusOne(logNone)
    let none = Elementary.exp(logNone)
    // log s by whichever of s and 1 − s holds its digits.
    let logDrawn = none < 0.5 ? Elementary.log(onePlus: -none) : Elementary.log(drawn)
    return none * (bound(n: n) + (draws - 1) * logRest) + drawn * (logDrawn - logMass)
  }
}

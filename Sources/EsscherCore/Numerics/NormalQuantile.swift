// SPDX-License-Identifier: Apache-2.0

/// Quantiles of the standard normal law.
public enum NormalQuantile {
  /// z with P(|N(0,1)| ≤ z) = confidence, by Newton's method on erfc.
  ///
  /// - Parameter confidence: inside (0, 1).
  /// - Precision: relative error below 1e-12 for confidences up to 1 − 1e-12.
  public static func twoSided(confidence: Double) -> Double {
    let tail = 1 - confidence
    var z = 2.0
    for _ in 0..<100 {
      // erfc(z/√2) = tail: Newton on the logarithm, which is concave, so that no step overshoots far.
      let value = Elementary.complementaryError(z / 2.0.squareRoot())
      let slope = -(2 / Double.pi).squareRoot() * Elementary.exp(-z * z / 2) / value
      let step = (Elementary.log(value) - Elementary.log(tail)) / slope
      z = max(1e-300, z - step)
      if step.magnitude <= 1e-15 * z { break }
    }
    return z
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A fit of gold's gain R against d = √KL in one of two forms with two coefficients.
///
/// - Forms: `bestOf`: R = d(α − β d), peak at KL = α²/(4β²); `trained`: R = d(α − β log d), peak at
///   KL = e^{2(α/β − 1)}.
/// - Method: linear least squares in (α, β), every point weighing the same, no intercept.
/// - Edge cases: nil with fewer than three points, or where they do not tell α from β.
/// - Source: Gao, Schulman and Hilton 2210.10760; theory §2.4.
public struct GaoFit: Sendable, Equatable {
  /// What stands beside d in the second term.
  public enum Form: String, Sendable {
    /// d(α − β d), for best of n.
    case bestOf = "d(alpha - beta d)"
    /// d(α − β log d), for trained policies.
    case trained = "d(alpha - beta log d)"

    func second(_ d: Double) -> Double { self == .bestOf ? d * d : d * Elementary.log(d) }
  }

  /// The form that was fitted.
  public var form: Form
  /// α, gain a unit of d.
  public var alpha: Double
  /// β.
  public var beta: Double

  /// - Parameters:
  ///   - form: which form.
  ///   - kls: nats; points at 0 or below say nothing.
  ///   - gains: gold less the base policy's gold.
  public init?(_ form: Form, kls: [Double], gains: [Double]) {
    self.form = form
    var (xx, xz, zz, xy, zy) = (0.0, 0.0, 0.0, 0.0, 0.0)
    var count = 0
    for (kl, gain) in zip(kls, gains) where kl > 0 && gain.isFinite {
      let d = kl.squareRoot()
      let z = form.second(d)
      count += 1
      xx += d * d
      xz += d * z
      zz += z * z
      xy += d * gain
      zy += z * gain
    }
    let determinant = xx * zz - xz * xz
    guard count >= 3, determinant > 1e-12 * xx * zz else { return nil }
    alpha = (xy * zz - zy * xz) / determinant
    beta = (xy * xz - zy * xx) / determinant
  }

  /// Gain at a KL.
  public func gain(atKL kl: Double) -> Double {
    guard kl > 0 else { return 0 }
    let d = kl.squareRoot()
    return alpha * d - beta * form.second(d)
  }

  /// KL at which the gain is largest, nats; nil where it has no maximum above 0.
  public var peakKL: Double? {
    switch form {
    case .bestOf: alpha > 0 && beta > 0 ? alpha * alpha / (4 * beta * beta) : nil
    case .trained: beta > 0 ? Elementary.exp(2 * (alpha / beta - 1)) : nil
    }
  }

  /// The peak's KL where that is at most `limit`.
  public func peakKL(below limit: Double) -> Double? { peakKL.flatMap { $0 <= limit ? $0 : nil } }
}

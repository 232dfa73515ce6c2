// SPDX-License-Identifier: Apache-2.0

/// Sums of one prompt at one lambda, as a backend returns them.
///
/// With q_i the base law (1/M, or importance weights), d_i the centred reward of ``RowSummary`` and
/// x_i = lambda·(d_i − shift):
/// - `exp = Σ q e^x`, `expMinusOne = Σ q (e^x − 1)`;
/// - `first = Σ q (d − shift) e^x`, `second = Σ q (d − shift)² e^x`;
/// - `squares = Σ (q e^x)²`;
/// - `rank = Σ q (u − ½) e^x`, u the mid-rank F_{g−1} + p_g/2 of the sample's tie group;
/// - `gold = Σ q (g − ḡ) e^x` and `goldFirst = Σ q (g − ḡ)(d − shift) e^x`;
/// - `squaresFirst = Σ (q e^x)² (d − shift)` and `squaresGold = Σ (q e^x)² (g − ḡ)`, by which the bias of
///   the means is known; only in plans with sorted rows, gold as the mean of its tie group.
///
/// The shift is 0 where the centred form keeps more digits and the largest d where exponents must
/// stay ≤ 0, or where that costs less and no digit that counts.
public struct TiltSums: Sendable, Equatable {
  /// What is subtracted from d inside the exponent.
  public var shift = 0.0
  /// Σ q e^x.
  public var exp = 1.0
  /// Σ q (e^x − 1).
  public var expMinusOne = 0.0
  /// Σ q (d − shift) e^x.
  public var first = 0.0
  /// Σ q (d − shift)² e^x.
  public var second = 0.0
  /// Σ (q e^x)²; NaN, as its products below, in plans without ``StatisticsPlan/squared``.
  public var squares = 0.0
  /// Σ q (u − ½) e^x.
  public var rank = 0.0
  /// Σ q (g − ḡ) e^x.
  public var gold = 0.0
  /// Σ q (g − ḡ)(d − shift) e^x.
  public var goldFirst = 0.0
  /// Σ (q e^x)² (d − shift).
  public var squaresFirst = 0.0
  /// Σ (q e^x)² (g − ḡ).
  public var squaresGold = 0.0

  /// The sums at lambda = 0.
  public init() {}

  /// Leaves those of squares undefined, for plans that do not ask for them.
  public mutating func dropSquares() {
    squares = .nan
    squaresFirst = .nan
    squaresGold = .nan
  }
}

/// How a backend evaluates one row at one lambda.
public enum TiltForm: Sendable, Equatable {
  /// lambda·max|d| ≤ ½: a power series in the row's moments, no work a sample.
  case moments
  /// Exponents about the mean: small tilts keep the digits of KL ~ (lambda·σ)²/2.
  case centred
  /// Exponents about the maximum: none is positive, nothing overflows.
  case topped

  /// Chooses the form that keeps the most digits.
  ///
  /// Centred sums lose ε·J/KL, topped ones ε·lambda·(max − mean)/KL; the two meet near
  /// lambda·σ = 1. Beyond lambda·max = 300 the squares of centred exponentials would
  /// overflow.
  @inlinable
  public init(lambda: Double, summary: RowSummary) {
    if lambda * summary.reach <= 0.5 {
      self = .moments
    } else if lambda * lambda * summary.variance < 1 && lambda * summary.highest <= 300 {
      self = .centred
    } else {
      self = .topped
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Power moments of one prompt about its mean, scaled to u = d/a with a = max|d|.
///
/// They give every lambda with tau = lambda·a ≤ ½ by the exponential series, without touching the
/// samples again.
///
/// - Precision: the series for Σ q (e^t − 1 − t) stops after t^12/12!; relative to its first term the
///   rest is below 2·tau^11/13! ≤ 1.6e-13.
public struct PowerMoments: Sendable, Equatable {
  /// Number of powers kept.
  public static let count = 12
  /// a.
  public var scale: Double
  /// Σ q u^k, k = 1…12. The first is the centring's rounding error, and stays out of the sums.
  public var plain: [Double]
  /// Σ q (u_rank − ½) u^k.
  public var rank: [Double]
  /// Σ q (g − ḡ) u^k.
  public var gold: [Double]
  /// Σ q² u^k, k = 0…12.
  public var squared: [Double]
  /// Σ q² (g − ḡ) u^k, k = 0…12.
  public var squaredGold: [Double]

  /// Moments from their parts.
  public init(
    scale: Double, plain: [Double], rank: [Double], gold: [Double], squared: [Double],
    squaredGold: [Double]
  ) {
    self.scale = scale
    self.plain = plain
    self.rank = rank
    self.gold = gold
    self.squared = squared
    self.squaredGold = squaredGold
  }

  /// The sums at one lambda, in the centred form (shift 0).
  ///
  /// - Parameters:
  ///   - lambda: inverse temperature.
  ///   - isSquared: sums of squared weights are wanted; else they are NaN.
  /// - Precondition: 0 ≤ lambda·scale ≤ ½.
  /// - Complexity: O(1), no allocation.
  public func sums(lambda: Double, squared isSquared: Bool = true) -> TiltSums {
    let tau = lambda * scale
    var sums = TiltSums()
    // s ← (s + m_k)·tau/k from the last term to the first, so that small ones are added first.
    for k in stride(from: Self.count, through: 1, by: -1) {
      let ratio = tau / Double(k)
      sums.expMinusOne = (sums.expMinusOne + (k > 1 ? plain[k - 1] : 0)) * ratio
      if k < Self.count {
        sums.first = (sums.first + plain[k]) * ratio
        sums.goldFirst = (sums.goldFirst + gold[k]) * ratio
      }
      if k + 1 < Self.count { sums.second = (sums.second + plain[k + 1]) * ratio }
      sums.rank = (sums.rank + rank[k - 1]) * ratio
      sums.gold = (sums.gold + gold[k - 1]) * ratio
    }
    sums.goldFirst = (sums.goldFirst + gold[0]) * scale
    sums.first *= scale
    sums.second = (sums.second + plain[1]) * scale * scale
    sums.exp = 1 + sums.expMinusOne
    if isSquared { addSquares(2 * tau, to: &sums) } else { sums.dropSquares() }
    return sums
  }

  private func addSquares(_ tau: Double, to sums: inout TiltSums) {
    for k in stride(from: Self.count, through: 1, by: -1) {
      let ratio = tau / Double(k)
      sums.squares = (sums.squares + squared[k]) * ratio
      if k < Self.count { sums.squaresFirst = (sums.squaresFirst + squared[k + 1]) * ratio }
      sums.squaresGold = (sums.squaresGold + squaredGold[k]) * ratio
    }
    sums.squares += squared[0]
    sums.squaresFirst = (sums.squaresFirst + squared[1]) * scale
    sums.squaresGold += squaredGold[0]
  }
}

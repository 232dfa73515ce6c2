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
  /// - Precondition: 0 ≤ lambda·scale ≤ ½.
  public func sums(lambda: Double) -> TiltSums {
    let tau = lambda * scale
    var sums = TiltSums()
    // Terms tau^k/k! from the last to the first, so that small ones are added first.
    var power = [1.0]
    for k in 1...Self.count { power.append(power[k - 1] * tau / Double(k)) }
    for k in stride(from: Self.count, through: 1, by: -1) {
      if k > 1 { sums.expMinusOne += power[k] * plain[k - 1] }
      if k < Self.count { sums.first += power[k] * plain[k] }
      if k + 1 < Self.count { sums.second += power[k] * plain[k + 1] }
      sums.rank += power[k] * rank[k - 1]
      sums.gold += power[k] * gold[k - 1]
      if k < Self.count { sums.goldFirst += power[k] * gold[k] }
    }
    sums.goldFirst = (sums.goldFirst + gold[0]) * scale
    sums.first *= scale
    sums.second = (sums.second + plain[1]) * scale * scale
    sums.exp = 1 + sums.expMinusOne
    var doubled = 1.0
    sums.squares = squared[0]
    sums.squaresFirst = squared[1]
    sums.squaresGold = squaredGold[0]
    for k in 1...Self.count {
      doubled *= 2 * tau / Double(k)
      sums.squares += doubled * squared[k]
      if k < Self.count { sums.squaresFirst += doubled * squared[k + 1] }
      sums.squaresGold += doubled * squaredGold[k]
    }
    sums.squaresFirst *= scale
    return sums
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Divergences and win rate of best-of-n for a law in which groups of tied samples are atoms and the
/// untied samples between them a continuum.
///
/// With a = L/M and b = E/M the cumulative shares below and up to an atom, q = bⁿ − aⁿ, p = b − a:
/// - KL: atoms q log(q/p), stretches ∫ f log f with f = n u^{n−1};
/// - reverse KL: atoms p log(p/q), stretches −∫ log f;
/// - win rate: atoms q (a + b)/2, stretches n/(n+1)·(b^{n+1} − a^{n+1}).
///
/// Each term is taken with −q + p (or −f + 1) added, which sums to nothing and makes it ≥ 0.
///
/// - Edge cases: n = 1 is exactly 0, 0, ½; one tie group likewise. Without ties:
///   log n − (n−1)/n, n − 1 − log n, n/(n+1).
/// - Complexity: O(number of tie groups).
/// - Source: 2401.01879, Theorem 3.1 (the bound) and Eq. 4; theory §3.1, §3.2, §3.4.
public struct BestOfNLaw: Sendable, Equatable {
  /// KL(best-of-n ‖ base), nats.
  public var kl = 0.0
  /// KL(base ‖ best-of-n), nats.
  public var reverseKL = 0.0
  /// Win rate against the base policy, ties counted ½.
  public var winRate = 0.5

  /// The law of n = 1, which is the base policy.
  public init() {}

  /// log n − (n−1)/n in nats: the KL without ties, and an upper bound with them.
  public static func bound(n: Int) -> Double {
    Elementary.log(Double(n)) - Double(n - 1) / Double(n)
  }

  /// - Parameters:
  ///   - n: 1 or more.
  ///   - sampleCount: M.
  ///   - ties: groups of two or more equal samples, the largest first.
  public init(n: Int, sampleCount: Int, ties: some Collection<TieGroup>) {
    guard n > 1 else { return }
    let power = Double(n)
    guard !ties.isEmpty else {
      kl = Self.bound(n: n)
      reverseKL = power - 1 - Elementary.log(power)
      winRate = power / (power + 1)
      return
    }
    var sums = LawSums(n: power, samples: Double(sampleCount))
    var position = sampleCount
    for tie in ties {
      if sums.isNarrow(tie) {
        sums.addNarrowAtom(tie)
        continue
      }
      sums.addStretch(tie.upTo..<position)
      sums.addAtom(tie)
      position = tie.below
    }
    if position < sampleCount {
      sums.addStretch(0..<position)
    } else {
      sums.add(BestOfNLaw(n: n, sampleCount: sampleCount, ties: EmptyCollection()))
    }
    kl = max(0, sums.kl.value)
    reverseKL = max(0, sums.reverseKL.value)
    winRate = sums.winRate.value
  }
}

/// The sums over atoms and stretches. Long rows have millions, of sizes far below a rounding of the whole.
private struct LawSums {
  let n: Double
  let samples: Double
  var kl = CompensatedSum()
  var reverseKL = CompensatedSum()
  var winRate = CompensatedSum()

  init(n: Double, samples: Double) {
    self.n = n
    self.samples = samples
  }

  mutating func add(_ law: BestOfNLaw) {
    kl.add(law.kl)
    reverseKL.add(law.reverseKL)
    winRate.add(law.winRate)
  }

  /// (n − 1)·h ≤ 2^-13, with h the atom's half width as a share of its middle.
  func isNarrow(_ tie: TieGroup) -> Bool {
    (n - 1) * Double(tie.count) <= 0x1p-13 * Double(tie.upTo + tie.below)
  }

  /// What an atom that the stretch around it goes over makes less.
  ///
  /// With α = n − 1, m the atom's middle and s uniform on ±h, the density is f(m)·g, g = (1 + s)^α, and
  /// - KL: p f(m) (E g log g − E g log E g) = p f(m) α²h²/6,
  /// - reverse KL: p (log E g − E log g) = p α²h²/6,
  /// - win rate: p m f(m) E s g = p m f(m) α h²/3,
  ///
  /// with the next terms α²h² ≤ 2^-26 times smaller, below 2^-54 of the atom's share.
  mutating func addNarrowAtom(_ tie: TieGroup) {
    let p = Double(tie.count) / samples
    let ends = Double(tie.upTo + tie.below)
    let middle = ends / (2 * samples)
    let half = Double(tie.count) / ends
    let share = p * n * Elementary.exp((n - 1) * Elementary.log(middle))
    let spread = (n - 1) * half
    kl.add(-share * (spread * spread / 6))
    reverseKL.add(-p * (spread * spread / 6))
    winRate.add(-share * middle * (spread * half / 3))
  }

  mutating func addAtom(_ tie: TieGroup) {
    let below = Double(tie.below) / samples
    let upTo = Double(tie.upTo) / samples
    let p = Double(tie.count) / samples
    // log q = n log b + log(1 − (a/b)^n), with a/b = 1 − k/E.
    let ratio = -Double(tie.count) / Double(tie.upTo)
    let share = -Elementary.expMinusOne(n * Elementary.log(onePlus: ratio))
    let logQ = n * Elementary.log(upTo) + (tie.below == 0 ? 0 : Elementary.log(share))
    let q = Elementary.exp(logQ)
    let logRatio = logQ - Elementary.log(p)
    kl.add(q * logRatio - q + p)
    reverseKL.add(-p * logRatio - p + q)
    winRate.add(q * (below + upTo) / 2)
  }

  mutating func addStretch(_ ranks: Range<Int>) {
    guard !ranks.isEmpty else { return }
    addStretchEnd(Double(ranks.upperBound) / samples, sign: 1)
    addStretchEnd(Double(ranks.lowerBound) / samples, sign: -1)
  }

  private mutating func addStretchEnd(_ u: Double, sign: Double) {
    guard u > 0 else { return }
    let logU = Elementary.log(u)
    let power = Elementary.exp(n * logU)
    let logN = Elementary.log(n)
    kl.add(sign * (power * (logN + (n - 1) * (logU - 1 / n) - 1) + u))
    reverseKL.add(-sign * (u * logN + (n - 1) * (u * logU - u) + u - power))
    winRate.add(sign * n / (n + 1) * power * u)
  }
}

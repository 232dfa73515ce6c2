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
    kl = 0
    reverseKL = 0
    winRate = 0
    var position = sampleCount
    for tie in ties {
      addStretch(tie.upTo..<position, power, Double(sampleCount))
      addAtom(tie, power, Double(sampleCount))
      position = tie.below
    }
    addStretch(0..<position, power, Double(sampleCount))
    kl = max(0, kl)
    reverseKL = max(0, reverseKL)
  }

  private mutating func addAtom(_ tie: TieGroup, _ n: Double, _ samples: Double) {
    let below = Double(tie.below) / samples
    let upTo = Double(tie.upTo) / samples
    let p = Double(tie.count) / samples
    // log q = n log b + log(1 − (a/b)^n), with a/b = 1 − k/E.
    let ratio = -Double(tie.count) / Double(tie.upTo)
    let share = -Elementary.expMinusOne(n * Elementary.log(onePlus: ratio))
    let logQ = n * Elementary.log(upTo) + (tie.below == 0 ? 0 : Elementary.log(share))
    let q = Elementary.exp(logQ)
    let logRatio = logQ - Elementary.log(p)
    kl += q * logRatio - q + p
    reverseKL += -p * logRatio - p + q
    winRate += q * (below + upTo) / 2
  }

  private mutating func addStretch(_ ranks: Range<Int>, _ n: Double, _ samples: Double) {
    guard !ranks.isEmpty else { return }
    addStretchEnd(Double(ranks.upperBound) / samples, n, sign: 1)
    addStretchEnd(Double(ranks.lowerBound) / samples, n, sign: -1)
  }

  private mutating func addStretchEnd(_ u: Double, _ n: Double, sign: Double) {
    guard u > 0 else { return }
    let logU = Elementary.log(u)
    let power = Elementary.exp(n * logU)
    let logN = Elementary.log(n)
    kl += sign * (power * (logN + (n - 1) * (logU - 1 / n) - 1) + u)
    reverseKL -= sign * (u * logN + (n - 1) * (u * logU - u) + u - power)
    winRate += sign * n / (n + 1) * power * u
  }
}

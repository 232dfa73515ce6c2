// SPDX-License-Identifier: Apache-2.0
// The policies that choose by rank alone: best-of-n and its relatives.

/// A policy that draws from the base policy and keeps one sample by its rank.
///
/// Each is known by C, the distribution function of the kept sample's quantile u under the base policy:
/// a sample between the quantiles a and b is kept with probability C(b) − C(a). `n` is the mean number of
/// draws, so that laws of one n cost the same; n = 1 is the base policy.
///
/// - Ties: a group of tied samples is an atom, and any of its members is as likely as the others.
/// - Source: best of n, 2401.01879; best of Poisson, 2506.19248; rewind and repeat, theory §3.9.
public enum SelectionLaw: Hashable, Sendable {
  /// The best of n samples: C(u) = uⁿ.
  case bestOf(Int)
  /// The best of 1 + Poisson(μ) samples, μ = n − 1: C(u) = u e^{μ(u−1)}.
  case bestOfPoisson(Int)
  /// Redrawn until one is among the best p = 1/n of the base policy's: C(u) = max(0, (u − (1 − p))/p).
  case rewindAndRepeat(Int)

  /// Mean number of draws; the number itself for best of n.
  public var n: Int {
    switch self {
    case .bestOf(let n), .bestOfPoisson(let n), .rewindAndRepeat(let n): n
    }
  }

  /// The law's name in sentences.
  public var name: String {
    switch self {
    case .bestOf: "best-of-n"
    case .bestOfPoisson: "best-of-Poisson"
    case .rewindAndRepeat: "rewind-and-repeat"
    }
  }

  /// The report's curve of these laws.
  public var curve: Curve {
    switch self {
    case .bestOf: .bestOfN
    case .bestOfPoisson: .bestOfPoisson
    case .rewindAndRepeat: .rewindAndRepeat
    }
  }

  /// The law on a curve at one n, nil for curves of other policies.
  public init?(curve: Curve, n: Int) {
    switch curve {
    case .bestOfN: self = .bestOf(n)
    case .bestOfPoisson: self = .bestOfPoisson(n)
    case .rewindAndRepeat: self = .rewindAndRepeat(n)
    default: return nil
    }
  }

  /// Largest probability of more draws than there are samples that is left out (and the rest divided by
  /// what remains).
  public static let largestTail = 1e-12

  /// Fewest samples of a prompt from which the law is estimated: n, and for best of Poisson as many as
  /// it draws with probability 1 − ``largestTail``.
  ///
  /// - Complexity: O(1); for best of Poisson O(√n), each term a ratio.
  public var fewestSamples: Int {
    guard case .bestOfPoisson(let n) = self, n > 1 else { return n }
    return 1 + PoissonMasses(mean: Double(n - 1)).upperQuantile(tail: Self.largestTail)
  }
}

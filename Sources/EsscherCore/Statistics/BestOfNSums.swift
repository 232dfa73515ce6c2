// SPDX-License-Identifier: Apache-2.0

/// Best-of-n statistics of one prompt at one n, as a backend returns them.
public struct BestOfNSums: Sendable, Equatable {
  /// Σ u_i (r_(i) − μ), the unbiased gain.
  public var gain = 0.0
  /// Σ u_i g_(i), ordered by the reward, gold averaged over tie groups.
  public var gold = 0.0
  /// Σ v_i (r_(i) − μ), the gain of sampling with replacement.
  public var replacementGain = 0.0
  /// Σ_g v_g log(M v_g/k_g): KL of that law from the empirical one, nats.
  public var replacementKL = 0.0
  /// 1/Σ u² after tie averaging.
  public var ess = 0.0
  /// Divergences and win rate of the law with tie groups as atoms.
  public var law = BestOfNLaw()

  /// The sums of a constant row.
  public init() {}
}

/// A run of equal samples, by rank from the bottom: L samples are smaller, E are not larger.
public struct TieGroup: Sendable, Equatable {
  /// L.
  public var below: Int
  /// E.
  public var upTo: Int

  /// The samples of ranks L + 1 … E.
  public init(below: Int, upTo: Int) {
    self.below = below
    self.upTo = upTo
  }

  /// Samples in the group.
  public var count: Int { upTo - below }
}

// SPDX-License-Identifier: Apache-2.0

/// The exponential tilt π_λ ∝ π₀ e^{λr} of one prompt at one lambda, from samples of π₀.
///
/// - Shape: one value a prompt and lambda. Units: rewards in the reward model's, divergences in nats.
/// - Edge cases: lambda = 0 or a constant row gives KL = gain = 0, ess = M, win rate ½; M = 1 likewise.
/// - Precision: relative error below 1e-10 for lambda·σ from 1e-6 to 1e3 (double input). The variance, no cell of a
///   report, is off by up to 2e-10/lambda² besides where short rows share moments among lambdas, and by what
///   truncation leaves where samples are left out.
/// - Complexity: O(1).
/// - Source: 2605.07105, Theorem 1 (gain = beta·Jeffreys); plug-in forms, theory §1.5 (a) and (b).
public struct TiltEstimate: Sendable, Equatable {
  /// K − lambda·μ = log Σ q e^{λ(r − μ)}, which is also the reverse KL; nats.
  public var centredLogPartition: Double
  /// m(λ) − μ = Cov₀(r, e^{λr})/E₀e^{λr}.
  public var gain: Double
  /// Var_{π_λ} r.
  public var variance: Double
  /// KL(π_λ‖π₀).
  public var kl: Double
  /// KL(π₀‖π_λ).
  public var reverseKL: Double
  /// KL + reverse KL = lambda·gain.
  public var jeffreys: Double
  /// Kish effective sample size 1/Σw²; NaN in plans without ``StatisticsPlan/squared``.
  public var ess: Double
  /// Win rate against π₀, ties counted ½.
  public var winRate: Double
  /// E_{π_λ} g.
  public var gold: Double
  /// d E_{π_λ} g / dλ = Cov_{π_λ}(g, r); gold falls along the tilt where it is negative (theory §2.1).
  public var goldSlope: Double

  /// log Z(λ) = log E₀ e^{λr} of the rewards as given; nats.
  public func logPartition(lambda: Double, summary: RowSummary) -> Double {
    centredLogPartition + lambda * summary.mean
  }

  /// Evaluates the estimators from the sums at one lambda.
  @inlinable
  public init(lambda: Double, sums: TiltSums, summary: RowSummary) {
    let ratio = sums.first / sums.exp
    // log Σ q e^x: through expm1 while the sum is near 1, where it holds the digits.
    let logSum =
      sums.exp > 0.5
      ? Elementary.log(onePlus: sums.expMinusOne) : Elementary.log(sums.exp)
    gain = max(0, sums.shift + ratio)
    jeffreys = lambda * gain
    reverseKL = max(0, logSum + lambda * sums.shift)
    // Centred: J − R. Topped: Σ w x − log Σ q e^x, which stays exact while the tilt is all on top.
    kl = max(0, lambda * ratio - logSum)
    centredLogPartition = reverseKL
    variance = max(0, sums.second / sums.exp - ratio * ratio)
    ess = sums.exp * sums.exp / sums.squares
    winRate = 0.5 + sums.rank / sums.exp
    gold = summary.goldMean + sums.gold / sums.exp
    goldSlope = sums.goldFirst / sums.exp - ratio * (sums.gold / sums.exp)
  }
}

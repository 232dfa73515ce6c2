// SPDX-License-Identifier: Apache-2.0
// Whether a line rests on enough samples, and its interval on enough symmetry, to be believed.

internal import EsscherCore

/// The conditions of `trusted`; docs/design/010-trust.md has the coverage by which the numbers were found.
struct TrustRule {
  let overview: MatrixOverview
  let correctsBias: Bool

  /// KL must stay this far below the ceiling to be believed, nats (theory §1.5).
  static let ceilingMargin = 3.0
  /// Smallest median effective sample size to be believed (theory §1.5).
  static let smallestESS = 30.0
  /// Largest bias to be believed, in standard errors over prompts. Bias does not average out over prompts: a
  /// mean over many has a small standard error about the wrong value.
  static let largestBias = 0.25
  /// What the jackknife leaves of a bias, as a multiple of the largest weight: at most 3 times that share of it
  /// on normal, uniform and exponential rewards.
  static let residualBias = 3.0
  /// Largest k̂ whose intervals are believed: the replicates' skewness needs third moments, k < 1/3, and the
  /// 90th percentile of estimates that are drawn to 1/2 lies above the k of the law.
  static let largestShape = 0.4

  /// Trust in a policy that chooses by rank: its estimate is unbiased and has no k̂.
  func trustsSelection(_ means: PromptValues) -> Bool { means.ess >= Self.smallestESS }

  /// Trust in a tilt.
  ///
  /// - Parameters:
  ///   - means: of the point, with the mean bias.
  ///   - errors: standard errors over prompts, or over the samples of the only prompt.
  func trustsTilt(
    _ means: PromptValues, errors: (gain: Double, kl: Double, reward: Double)?
  ) -> Bool {
    let shape = min(Self.largestShape, ParetoTail.limit(sampleCount: overview.shortest))
    guard means.ess >= Self.smallestESS, overview.shortest > 10,
      means.empiricalKL <= overview.ceiling - Self.ceilingMargin,
      (means.khat ?? -.infinity) < shape, let errors
    else { return false }
    var limit = Self.largestBias
    if correctsBias {
      // No weight is above the root of their squares' sum.
      let weight = means.bias.largestWeight ?? 1 / means.ess.squareRoot()
      limit /= min(1, Self.residualBias * weight)
    }
    return means.bias.gain.magnitude <= limit * errors.gain
      && means.bias.kl.magnitude <= limit * errors.kl
      && means.bias.reward.magnitude <= limit * errors.reward
  }
}

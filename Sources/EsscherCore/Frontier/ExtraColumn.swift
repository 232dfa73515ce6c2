// SPDX-License-Identifier: Apache-2.0

/// Quantities that only some lines have, one column each after the common ones, in this order. New ones are
/// appended.
public enum ExtraColumn: String, Sendable, CaseIterable {
  /// Median over prompts of the largest weight of the tilt.
  case maxWeight = "max_weight"
  /// Interval of `efficiency`, from the replicates.
  case efficiencyLow = "efficiency_low"
  /// Interval of `efficiency`, from the replicates.
  case efficiencyHigh = "efficiency_high"
  /// Largest win rate that any policy can have at this KL.
  case winRateLimit = "win_rate_limit"
  /// Monte Carlo standard error of the reward, where the point itself was sampled.
  case rewardSE = "reward_se"
  /// Share of best-of-n's distance from the frontier that comes from spending the same KL on every prompt.
  case allocation
  /// Slope of gold in lambda along the tilt, Cov(g, r) under it; where it is negative, gold falls.
  case goldSlope = "gold_slope"
  /// Gold reward that the best policy for gold has at this mean KL.
  case goldFrontier = "gold_frontier"
  /// `gold_frontier` less `gold`: gold lost to the proxy at matched KL.
  case hackingGap = "hacking_gap"
  /// Interval of `hacking_gap`, from the replicates.
  case hackingGapLow = "hacking_gap_low"
  /// Interval of `hacking_gap`, from the replicates.
  case hackingGapHigh = "hacking_gap_high"
  /// Upper bound of `hacking_gap` by the spread of gold about the proxy.
  case hackingBound = "hacking_bound"
  /// Gold of gold's own tilt at this beta less gold of the proxy's; negative values are no error.
  case equalBetaGap = "equal_beta_gap"
  /// First coefficient of a fit of gold against the square root of KL.
  case fitAlpha = "fit_alpha"
  /// Interval of `fit_alpha`, from the replicates.
  case fitAlphaLow = "fit_alpha_low"
  /// Interval of `fit_alpha`, from the replicates.
  case fitAlphaHigh = "fit_alpha_high"
  /// Second coefficient of that fit.
  case fitBeta = "fit_beta"
  /// Interval of `fit_beta`, from the replicates.
  case fitBetaLow = "fit_beta_low"
  /// Interval of `fit_beta`, from the replicates.
  case fitBetaHigh = "fit_beta_high"
  /// Reward that the frontier allows at a policy's KL.
  case frontierReward = "frontier_reward"
  /// Interval of `frontier_reward`, from the replicates.
  case frontierRewardLow = "frontier_reward_low"
  /// Interval of `frontier_reward`, from the replicates.
  case frontierRewardHigh = "frontier_reward_high"
  /// KL that the frontier needs for a policy's reward, nats.
  case klNeeded = "kl_needed"
  /// Interval of `kl_needed`, from the replicates.
  case klNeededLow = "kl_needed_low"
  /// Interval of `kl_needed`, from the replicates.
  case klNeededHigh = "kl_needed_high"
  /// By how much less KL the ensemble's policy is from any gold policy than its members are on average; on
  /// `ensemble_error` lines the part of the members' squared error that averaging removes.
  case ambiguity
  /// Mean over prompts of the variance of gold less proxy.
  case squaredError = "squared_error"
  /// Interval of `squared_error`, from the replicates.
  case squaredErrorLow = "squared_error_low"
  /// Interval of `squared_error`, from the replicates.
  case squaredErrorHigh = "squared_error_high"
}

// SPDX-License-Identifier: Apache-2.0

/// Names under which tables usually hold rewards and what goes with them; of several, the first counts.
package enum UsualColumnNames {
  package static let rewards = [
    "rewards", "reward", "scores", "score", "rm_scores", "all_rm_scores", "proxy_scores",
  ]
  package static let gold = ["gold_scores", "gold_score", "gold_rewards", "gold_reward", "gold"]
  package static let logProbabilities = ["logprobs", "logprob"]
  package static let logWeights = ["log_weights", "log_weight", "logweights", "logweight"]
}

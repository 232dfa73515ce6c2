// SPDX-License-Identifier: Apache-2.0

/// The top of one sorted row: its largest rewards, the largest first, with their gold rewards.
public struct RowTail: Sendable, Equatable {
  /// Rewards as stored.
  public var rewards: [Double] = []
  /// g − ḡ, averaged over tie groups; empty without gold.
  public var gold: [Double] = []

  /// How many samples each entry stands for; empty where each is one sample.
  public var copies: [Int] = []

  /// An empty tail.
  public init() {}

  /// A tail from its parts.
  public init(rewards: [Double], gold: [Double]) {
    self.rewards = rewards
    self.gold = gold
  }

  /// Samples of the tail of M: what ``ParetoTail`` is fitted to and one more, and at least 64, so that
  /// leaving out one of the others changes a mean little.
  public static func count(sampleCount: Int) -> Int {
    min(sampleCount, max(ParetoTail.count(sampleCount: sampleCount) + 1, 64))
  }
}

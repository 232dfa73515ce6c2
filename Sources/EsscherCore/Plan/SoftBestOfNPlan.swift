// SPDX-License-Identifier: Apache-2.0
// What a round of soft best-of-n asks for, and what it gives back.

/// A grid of soft best-of-n policies: n samples are drawn, and one is chosen with probability proportional to
/// e^{lambda·r}.
public struct SoftBestOfNPlan: Sendable, Equatable {
  /// n, ascending and distinct, each ≥ 2.
  public var ns: [Int]
  /// Inverse temperatures, ascending and distinct, each finite and ≥ 0.
  public var lambdas: [Double]
  /// Key of the random permutations.
  public var seed: UInt64
  /// What becomes of missing cells.
  public var missing: MissingPolicy

  /// A plan from its parts.
  public init(ns: [Int], lambdas: [Double], seed: UInt64, missing: MissingPolicy) {
    self.ns = ns
    self.lambdas = lambdas
    self.seed = seed
    self.missing = missing
  }

  /// Policies of the grid: every n with every lambda.
  public var pointCount: Int { ns.count * lambdas.count }
  /// Entry of a policy among a row's.
  public func entry(n: Int, lambda: Int) -> Int { n * lambdas.count + lambda }
}

/// Soft best-of-n of one prompt at one n and lambda.
public struct SoftBestOfNSums: Sendable, Equatable {
  /// Mean reward less the prompt's mean, from random subsets.
  public var gain = 0.0
  /// Mean gold reward, from the same subsets.
  public var gold = 0.0
  /// Variance of `gain` over the choice of the subsets.
  public var gainVariance = 0.0
  /// KL(policy ‖ base), nats.
  public var kl = 0.0
  /// log(n/(1 + (n−1)·e^{−lambda·(max − min)})), an upper bound of the KL, nats.
  public var klBound = 0.0
  /// Win rate against the base policy, ties counted ½.
  public var winRate = 0.5

  /// The base policy of a prompt whose rewards are all the same.
  public init() {}
}

/// Soft best-of-n of a range of prompts. A prompt with no sample left has `sampleCount` 0; its entries mean
/// nothing.
public struct SoftBestOfNTable: Sendable {
  /// Rows of the matrix the table covers.
  public let rows: Range<Int>
  /// Entry `row − rows.lowerBound`.
  public var summaries: [RowSummary]
  /// Entry `(row − rows.lowerBound)·pointCount + entry(n:lambda:)`.
  public var sums: [SoftBestOfNSums]

  /// An empty table for a plan.
  public init(rows: Range<Int>, plan: SoftBestOfNPlan) {
    self.rows = rows
    summaries = Array(repeating: RowSummary(), count: rows.count)
    sums = Array(repeating: SoftBestOfNSums(), count: rows.count * plan.pointCount)
  }

  /// Bytes of one row of a table for `plan`.
  public static func bytesPerRow(_ plan: SoftBestOfNPlan) -> Int {
    MemoryLayout<RowSummary>.stride + plan.pointCount * MemoryLayout<SoftBestOfNSums>.stride
  }
}

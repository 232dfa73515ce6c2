// SPDX-License-Identifier: Apache-2.0
// What one round asks of a backend, and what it gives back.

/// The statistics of one round over the matrix. A round's estimators declare all they need here
/// before anything runs.
public struct StatisticsPlan: Sendable, Equatable {
  /// Inverse temperatures of ``TiltSums``; ascending.
  public var lambdas: [Double]
  /// Laws of ``BestOfNSums``. Not empty only with `sorted`.
  public let selections: [SelectionLaw]
  /// Rows are sorted: mid-ranks, gold moments, tie groups and best-of-n are wanted.
  public var sorted: Bool
  /// The largest rewards of each row are wanted, for ``ParetoTail`` and ``TiltJackknife``. Only with
  /// `sorted`.
  public var tail: Bool
  /// What becomes of missing cells.
  public var missing: MissingPolicy

  /// Fewest samples of a row from which every law is estimated; shorter rows get none.
  public let fewestSamples: Int

  /// A plan; every statistic is off by default.
  ///
  /// - Parameters:
  ///   - lambdas: inverse temperatures, ascending.
  ///   - bestOf: n of best-of-n, the first laws of the plan.
  ///   - selections: further laws.
  ///   - sorted: whether rows are sorted.
  ///   - tail: whether the largest rewards are wanted.
  ///   - missing: what becomes of missing cells.
  public init(
    lambdas: [Double] = [], bestOf: [Int] = [], selections: [SelectionLaw] = [],
    sorted: Bool = false, tail: Bool = false, missing: MissingPolicy
  ) {
    let laws = bestOf.map(SelectionLaw.bestOf) + selections
    precondition((laws.isEmpty && !tail) || sorted, "these are read off sorted rows")
    self.lambdas = lambdas
    self.selections = laws
    fewestSamples = laws.lazy.map(\.fewestSamples).max() ?? 1
    self.sorted = sorted
    self.tail = tail
    self.missing = missing
  }
}

/// The statistics of a range of prompts: a row a prompt, in order.
///
/// A prompt with no sample left has `sampleCount` 0 in its summary; its other entries mean nothing.
public struct StatisticsTable: Sendable {
  /// Rows of the matrix the table covers.
  public let rows: Range<Int>
  /// Number of lambdas of the plan.
  public let lambdaCount: Int
  /// Number of laws of the plan.
  public let bestOfCount: Int
  /// Entry `row − rows.lowerBound`.
  public var summaries: [RowSummary]
  /// Entry `(row − rows.lowerBound)·lambdaCount + index of lambda`.
  public var tilts: [TiltSums]
  /// Entry `(row − rows.lowerBound)·bestOfCount + index of the law`.
  public var bestOf: [BestOfNSums]
  /// Entry `row − rows.lowerBound`: the top of the row; empty for rows of counts, and where the plan does
  /// not ask.
  public var tails: [RowTail]

  /// An empty table for a plan.
  public init(rows: Range<Int>, plan: StatisticsPlan) {
    self.rows = rows
    lambdaCount = plan.lambdas.count
    bestOfCount = plan.selections.count
    summaries = Array(repeating: RowSummary(), count: rows.count)
    tilts = Array(repeating: TiltSums(), count: rows.count * plan.lambdas.count)
    bestOf = Array(repeating: BestOfNSums(), count: rows.count * plan.selections.count)
    tails = Array(repeating: RowTail(), count: rows.count)
  }

  /// Bytes of one row of a table for `plan`.
  public static func bytesPerRow(_ plan: StatisticsPlan) -> Int {
    MemoryLayout<RowSummary>.stride + plan.lambdas.count * MemoryLayout<TiltSums>.stride
      + plan.selections.count * MemoryLayout<BestOfNSums>.stride
  }
}

/// A device that evaluates statistics. Backends agree with one another within the accuracy contract,
/// and each gives the same bits for the same plan, whatever its threads and tiles.
public protocol Backend: Sendable {
  /// Name for reports: the device and how it is driven.
  var name: String { get }
  /// Version of the driver, where there is one.
  var driver: String? { get }
  /// Worker threads.
  var threads: Int { get }
  /// Rows that one `reduce` should be given, within the memory budget.
  ///
  /// - Throws: `.usage` where not even one row fits, with the budget that would do.
  func rowsPerTile(for table: RewardTable, plan: StatisticsPlan) throws(EsscherError) -> Int
  /// Evaluates `plan` on some rows.
  ///
  /// - Throws: `.badInput` for a missing or infinite cell, naming the first in row order;
  ///   `.deviceUnavailable` where a device fails.
  func reduce(
    _ table: RewardTable, rows: Range<Int>, plan: StatisticsPlan
  ) throws(EsscherError) -> StatisticsTable
  /// Adds prompts to a bootstrap.
  ///
  /// - Parameters:
  ///   - bootstrap: the sums to add to.
  ///   - indices: the prompts' indices in order of first appearance.
  ///   - values: one row of `bootstrap.columnCount` values a prompt.
  /// - Throws: `.deviceUnavailable` where a device fails.
  func accumulate(
    _ bootstrap: inout PoissonBootstrap, indices: [Int], values: [Double]
  ) throws(EsscherError)
}

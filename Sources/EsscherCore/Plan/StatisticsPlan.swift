// SPDX-License-Identifier: Apache-2.0
// What one round asks of a backend, and what it gives back.

/// The statistics of one round over the matrix. A round's estimators declare all they need here
/// before anything runs.
public struct StatisticsPlan: Sendable, Equatable {
  /// Inverse temperatures of ``TiltSums``; ascending.
  public var lambdas: [Double]
  /// Inverse temperatures of each row's own, in place of `lambdas`; nil where all rows share those.
  public var rowLambdas: RowLambdas?
  /// Laws of ``BestOfNSums``. Not empty only with `sorted`.
  public let selections: [SelectionLaw]
  /// Rows are sorted: gold moments, tie groups and best-of-n are wanted.
  public var sorted: Bool
  /// Mid-ranks are wanted, for the tilt's win rates, gold and biases. Only with `sorted`; a backend may take them
  /// with every sorted row.
  public var ranked: Bool
  /// Sums of squared weights are wanted, for the tilt's effective sample size and biases; without
  /// them ``TiltSums/squares`` and its products are NaN. They are sums at twice each lambda: up to a quarter of the
  /// time of a tilt.
  public var squared: Bool
  /// The largest rewards of each row are wanted, for ``ParetoTail`` and ``TiltJackknife``. Only with
  /// `sorted` and `squared`.
  public var tail: Bool
  /// What becomes of missing cells.
  public var missing: MissingPolicy

  /// Fewest samples of a row from which every law is estimated; shorter rows get none.
  public let fewestSamples: Int

  /// A plan; every statistic is off by default.
  ///
  /// - Parameters:
  ///   - lambdas: inverse temperatures, ascending.
  ///   - rowLambdas: inverse temperatures by row; then `lambdas` is empty.
  ///   - bestOf: n of best-of-n, the first laws of the plan.
  ///   - selections: further laws.
  ///   - sorted: whether rows are sorted.
  ///   - ranked: whether the tilt of sorted rows has win rates, gold and biases; as `sorted` by default.
  ///   - squared: whether the tilt has sums of squared weights.
  ///   - tail: whether the largest rewards are wanted.
  ///   - missing: what becomes of missing cells.
  public init(
    lambdas: [Double] = [], rowLambdas: RowLambdas? = nil, bestOf: [Int] = [],
    selections: [SelectionLaw] = [],
    sorted: Bool = false, ranked: Bool? = nil, squared: Bool = true, tail: Bool = false,
    missing: MissingPolicy
  ) {
    let laws = bestOf.map(SelectionLaw.bestOf) + selections
    precondition((laws.isEmpty && !tail) || sorted, "these are read off sorted rows")
    precondition(sorted || ranked != true, "mid-ranks are read off sorted rows")
    precondition(squared || !tail, "biases take squared weights")
    precondition(rowLambdas == nil || lambdas.isEmpty, "lambdas are common or by row")
    self.lambdas = lambdas
    self.rowLambdas = rowLambdas
    self.selections = laws
    fewestSamples = laws.lazy.map(\.fewestSamples).max() ?? 1
    self.sorted = sorted
    self.ranked = ranked ?? sorted
    self.squared = squared
    self.tail = tail
    self.missing = missing
  }

  /// Lambdas at which each row is evaluated.
  public var lambdaCount: Int { rowLambdas?.count ?? lambdas.count }

  /// The lambdas of a row, ascending.
  ///
  /// - Parameter row: of the matrix; with `rowLambdas`, one of its rows.
  public func lambdas(row: Int) -> [Double] { rowLambdas?[row] ?? lambdas }
}

/// Inverse temperatures that differ from row to row, as many for each row.
///
/// A row that needs fewer is padded with zeros in front: the smallest lambdas are read off the row's power
/// moments, at no work a sample.
public struct RowLambdas: Sendable, Equatable {
  /// Rows of the matrix that have lambdas here.
  public let rows: Range<Int>
  /// Lambdas of each row.
  public let count: Int
  /// Entry `(row − rows.lowerBound)·count + index`, ascending within a row, each finite and ≥ 0.
  public let values: [Double]

  /// - Parameters:
  ///   - rows: of the matrix.
  ///   - count: lambdas of each row.
  ///   - values: row by row, ascending within a row.
  /// - Precondition: one value a row and index.
  public init(rows: Range<Int>, count: Int, values: [Double]) {
    precondition(values.count == rows.count * count, "one value a row and index")
    self.rows = rows
    self.count = count
    self.values = values
  }

  /// The lambdas of a row.
  public subscript(row: Int) -> [Double] {
    let start = (row - rows.lowerBound) * count
    return Array(values[start..<start + count])
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
  /// How the tilts were summed, nil of a backend that does not count; constant rows and rows of counts are summed in
  /// closed form and not counted.
  public var methods: TiltMethods?

  /// An empty table for a plan.
  ///
  /// - Parameters:
  ///   - rows: of the matrix.
  ///   - plan: what was asked.
  ///   - tilts: the tilts' sums where they are at hand; those of lambda = 0 otherwise.
  public init(rows: Range<Int>, plan: StatisticsPlan, tilts: [TiltSums]? = nil) {
    self.rows = rows
    lambdaCount = plan.lambdaCount
    bestOfCount = plan.selections.count
    summaries = Array(repeating: RowSummary(), count: rows.count)
    self.tilts = tilts ?? Array(repeating: TiltSums(), count: rows.count * plan.lambdaCount)
    bestOf = Array(repeating: BestOfNSums(), count: rows.count * plan.selections.count)
    tails = Array(repeating: RowTail(), count: rows.count)
  }

  /// Bytes of one row of a table for `plan`.
  public static func bytesPerRow(_ plan: StatisticsPlan) -> Int {
    MemoryLayout<RowSummary>.stride + plan.lambdaCount * MemoryLayout<TiltSums>.stride
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
  /// Whether `reduce` leaves the processor's cores to others, so that the next rows may be evaluated beside what
  /// is made of the last ones; then calls from two threads are allowed.
  var worksBesideHost: Bool { get }
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

extension Backend {
  /// False: the processor itself.
  public var worksBesideHost: Bool { false }

  /// Adds prompts to sums that can be merged: their digits, as any statistics.
  ///
  /// - Parameters:
  ///   - sums: the sums to add to.
  ///   - indices: the prompts' indices in order of first appearance.
  ///   - values: one row of `sums.columnCount` values a prompt.
  /// - Throws: `.deviceUnavailable` where a device fails.
  public func accumulate(
    _ sums: inout ReplicateSums, indices: [Int], values: [Double]
  ) throws(EsscherError) {
    try sums.add(indices: indices, values: values) {
      (block, indices, digits) throws(EsscherError) in
      try accumulate(&block, indices: indices, values: digits)
    }
  }
}

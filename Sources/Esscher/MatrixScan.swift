// SPDX-License-Identifier: Apache-2.0
// One round: a plan carried over every tile of the matrix, in row order.

internal import EsscherCore

/// Drives rounds over one table on one backend.
struct MatrixScan {
  let table: RewardTable
  let backend: any Backend
  let observer: RunObserver

  /// P before anything is dropped.
  var rowCount: Int {
    switch table.rewards {
    case .cells(let source): source.rowCount
    case .counts(let counts): counts.sampleCounts.count
    }
  }

  /// Reduces the whole matrix tile by tile and hands each tile's table to `fold`, in row order.
  ///
  /// Tiles bound memory only: no result depends on where they end.
  func run(
    _ plan: StatisticsPlan, stage: String,
    fold: (StatisticsTable) throws(EsscherError) -> Void
  ) throws(EsscherError) {
    let step = try backend.rowsPerTile(for: table, plan: plan)
    try forEachTile(of: step, stage: stage) { (rows) throws(EsscherError) in
      try fold(try backend.reduce(table, rows: rows, plan: plan))
    }
  }

  /// Calls `body` with ranges of at most `step` rows, in order; tells the observer after each, and stops
  /// where it says so.
  func forEachTile(
    of step: Int, stage: String, _ body: (_ rows: Range<Int>) throws(EsscherError) -> Void
  ) throws(EsscherError) {
    var start = 0
    observer.progress(stage, 0)
    while start < rowCount {
      if observer.isCancelled() { throw EsscherError.interruption }
      let end = min(rowCount, start + step)
      try body(start..<end)
      start = end
      observer.progress(stage, Double(end) / Double(rowCount))
    }
  }
}

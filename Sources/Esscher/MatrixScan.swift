// SPDX-License-Identifier: Apache-2.0
// One round: a plan carried over every tile of the matrix, in row order.

internal import Dispatch
internal import EsscherCore
internal import Synchronization

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
  /// Tiles bound memory only: no result depends on where they end. A device that works beside the processor is given
  /// the next tile before the last one is folded.
  func run(
    _ plan: StatisticsPlan, stage: String,
    fold: (StatisticsTable) throws(EsscherError) -> Void
  ) throws(EsscherError) {
    let step = try backend.rowsPerTile(for: table, plan: plan)
    if backend.worksBesideHost { return try runAhead(plan, step: step, stage: stage, fold) }
    try forEachTile(of: step, stage: stage) { (rows) throws(EsscherError) in
      try fold(try backend.reduce(table, rows: rows, plan: plan))
    }
  }

  /// As ``run(_:stage:fold:)``, a tile ahead. What was begun is waited for, whatever `fold` says.
  private func runAhead(
    _ plan: StatisticsPlan, step: Int, stage: String,
    _ fold: (StatisticsTable) throws(EsscherError) -> Void
  ) throws(EsscherError) {
    var next: PendingTable?
    defer { next?.wait() }
    try forEachTile(of: step, stage: stage) { (rows) throws(EsscherError) in
      let here = next ?? PendingTable(backend, table, rows: rows, plan: plan)
      next = nil
      let result = try here.table()
      let following = rows.upperBound..<min(rowCount, rows.upperBound + step)
      if !following.isEmpty {
        next = PendingTable(backend, table, rows: following, plan: plan)
      }
      try fold(result)
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

/// A tile that a device evaluates on a thread of its own.
private final class PendingTable: Sendable {
  private let result = Mutex<Result<StatisticsTable, EsscherError>?>(nil)
  private let group = DispatchGroup()

  init(
    _ backend: any Backend, _ table: RewardTable, rows: Range<Int>, plan: StatisticsPlan
  ) {
    DispatchQueue(label: "tile").async(group: group) {
      let result: Result<StatisticsTable, EsscherError>
      do throws(EsscherError) {
        result = .success(try backend.reduce(table, rows: rows, plan: plan))
      } catch { result = .failure(error) }
      self.result.withLock { $0 = result }
    }
  }

  func wait() { group.wait() }

  /// The tile's table, once; waits for it.
  func table() throws(EsscherError) -> StatisticsTable {
    wait()
    let taken = result.withLock { result in
      let taken = result
      result = nil
      return taken
    }
    guard let taken else { throw EsscherError(.internal, "a tile was asked for twice") }
    return try taken.get()
  }
}

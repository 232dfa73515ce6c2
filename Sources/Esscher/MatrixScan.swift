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
  /// The prompts of the scan: all, or a shard's.
  let rows: Range<Int>
  /// Where results come from that are not of one whole run.
  let sweep: Sweep?
  /// What tells passes over this table from those over another one of the same run.
  let scope: String

  init(
    table: RewardTable, backend: any Backend, observer: RunObserver, rows: Range<Int>? = nil,
    sweep: Sweep? = nil
  ) {
    self.init(
      table: table, backend: backend, observer: observer,
      rows: rows ?? 0..<Self.rowCount(table), sweep: sweep, scope: "")
  }

  private init(
    table: RewardTable, backend: any Backend, observer: RunObserver, rows: Range<Int>,
    sweep: Sweep?, scope: String
  ) {
    self.table = table
    self.backend = backend
    self.observer = observer
    self.rows = rows
    self.sweep = sweep
    self.scope = scope
  }

  /// The same prompts and device with another table.
  ///
  /// - Parameters:
  ///   - table: of the same prompts.
  ///   - scope: names it among the tables of the run.
  ///   - isWatched: whether lines of single prompts are wanted.
  func with(_ table: RewardTable, scope: String, isWatched: Bool = true) -> MatrixScan {
    var observer = observer
    if !isWatched { observer.promptPoints = nil }
    return MatrixScan(
      table: table, backend: backend, observer: observer, rows: rows, sweep: sweep,
      scope: self.scope + scope + "/")
  }

  /// P before anything is dropped.
  var rowCount: Int { Self.rowCount(table) }

  private static func rowCount(_ table: RewardTable) -> Int {
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
      let following = rows.upperBound..<min(self.rows.upperBound, rows.upperBound + step)
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
    var start = rows.lowerBound
    observer.progress(stage, 0)
    while start < rows.upperBound {
      if observer.isCancelled() { throw EsscherError.interruption }
      let end = min(rows.upperBound, start + step)
      try body(start..<end)
      start = end
      observer.progress(stage, Double(end - rows.lowerBound) / Double(rows.count))
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

// SPDX-License-Identifier: Apache-2.0
// Tiles that a device evaluates while the last one is folded.

import EsscherCPU
import EsscherTestSupport
import Synchronization
import Testing

@testable import Esscher

@Suite("Read ahead")
struct ReadAheadTests {
  /// Takes three rows at a time and counts what it was asked for.
  private struct BesideBackend: Backend {
    let name = "beside"
    let driver: String? = nil
    let threads = 1
    let worksBesideHost = true
    let inner = CPUBackend(threads: 1)
    let begun = Begun()

    func rowsPerTile(for table: RewardTable, plan: StatisticsPlan) throws(EsscherError) -> Int { 3 }

    func reduce(
      _ table: RewardTable, rows: Range<Int>, plan: StatisticsPlan
    ) throws(EsscherError) -> StatisticsTable {
      begun.add(rows)
      return try inner.reduce(table, rows: rows, plan: plan)
    }

    func accumulate(
      _ bootstrap: inout PoissonBootstrap, indices: [Int], values: [Double]
    ) throws(EsscherError) {
      try inner.accumulate(&bootstrap, indices: indices, values: values)
    }
  }

  private final class Begun: Sendable {
    private let rows = Mutex<[Range<Int>]>([])
    var all: [Range<Int>] { rows.withLock { $0 } }
    func add(_ range: Range<Int>) { rows.withLock { $0.append(range) } }
  }

  private static func table(missingAt row: Int? = nil) -> RewardTable {
    var random = SeededGenerator(seed: 8)
    var cells = (0..<11).map { _ in RowShape.normal.row(40, &random) }
    if let row { cells[row][0] = .nan }
    return RewardTable(
      label: "made", rewards: .cells(MemorySource(name: "made", rows: cells)))
  }

  @Test("the report is the one of a backend that waits")
  func report() throws {
    let request = FrontierRequest(
      lambdas: [0.5], klBudgets: [0.3], bestOf: [2, 8], resamples: 20, device: "cpu", threads: 1)
    let want = try Engine().frontier(Self.table(), request)
    let got = try Engine().frontier(
      Self.table(), request, choice: DeviceChoice(backend: BesideBackend()),
      observer: RunObserver())
    #expect(got.points == want.points)
  }

  @Test("tiles are folded in order, each begun before the one ahead of it is folded")
  func order() throws {
    let backend = BesideBackend()
    let scan = MatrixScan(table: Self.table(), backend: backend, observer: RunObserver())
    var folded: [Range<Int>] = []
    try scan.run(StatisticsPlan(lambdas: [1], missing: .error), stage: "test") {
      (table) throws(EsscherError) in
      folded.append(table.rows)
    }
    #expect(folded == [0..<3, 3..<6, 6..<9, 9..<11])
    #expect(backend.begun.all == folded)
  }

  @Test("an error comes with its own rows, those before it are folded")
  func errors() {
    let backend = BesideBackend()
    let scan = MatrixScan(
      table: Self.table(missingAt: 7), backend: backend, observer: RunObserver())
    var folded = 0
    #expect {
      try scan.run(StatisticsPlan(missing: .error), stage: "test") {
        (table) throws(EsscherError) in
        folded += table.rows.count
      }
    } throws: { ($0 as? EsscherError)?.location?.row == 7 }
    #expect(folded == 6)
  }

  @Test("whoever stops a run waits for what was begun, and nothing more is")
  func stops() {
    let backend = BesideBackend()
    let scan = MatrixScan(table: Self.table(), backend: backend, observer: RunObserver())
    #expect {
      try scan.run(StatisticsPlan(missing: .error), stage: "test") {
        (table) throws(EsscherError) in
        throw EsscherError(.internal, "enough")
      }
    } throws: { ($0 as? EsscherError)?.message == "enough" }
    #expect(backend.begun.all == [0..<3, 3..<6])
    let cancelled = Mutex(false)
    let other = BesideBackend()
    let stopped = MatrixScan(
      table: Self.table(), backend: other,
      observer: RunObserver(isCancelled: { cancelled.withLock { $0 } }))
    #expect {
      try stopped.run(StatisticsPlan(missing: .error), stage: "test") {
        (table) throws(EsscherError) in
        cancelled.withLock { $0 = true }
      }
    } throws: { ($0 as? EsscherError)?.code == .interrupted }
    #expect(other.begun.all == [0..<3, 3..<6])
  }
}

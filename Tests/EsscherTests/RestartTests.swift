// SPDX-License-Identifier: Apache-2.0
// A device that fails in the middle of a run.

import EsscherTestSupport
import Synchronization
import Testing

@testable import Esscher

@Suite("Restart on the processor")
struct RestartTests {
  /// Works for some tiles, then fails as a device does.
  private struct FailingBackend: Backend {
    let name = "a device that fails"
    let driver: String? = nil
    let threads = 1
    let inner: any Backend
    let calls = Counter()

    func rowsPerTile(for table: RewardTable, plan: StatisticsPlan) throws(EsscherError) -> Int { 1 }

    func reduce(
      _ table: RewardTable, rows: Range<Int>, plan: StatisticsPlan
    ) throws(EsscherError) -> StatisticsTable {
      if calls.next() > 9 {
        throw EsscherError(.deviceUnavailable, "the device failed: use --device cpu")
      }
      return try inner.reduce(table, rows: rows, plan: plan)
    }

    func accumulate(
      _ bootstrap: inout PoissonBootstrap, indices: [Int], values: [Double]
    ) throws(EsscherError) {
      try inner.accumulate(&bootstrap, indices: indices, values: values)
    }
  }

  private final class Counter: Sendable {
    private let value = Mutex(0)
    func next() -> Int {
      value.withLock {
        $0 += 1
        return $0
      }
    }
  }

  @Test("auto runs again from the start, with the processor's report and the reason")
  func restarts() throws {
    var random = SeededGenerator(seed: 2)
    let rows = (0..<6).map { _ in RowShape.normal.row(30, &random) }
    let table = RewardTable(
      label: "made", rewards: .cells(MemorySource(name: "made", rows: rows)))
    let request = FrontierRequest(lambdas: [0.5], bestOf: [2], resamples: 20, device: "cpu")
    let processor = try DeviceChoice.resolve(request, table: table).backend
    var lines: [PromptPoint] = []
    var restarts = 0
    let observer = RunObserver(
      promptPoints: { lines += $0 },
      restarted: {
        restarts += 1
        lines = []
      })
    let want = try Engine().frontier(table, request)
    let choice = DeviceChoice(backend: FailingBackend(inner: processor), mayFallBack: true)
    let got = try Engine().frontier(table, request, choice: choice, observer: observer)
    #expect(got.points == want.points)
    #expect(restarts == 1 && lines.count == 12)
    #expect(got.provenance.device == want.provenance.device)
    #expect(got.provenance.fallbacks.first?.reason.contains("in the middle of the run") == true)
    let named = DeviceChoice(backend: FailingBackend(inner: processor))
    #expect {
      _ = try Engine().frontier(table, request, choice: named, observer: RunObserver())
    } throws: { ($0 as? EsscherError)?.code == .deviceUnavailable }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Several devices that share a run: the same bits, the first error, names and budgets.

import EsscherCPU
import EsscherTestSupport
import Glibc
import Synchronization
import Testing

@testable import Esscher
@testable import EsscherOpenCL

@Suite("Several devices")
struct SeveralBackendsTests {
  /// A backend that waits some microseconds before each block, or fails at a row.
  private struct StubBackend: Backend {
    let name: String
    var driver: String?
    var delay: UInt32 = 0
    var failsAtRow: Int?
    let inner = CPUBackend(threads: 1)
    let taken = Blocks()

    var threads: Int { inner.threads }

    func rowsPerTile(for table: RewardTable, plan: StatisticsPlan) throws(EsscherError) -> Int { 7 }

    func reduce(
      _ table: RewardTable, rows: Range<Int>, plan: StatisticsPlan
    ) throws(EsscherError) -> StatisticsTable {
      usleep(delay)
      taken.add(rows)
      if let failsAtRow, rows.contains(failsAtRow) {
        throw EsscherError(.deviceUnavailable, "\(name) failed; use --device cpu")
      }
      return try inner.reduce(table, rows: rows, plan: plan)
    }

    func accumulate(
      _ bootstrap: inout PoissonBootstrap, indices: [Int], values: [Double]
    ) throws(EsscherError) {
      try inner.accumulate(&bootstrap, indices: indices, values: values)
    }
  }

  private final class Blocks: Sendable {
    private let blocks = Mutex<[Range<Int>]>([])
    var all: [Range<Int>] { blocks.withLock { $0 } }
    func add(_ rows: Range<Int>) { blocks.withLock { $0.append(rows) } }
  }

  private static func table(missingAt rows: [Int] = []) -> RewardTable {
    var random = SeededGenerator(seed: 14)
    var cells = (0..<40).map { row in RowShape.integers.row(30 + row, &random) }
    for row in rows { cells[row][3] = .nan }
    let gold = cells.map { RowShape.normal.row($0.count, &random) }
    return RewardTable(
      label: "made", rewards: .cells(MemorySource(name: "made", rows: cells)),
      gold: MemorySource(name: "gold", rows: gold))
  }

  private static let plan = StatisticsPlan(
    lambdas: [0.01, 0.5, 3], bestOf: [1, 2, 9], sorted: true, tail: true, missing: .error)

  @Test(
    "blocks cover the rows in order, shorter towards the end",
    arguments: [(0..<1, 2), (5..<5, 3), (3..<1000, 2), (0..<77, 8), (0..<100_000, 3)])
  func blocks(rows: Range<Int>, members: Int) {
    let blocks = SeveralBackends.blocks(rows, members: members, longest: 900, shortest: 4)
    var next = rows.lowerBound
    for (block, following) in zip(blocks, blocks.dropFirst() + [0..<0]) {
      #expect(block.lowerBound == next && !block.isEmpty && block.count <= 900)
      #expect(block.count >= following.count)
      next = block.upperBound
    }
    #expect(next == rows.upperBound)
    #expect(blocks.dropLast().allSatisfy { $0.count >= 4 })
    // Rows enough for all: nobody is left without.
    if rows.count > 16 * members { #expect(blocks.count >= 2 * members) }
  }

  @Test("whoever takes which block, the table is the one device's", arguments: [0, 1, 200])
  func sameBits(milliseconds: UInt32) throws {
    let table = Self.table()
    let alone = try CPUBackend(threads: 1).reduce(table, rows: 2..<40, plan: Self.plan)
    let slow = StubBackend(name: "slow", delay: milliseconds * 1000)
    let fast = StubBackend(name: "fast", delay: 200)
    let several = SeveralBackends([slow, fast])
    let shared = try several.reduce(table, rows: 2..<40, plan: Self.plan)
    let same =
      shared.summaries == alone.summaries && shared.tilts == alone.tilts
      && shared.bestOf == alone.bestOf
    #expect(same)
    #expect(shared.tails.map(\.rewards) == alone.tails.map(\.rewards))
    #expect(shared.tails.map(\.gold) == alone.tails.map(\.gold))
    #expect(shared.methods == alone.methods)
    // Every row once, and a device that is slow holds up nobody.
    let rows = (slow.taken.all + fast.taken.all).flatMap { Array($0) }.sorted()
    #expect(rows == Array(2..<40))
    if milliseconds == 200 { #expect(slow.taken.all.count < fast.taken.all.count) }
    #expect(try several.rowsPerTile(for: table, plan: Self.plan) == 14)
  }

  @Test("rows with lambdas of their own keep them")
  func rowLambdas() throws {
    let table = Self.table()
    let values = (0..<38).flatMap { row in [0.1, 1].map { $0 * Double(row + 1) } }
    let plan = StatisticsPlan(
      rowLambdas: RowLambdas(rows: 2..<40, count: 2, values: values), missing: .error)
    let alone = try CPUBackend(threads: 1).reduce(table, rows: 2..<40, plan: plan)
    let shared = try SeveralBackends([StubBackend(name: "one"), StubBackend(name: "two")])
      .reduce(table, rows: 2..<40, plan: plan)
    #expect(shared.tilts == alone.tilts)
  }

  @Test("the error of the first rows is the run's, whichever device meets it")
  func errors() {
    func failure(_ members: [StubBackend], missingAt rows: [Int] = []) -> EsscherError? {
      do throws(EsscherError) {
        _ = try SeveralBackends(members).reduce(
          Self.table(missingAt: rows), rows: 0..<40, plan: Self.plan)
        return nil
      } catch {
        return error
      }
    }
    let good = StubBackend(name: "good", delay: 1000)
    for turn in 0..<10 {
      let bad = failure([good, good, good], missingAt: [31, 12, 13])
      #expect(bad?.code == .badInput && bad?.location?.row == 12, "turn \(turn): \(bad as Any)")
    }
    // Whichever of the two is given the row.
    let broken = StubBackend(name: "broken", failsAtRow: 20)
    let lost = failure([broken, broken])
    #expect(lost?.code == .deviceUnavailable)
    #expect(lost?.message.contains("broken failed") == true)
    // Rows before it are another matter.
    #expect(failure([broken, broken], missingAt: [1])?.code == .badInput)
  }

  @Test("a report names all of them")
  func names() {
    let two = SeveralBackends([
      StubBackend(name: "one", driver: "5.1"), StubBackend(name: "two", driver: "5.1"),
    ])
    #expect(two.name == "one + two" && two.driver == "5.1")
    let mixed = SeveralBackends([StubBackend(name: "cpu"), StubBackend(name: "gpu", driver: "7")])
    #expect(mixed.driver == "7")
    #expect(SeveralBackends([CPUBackend(), CPUBackend()]).driver == nil)
  }

  /// Two devices of a driver, not opened by anybody.
  private static func found() -> ProbeResult {
    let devices = (0..<2).map { number in
      ProbedDevice(
        library: 0, platform: 0, device: number, platformNumber: 0, isGPU: true,
        description: DeviceDescription(
          name: "opencl:0.\(number)", model: "accelerator", target: "made", units: 1,
          memoryBytes: nil, isAutomaticChoice: false))
    }
    return ProbeResult(usable: devices)
  }

  @Test(
    "lists that make no sense are wrong usage",
    arguments: [
      "cpu,", ",cpu", "cpu,auto", "cpu,,cpu", "cpu, CPU", "opencl:0.1, OpenCL:0.1",
      "opencl:0.0,accelerator", "opencl:all,opencl:0.1",
    ])
  func wrongLists(names: String) {
    #expect {
      _ = try DeviceChoice.resolve(
        FrontierRequest(device: names), table: Self.table(), probe: Self.found)
    } throws: { ($0 as? EsscherError)?.code == .usage }
  }

  @Test("a device that is not there ends the run with its name")
  func missing() {
    #expect {
      _ = try DeviceChoice.resolve(
        FrontierRequest(device: "cpu,opencl:77.0"), table: Self.table(), probe: Self.found)
    } throws: { error in
      let error = error as? EsscherError
      return error?.code == .deviceUnavailable && error?.message.contains("opencl:77.0") == true
    }
  }

  @Test("processor and device share a run within the accuracy of either")
  func processorAndDevice() throws {
    let request = FrontierRequest(
      lambdas: [0.5, 2], klBudgets: [0.2], bestOf: [2, 5], resamples: 20, device: "cpu")
    let table = Self.table()
    let both = SeveralBackends([CPUBackend(), try OpenCLBackend(platform: 0, device: 0)])
    let want = try Engine().frontier(table, request)
    let got = try Engine().frontier(
      table, request, choice: DeviceChoice(backend: both), observer: RunObserver())
    #expect(got.provenance.device.hasPrefix("CPU, Swift"))
    #expect(got.provenance.device.contains(" + ") && got.provenance.device.contains("OpenCL"))
    #expect(got.points.count == want.points.count)
    for (a, b) in zip(got.points, want.points) {
      #expect(a.curve == b.curve && a.trusted == b.trusted)
      // Either is within 1e-10 of the exact values, rewards relative to a spread of about 3.
      #expect(((a.kl ?? 0) - (b.kl ?? 0)).magnitude <= 2e-10 * (b.kl ?? 1))
      #expect(((a.reward ?? 0) - (b.reward ?? 0)).magnitude <= 1e-9)
      #expect(((a.gold ?? 0) - (b.gold ?? 0)).magnitude <= 1e-9)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Rows of floats, which processors read once and put in order in local memory, against the same rows as doubles, which
// go the long way: the same arithmetic in the same order, so the same bits.

import EsscherCPU
import EsscherCore
import EsscherOpenCL
import EsscherTestSupport
import Testing

#if arch(x86_64)
  @Suite("Rows put in order in local memory", .serialized)
  struct NearRowTests {
    /// Rows of every way through the kernel, as floats hold them.
    private static func rows() -> [[Double]] {
      var random = SeededGenerator(seed: 41)
      // Blocks serve rows from 512 samples on.
      var rows = [600, 511, 512, 513, 1000, 4097, 3, 1].map { count in
        RowShape.normal.row(count, &random)
      }
      rows.append(RowShape.exponential.row(2000, &random))
      rows.append(RowShape.integers.row(1500, &random))
      rows.append(RowShape.constant.row(700, &random))
      // One far sample: power moments are taken from the samples, not from blocks.
      rows.append(RowShape.normal.row(900, &random) + [1e4])
      rows.append(RowShape.normal.row(900, &random) + [-1e4])
      // Below 2^-126, where floats have no leading one.
      rows.append(RowShape.normal.row(800, &random).map { $0 * 0x1p-140 })
      rows = rows.map { $0.map { Double(Float($0)) } }
      rows[4][17] = .nan
      rows[5][0] = .nan
      rows[5][4096] = .nan
      return rows
    }

    private static func table(_ rows: [[Double]], _ storage: CellStorage) -> RewardTable {
      RewardTable(
        label: "rows", rewards: .cells(MemorySource(name: "rows", rows: rows, storage: storage)))
    }

    /// Lambdas that moments, blocks and samples serve; in equal steps; so few in reach of blocks that none serve; for rows
    /// of the smallest floats; and so small that the moments of rows with a far sample serve some.
    private static let grids: [[Double]] = [
      (0..<25).map { Elementary.exp(Elementary.log(1e-3) + 0.5 * Double($0)) },
      (1...16).map { 0.5 * Double($0) },
      [1e-4, 2e-4, 40, 1e3, 1e4],
      (0..<20).map { 0x1p140 * Elementary.exp(Elementary.log(1e-2) + 0.5 * Double($0)) },
      (0..<25).map { Elementary.exp(Elementary.log(1e-5) + 0.5 * Double($0)) },
    ]

    @Test(
      "floats give what doubles give, bit for bit", arguments: Candidate.devices, [false, true])
    func sameBits(candidate: Candidate, squared: Bool) throws {
      let rows = Self.rows()
      let backend = try #require(try candidate.make(1, 1 << 30) as? OpenCLBackend)
      let isProcessor = candidate.name == Candidate.devices[0].name
      for (index, grid) in Self.grids.enumerated() {
        // Rows of small floats have grids of their own, on which others leave every range.
        let range = index == 3 ? 13..<14 : 0..<13
        let plan = StatisticsPlan(lambdas: grid, squared: squared, missing: .drop)
        #expect(backend.putsRowsNear(Self.table(rows, .float32), plan) == isProcessor)
        #expect(!backend.putsRowsNear(Self.table(rows, .float64), plan))
        let (floats, doubles) = try (
          backend.reduce(Self.table(rows, .float32), rows: range, plan: plan),
          backend.reduce(Self.table(rows, .float64), rows: range, plan: plan)
        )
        #expect(floats.summaries == doubles.summaries, "grid \(index)")
        // Sums that nobody asked for are NaN on either side.
        #expect(floats.tilts.map(\.exp) == doubles.tilts.map(\.exp), "grid \(index)")
        #expect(
          floats.tilts.map(\.expMinusOne) == doubles.tilts.map(\.expMinusOne), "grid \(index)")
        #expect(floats.tilts.map(\.first) == doubles.tilts.map(\.first), "grid \(index)")
        #expect(floats.tilts.map(\.second) == doubles.tilts.map(\.second), "grid \(index)")
        if squared {
          #expect(floats.tilts.map(\.squares) == doubles.tilts.map(\.squares), "grid \(index)")
        }
        #expect(floats.methods == doubles.methods)
      }
    }

    /// Rows that end where memory ends, of lengths that are whole vectors or are not.
    private static func heldRows(whole: Bool) -> [[Double]] {
      var random = SeededGenerator(seed: 44)
      let rows = [600, 4096, 8, 0, 512, 1000].map { count in
        RowShape.normal.row(whole ? count : count + 3, &random)
      }
      return rows.map { $0.map { Double(Float($0)) } }
    }

    /// A backend that no other test has, whose last rows had no missing cell: rows that follow one are looked at first.
    private static func unworried(_ candidate: Candidate) throws -> any Backend {
      let backend = try candidate.make(1, 1 << 30 + 8)
      let plan = StatisticsPlan(lambdas: [1], missing: .error)
      _ = try backend.reduce(table([[1, 2]], .float32), rows: 0..<1, plan: plan)
      return backend
    }

    @Test(
      "rows are read where their source holds them, and nothing beyond",
      arguments: Candidate.devices,
      [true, false])
    func heldRows(candidate: Candidate, whole: Bool) throws {
      let rows = Self.heldRows(whole: whole)
      let held = try HeldFloatSource(rows)
      let table = RewardTable(label: "rows", rewards: .cells(held))
      let backend = try Self.unworried(candidate)
      let plan = StatisticsPlan(lambdas: Self.grids[0], missing: .error)
      let found = try backend.reduce(table, rows: 0..<rows.count, plan: plan)
      let isProcessor = candidate.name == Candidate.devices[0].name
      #expect((held.singleReads == 0) == (isProcessor && whole))
      let copied = try backend.reduce(
        Self.table(rows, .float32), rows: 0..<rows.count, plan: plan)
      #expect(found.summaries == copied.summaries)
      #expect(found.tilts == copied.tilts)
      #expect(found.methods == copied.methods)
    }

    /// What each missing or infinite cell does, in the first row or a later one, is what it does on the processor.
    @Test(
      "cells that no one looked at before the kernel",
      arguments: [Double.nan, .infinity, -.infinity],
      [MissingPolicy.drop, .error])
    func unseenCells(cell: Double, policy: MissingPolicy) throws {
      let plan = StatisticsPlan(lambdas: Self.grids[0], missing: policy)
      func outcome(
        _ backend: any Backend, _ table: RewardTable
      ) -> Result<StatisticsTable, EsscherError> {
        Result { () throws(EsscherError) in
          try backend.reduce(table, rows: 0..<6, plan: plan)
        }
      }
      for (row, column) in [(0, 599), (1, 0), (2, 7), (5, 500)] {
        for whole in [true, false] {
          var rows = Self.heldRows(whole: whole)
          rows[row][column] = cell
          let backend = try Self.unworried(Candidate.devices[0])
          let table = RewardTable(
            label: "rows", rewards: .cells(try HeldFloatSource(rows)))
          let found = outcome(backend, table)
          let looked = outcome(
            backend,
            RewardTable(
              label: "rows", rewards: .cells(MemorySource(name: "held", rows: rows))))
          let processor = outcome(CPUBackend(threads: 1), table)
          let isDropped = cell.isNaN && policy == .drop
          switch (found, looked, processor) {
          case (.success(let found), .success(let looked), .success(let processor)):
            #expect(isDropped)
            #expect(found.summaries == looked.summaries)
            #expect(found.tilts.map(\.exp) == looked.tilts.map(\.exp))
            #expect(found.tilts.map(\.first) == looked.tilts.map(\.first))
            #expect(found.summaries[row].droppedCount == 1)
            #expect(found.summaries.map(\.sampleCount) == processor.summaries.map(\.sampleCount))
          case (.failure(let found), .failure(let looked), .failure(let processor)):
            #expect(!isDropped)
            #expect(found == looked)
            #expect(found == processor)
          default:
            Issue.record("row \(row): \(found), \(looked), \(processor)")
          }
        }
      }
    }

    /// From 131,072 samples on a width has 48 blocks; and 6 bytes a sample are the most that local memory holds.
    @Test("long rows, and rows too long for local memory", arguments: [false, true])
    func longRows(isTooLong: Bool) throws {
      var random = SeededGenerator(seed: 42)
      let backend = try #require(try Candidate.devices[0].make(1, 1 << 30) as? OpenCLBackend)
      let count = isTooLong ? backend.localMemory / 6 : 140_000
      let rows = [RowShape.normal.row(count, &random).map { Double(Float($0)) }]
      let plan = StatisticsPlan(lambdas: Self.grids[0], missing: .error)
      // Small local memory keeps long rows where they are; then there is nothing to compare but the long way.
      let isNear = backend.putsRowsNear(Self.table(rows, .float32), plan)
      #expect(isNear == (!isTooLong && backend.localMemory >= 856_000))
      let (floats, doubles) = try (
        backend.reduce(Self.table(rows, .float32), rows: 0..<1, plan: plan),
        backend.reduce(Self.table(rows, .float64), rows: 0..<1, plan: plan)
      )
      #expect(floats.summaries == doubles.summaries)
      #expect(floats.tilts == doubles.tilts)
    }

    /// With a missing cell in the second tile, from which on rows are looked at first, and in the last one.
    @Test("many calls on two tiles leave no row of another", arguments: [false, true])
    func manyTiles(misses: Bool) throws {
      var random = SeededGenerator(seed: 43)
      // Tiles hold 2^21 samples at most, so three of them and a short one.
      var rows = (0..<1300).map { _ in
        RowShape.normal.row(5000, &random).map { Double(Float($0)) }
      }
      if misses {
        rows[500][17] = .nan
        rows[1299][0] = .nan
      }
      let backend = try Self.unworried(Candidate.devices[0])
      let plan = StatisticsPlan(
        lambdas: [0.01, 0.1, 0.3, 0.5, 1, 2, 8], missing: misses ? .drop : .error)
      let held = RewardTable(label: "rows", rewards: .cells(try HeldFloatSource(rows)))
      let whole = try backend.reduce(held, rows: 0..<1300, plan: plan)
      #expect(whole.summaries.reduce(0) { $0 + $1.droppedCount } == (misses ? 2 : 0))
      for row in [0, 418, 419, 420, 500, 838, 1257, 1299] {
        let one = try backend.reduce(Self.table(rows, .float32), rows: row..<row + 1, plan: plan)
        #expect(whole.summaries[row] == one.summaries[0], "row \(row)")
        #expect(Array(whole.tilts[7 * row..<7 * row + 7]) == one.tilts, "row \(row)")
      }
    }

    /// Nobody has looked at the second tile when the third one's cell is found.
    @Test("of two rows that are wrong the first is named")
    func firstOfTwo() throws {
      var random = SeededGenerator(seed: 46)
      var rows = (0..<1300).map { _ in
        RowShape.normal.row(5000, &random).map { Double(Float($0)) }
      }
      rows[0][3] = .nan
      rows[500][17] = .infinity
      rows[900][18] = .infinity
      let table = RewardTable(label: "rows", rewards: .cells(try HeldFloatSource(rows)))
      let plan = StatisticsPlan(lambdas: Self.grids[0], missing: .drop)
      let errors = try [Self.unworried(Candidate.devices[0]), CPUBackend(threads: 1)].map {
        backend in
        #expect(throws: EsscherError.self) {
          try backend.reduce(table, rows: 0..<1300, plan: plan)
        }
      }
      #expect(errors[0] == errors[1])
      #expect(errors[0]?.location?.row == 500)
    }
  }
#endif

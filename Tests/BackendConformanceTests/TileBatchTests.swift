// SPDX-License-Identifier: Apache-2.0
// Rows of very different lengths in little memory: parts that no one tile could hold.

import EsscherCore
import EsscherOpenCL
import EsscherTestSupport
import Testing

#if arch(x86_64)
  @Suite("Tiles of rows of very different lengths", .serialized)
  struct TileBatchTests {
    /// A tile may take 2 MiB. The row of 20,000 samples takes a good part of that, the results of some hundred short rows all
    /// of it, and a tile as long as the one and with as many rows as the others would take more.
    @Test("a long row among thousands of short ones", arguments: Candidate.devices, [false, true])
    func longAmongShort(candidate: Candidate, sorted: Bool) throws {
      var random = SeededGenerator(seed: 45)
      var rows = (0..<3000).map { _ in RowShape.normal.row(8, &random) }
      rows.insert(RowShape.normal.row(20_000, &random), at: 1500)
      rows = rows.map { $0.map { Double(Float($0)) } }
      let table = RewardTable(
        label: "rows",
        rewards: .cells(MemorySource(name: "rows", rows: rows, storage: .float32)))
      let plan = StatisticsPlan(
        lambdas: (0..<32).map { 0.1 * Double($0 + 1) }, sorted: sorted, missing: .error)
      let device = try #require(try candidate.make(1, 8 << 20) as? OpenCLBackend)
      #expect(try device.batchCount(table, plan) > 1)
      let little = try candidate.make(1, 8 << 20).reduce(table, rows: 0..<3001, plan: plan)
      let much = try candidate.make(1, 1 << 30).reduce(table, rows: 0..<3001, plan: plan)
      #expect(little.summaries == much.summaries)
      #expect(little.tilts.map(\.exp) == much.tilts.map(\.exp))
      #expect(little.tilts.map(\.first) == much.tilts.map(\.first))
    }
  }
#endif

// SPDX-License-Identifier: Apache-2.0
// The sorts of a device: keys of floats against keys of doubles, and the shapes that GPUs run with, whose blocks and
// merge passes are longer than those of the other suites.

import EsscherCPU
import EsscherCore
import EsscherOpenCL
import EsscherTestSupport
import Testing

#if arch(x86_64)
  @Suite("Sorts on a device", .serialized)
  struct DeviceSortTests {
    /// Floats of every size, both zeros and repeats among them.
    private static func floats(_ count: Int, _ random: inout SeededGenerator) -> [Double] {
      let special: [Float] = [
        0, -0, 1, -1, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude,
        .leastNormalMagnitude / 2, -.leastNormalMagnitude / 2, -.leastNormalMagnitude,
        3 * .leastNonzeroMagnitude, 5000 * .leastNonzeroMagnitude,
        -5000 * .leastNonzeroMagnitude, 1e30, -1e30,
      ]
      return (0..<count).map { _ in
        switch random.next() % 4 {
        case 0: Double(special[Int(random.next() % UInt64(special.count))])
        case 1: Double(Float((4 * random.normal()).rounded() / 8))
        default: Double(Float(random.normal()))
        }
      }
    }

    private static func table(
      _ rows: [[Double]], _ storage: CellStorage, weighted: Bool
    ) -> RewardTable {
      let payload = rows.map { row in row.indices.map { Double(($0 * 37) % 101) / 7 } }
      return RewardTable(
        label: "rows", rewards: .cells(MemorySource(name: "rows", rows: rows, storage: storage)),
        gold: MemorySource(name: "gold", rows: payload),
        logWeights: weighted ? MemorySource(name: "weights", rows: payload) : nil)
    }

    /// Whether two tables are the same to the last bit.
    private static func areSame(_ one: StatisticsTable, _ other: StatisticsTable) -> Bool {
      one.summaries == other.summaries && one.tilts == other.tilts && one.bestOf == other.bestOf
        && one.tails.map(\.rewards) == other.tails.map(\.rewards)
        && one.tails.map(\.gold) == other.tails.map(\.gold)
    }

    @Test(
      "rows stored as floats give what the same doubles give, bit for bit",
      arguments: Candidate.devices, [false, true])
    func floatStorage(candidate: Candidate, weighted: Bool) throws {
      var random = SeededGenerator(seed: 33)
      // Lengths about blocks of 64 and merges of 128, and one of many passes.
      let lengths = [1, 2, 8, 63, 64, 65, 127, 128, 129, 200, 256, 257, 1000, 4097]
      var rows = lengths.map { Self.floats($0, &random) }
      rows[6][100] = .nan
      let plan = StatisticsPlan(
        lambdas: [0.01, 0.5, 1, 2, 30], bestOf: weighted ? [] : [1, 2, 60], sorted: true,
        tail: true, missing: .drop)
      let backend = try candidate.make(1, 1 << 30)
      // With rows of more than 512 samples the build for GPUs has a radix sort.
      for rows in [rows.filter { $0.count <= 512 }, rows] {
        let tables = try [CellStorage.float32, .float64].map {
          try backend.reduce(
            Self.table(rows, $0, weighted: weighted), rows: 0..<rows.count, plan: plan)
        }
        #expect(Self.areSame(tables[0], tables[1]))
        // And what a sort of the standard library gives.
        for (row, tail) in zip(rows, tables[0].tails) {
          let sorted = row.filter { !$0.isNaN }.map { $0 + 0 }.sorted(by: >)
          #expect(tail.rewards == Array(sorted.prefix(tail.rewards.count)))
        }
      }
    }

    @Test(
      "rewards and gold that cross as floats give what doubles give, missing cells dropped",
      arguments: Candidate.devices, [false, true])
    func floatTransfer(candidate: Candidate, weighted: Bool) throws {
      var random = SeededGenerator(seed: 35)
      let lengths = [9, 1, 64, 130, 700]
      var rows = lengths.map { Self.floats($0, &random) }
      var gold = lengths.map { Self.floats($0, &random) }
      rows[2][5] = .nan
      gold[3][0] = .nan
      gold[3][129] = .nan
      func table(_ storage: CellStorage) -> RewardTable {
        RewardTable(
          label: "rows", rewards: .cells(MemorySource(name: "rows", rows: rows, storage: storage)),
          gold: MemorySource(name: "gold", rows: gold, storage: storage),
          logWeights: weighted
            ? MemorySource(name: "weights", rows: lengths.map { (0..<$0).map { Double($0 % 7) } })
            : nil)
      }
      let backend = try candidate.make(1, 1 << 30)
      for sorted in [false, true] {
        let plan = StatisticsPlan(
          lambdas: [1e-30, 0.5, 3], bestOf: sorted && !weighted ? [1] : [], sorted: sorted,
          tail: sorted, missing: .drop)
        let tables = try [CellStorage.float32, .float64].map {
          try backend.reduce(table($0), rows: 0..<rows.count, plan: plan)
        }
        #expect(tables[0].summaries.map(\.droppedCount) == [0, 0, 1, 2, 0])
        #expect(Self.areSame(tables[0], tables[1]), "sorted \(sorted)")
      }
      for (cell, code) in [(Double.nan, "missing"), (.infinity, "infinite")] {
        rows[4][600] = cell
        let plan = StatisticsPlan(lambdas: [1], sorted: false, missing: .error)
        #expect {
          try backend.reduce(table(.float32), rows: 4..<5, plan: plan)
        } throws: { error in
          (error as? EsscherError)?.message.contains(code) == true
        }
      }
    }

    @Test(
      "the shapes of GPUs: every length about their blocks and merges", arguments: [false, true])
    func fullShapes(asFloats: Bool) throws {
      var random = SeededGenerator(seed: 34)
      let lengths = [1, 15, 16, 17, 2047, 2048, 2049, 4096, 4097, 6000, 10_000, 33_000]
      let rows = lengths.map { Self.floats($0, &random) }
      let table = Self.table(rows, asFloats ? .float32 : .float64, weighted: false)
      let gpu = try OpenCLBackend(platform: 0, device: 0, tuning: .gpu)
      let plan = StatisticsPlan(
        bestOf: [1, 15], sorted: true, tail: true, missing: .error)
      let got = try gpu.reduce(table, rows: 0..<rows.count, plan: plan)
      // The radix sort, in tiles as long as the blocks, gives the same bits.
      var tiled = LaunchTuning.gpu
      tiled.radixFloats = 2047
      tiled.radixDoubles = 2047
      let radix = try OpenCLBackend(platform: 0, device: 0, tuning: tiled)
      #expect(Self.areSame(got, try radix.reduce(table, rows: 0..<rows.count, plan: plan)))
      let want = try CPUBackend(threads: 1).reduce(table, rows: 0..<rows.count, plan: plan)
      #expect(got.tails.map(\.rewards) == want.tails.map(\.rewards))
      for row in rows.indices {
        #expect(got.summaries[row].tiedCount == want.summaries[row].tiedCount, "row \(row)")
        for law in 0..<2 where lengths[row] >= 15 {
          let (one, other) = (got.bestOf[2 * row + law], want.bestOf[2 * row + law])
          // Either within 1e-10 of the definition; gold is at most 15.
          #expect((one.gain - other.gain).magnitude <= 2e-10 * max(1, other.gain), "row \(row)")
          #expect((one.gold - other.gold).magnitude <= 3e-9, "row \(row)")
          #expect(one.law == other.law, "row \(row)")
        }
      }
    }
  }
#endif

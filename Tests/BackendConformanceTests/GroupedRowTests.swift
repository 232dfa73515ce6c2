// SPDX-License-Identifier: Apache-2.0
// Rows that are grouped in place of sorted: the groups themselves against counting, and their tilts against those
// of sorted rows, which other suites hold against the definitions.

internal import CRowSort
import EsscherCPU
import EsscherCore
import EsscherTestSupport
import Testing

#if arch(x86_64)
  @Suite("Grouped rows")
  struct GroupedRowTests {
    @Test(
      "every edge has the keys up to it in front of it", arguments: RowSortTests.levels,
      RowSortTests.Pattern.allCases)
    func groups(level: Int32, pattern: RowSortTests.Pattern) {
      for count in [0, 1, 16, 255, 256, 257, 300, 1000, 4097, 30_000] {
        for edgeCount in [0, 1, 2, 40, 150] {
          var random = SeededGenerator(seed: UInt64(count + edgeCount))
          let keys = pattern.keys(count, &random).map { Int32(truncatingIfNeeded: $0 >> 32) }
          // Edges among the keys, some equal, and beyond them.
          let edges = (0..<edgeCount).map { edge -> Int32 in
            switch edge % 5 {
            case 0: Int32(truncatingIfNeeded: random.next())
            default: keys.isEmpty ? 0 : keys[Int(random.next() % UInt64(keys.count))]
            }
          }.sorted()
          var grouped = keys
          var spare = [Int32](repeating: 0, count: count)
          var ends = [Int](repeating: -1, count: edgeCount)
          unsafe crow_group_32(level, &grouped, count, &spare, edges, edgeCount, &ends)
          let what = "\(count) keys, \(edgeCount) edges"
          let order = keys.sorted()
          #expect(grouped.sorted() == order, "\(what)")
          #expect(ends == edges.map { edge in order.firstIndex { $0 > edge } ?? count }, "\(what)")
          for (edge, end) in zip(edges, ends) where end >= 0 {
            #expect(grouped.prefix(end).allSatisfy { $0 <= edge }, "\(what)")
          }
        }
      }
    }

    @Test("the smallest and the largest key", arguments: RowSortTests.levels)
    func range(level: Int32) {
      for count in [1, 2, 7, 15, 16, 17, 31, 33, 1000] {
        var random = SeededGenerator(seed: UInt64(count))
        let keys = (0..<count).map { _ in Int32(truncatingIfNeeded: random.next()) }
        var range: [Int32] = [0, 0]
        unsafe crow_range_of_keys(level, keys, count, &range)
        #expect(range == [keys.min() ?? 0, keys.max() ?? 0])
      }
    }

    /// lambda·σ of a grid.
    enum Grid: String, CaseIterable {
      case wide, small, large, equalSteps, few

      var values: [Double] {
        switch self {
        case .wide: Self.logarithmic(1e-3, 1e3, 61)
        case .small: Self.logarithmic(1e-6, 1e-3, 30)
        case .large: Self.logarithmic(30, 1e3, 40)
        case .equalSteps: (1...40).map { 0.25 * Double($0) }
        case .few: Self.logarithmic(0.1, 10, 12)
        }
      }

      private static func logarithmic(_ low: Double, _ high: Double, _ count: Int) -> [Double] {
        (0..<count).map { index in
          let share = Double(index) / Double(count - 1)
          return Elementary.exp(Elementary.log(low) + share * Elementary.log(high / low))
        }
      }
    }

    @Test(
      "tilts of grouped rows are those of sorted ones", arguments: RowShape.allCases, Grid.allCases)
    func tilts(shape: RowShape, grid: Grid) throws {
      for samples in [4096, 5003, 20_011] {
        var random = SeededGenerator(seed: UInt64(samples))
        let row = shape.row(samples, &random).map { Double(Float($0)) }
        let deviation = Double(ReferenceRow(values: row, logWeights: nil).deviation)
        let lambdas = grid.values.map { $0 / (deviation > 0 ? deviation : 1) }
        let sources: [CellStorage] = [.float32, .float64]
        let tables = sources.map { storage in
          RewardTable(
            label: "rows",
            rewards: .cells(MemorySource(name: "rows", rows: [row, row], storage: storage)))
        }
        let sorted = try CPUBackend(threads: 1).reduce(
          tables[1], rows: 0..<2,
          plan: StatisticsPlan(lambdas: lambdas, sorted: true, missing: .error))
        for candidate in Candidate.processors {
          let grouped = try candidate.make(1, 1 << 30).reduce(
            tables[0], rows: 0..<2, plan: StatisticsPlan(lambdas: lambdas, missing: .error))
          #expect(grouped.summaries[0].topShare == sorted.summaries[0].topShare)
          for (index, lambda) in lambdas.enumerated() {
            let (got, want) = (
              TiltEstimate(
                lambda: lambda, sums: grouped.tilts[index], summary: grouped.summaries[0]),
              TiltEstimate(
                lambda: lambda, sums: sorted.tilts[index], summary: sorted.summaries[0])
            )
            for (name, a, b) in [
              ("KL", got.kl, want.kl), ("gain", got.gain, want.gain),
              ("reverse KL", got.reverseKL, want.reverseKL), ("ESS", got.ess, want.ess),
            ] {
              // Each side is within 1e-10 of the definition.
              #expect(
                abs(a - b) <= 2e-10 * abs(b),
                "\(candidate.name) \(shape) \(grid) \(samples) lambda \(lambda) \(name) \(a) \(b)")
            }
          }
        }
      }
    }

    @Test("a long row in groups has the methods of its grid")
    func methods() throws {
      var random = SeededGenerator(seed: 1)
      let row = RowShape.normal.row(10_000, &random).map { Double(Float($0)) }
      let table = RewardTable(
        label: "rows",
        rewards: .cells(MemorySource(name: "rows", rows: [row], storage: .float32)))
      let plan = StatisticsPlan(lambdas: Grid.wide.values, missing: .error)
      let methods = try #require(
        CPUBackend(threads: 1).reduce(table, rows: 0..<1, plan: plan).methods)
      #expect(methods.powers > 0 && methods.blocks > 0 && methods.samples > 0)
      #expect(methods.powers + methods.blocks + methods.samples == plan.lambdas.count)
    }
  }
#endif

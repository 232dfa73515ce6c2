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

    @Test("a row's keys, extremes and moments in one look", arguments: RowSortTests.levels)
    func survey(level: Int32) {
      for count in [1, 2, 7, 15, 16, 17, 31, 33, 1000, 8191, 8192, 8209, 20_003] {
        let row = RowSortTests.floats(count).map { $0.magnitude < 1e30 ? $0 : 1 }
        let centre = 0.25
        var expected = [Int32](repeating: 0, count: count)
        var keys = expected
        var range: [Int32] = [0, 0]
        var sums = [Double.nan, .nan]
        #expect(unsafe crow_keys_of_floats(level, row, count, &expected))
        #expect(unsafe crow_survey_floats(level, row, count, centre, &keys, &range, &sums))
        #expect(keys == expected)
        #expect(range == [keys.min() ?? 0, keys.max() ?? 0])
        let distances = row.map { Double($0) - centre }
        let squares = distances.map { $0 * $0 }
        // One rounding an addition, each below half an ulp of the largest partial sum.
        let size = distances.reduce(0) { $0 + $1.magnitude }
        let total = squares.reduce(0, +)
        let each = Double(count) * 0x1p-53
        #expect((sums[0] - distances.reduce(0, +)).magnitude <= each * size)
        #expect((sums[1] - total).magnitude <= 2 * each * total)
        var cells = [Double](repeating: .nan, count: count)
        unsafe crow_cells_of_keys(level, keys, count, &cells)
        #expect(cells == row.map(Double.init))
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
        for (candidate, squared) in Candidate.processors.flatMap({ [($0, true), ($0, false)] }) {
          let grouped = try candidate.make(1, 1 << 30).reduce(
            tables[0], rows: 0..<2,
            plan: StatisticsPlan(lambdas: lambdas, squared: squared, missing: .error))
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
              ("reverse KL", got.reverseKL, want.reverseKL),
              ("ESS", got.ess, want.ess),
            ] where squared || name != "ESS" {
              // Each side is within 1e-10 of the definition.
              #expect(
                abs(a - b) <= 2e-10 * abs(b),
                "\(candidate.name) \(shape) \(grid) \(samples) \(squared) lambda \(lambda) \(name) \(a) \(b)"
              )
            }
          }
        }
      }
    }

    private static func reduce(
      _ row: [Double], _ storage: CellStorage, _ lambdas: [Double], sorted: Bool,
      squared: Bool = true
    ) throws -> StatisticsTable {
      try CPUBackend(threads: 1).reduce(
        RewardTable(
          label: "rows",
          rewards: .cells(MemorySource(name: "rows", rows: [row], storage: storage))),
        rows: 0..<1,
        plan: StatisticsPlan(
          lambdas: lambdas, sorted: sorted, squared: squared, missing: .error))
    }

    @Test("a first look that misleads about the mean costs no digits")
    func misleadingLook() throws {
      var random = SeededGenerator(seed: 5)
      let count = 10_000
      let plain = RowShape.normal.row(count, &random).map { Double(Float($0)) }
      // The cells that are looked at lie far off.
      var distant = plain
      for place in 0..<8 {
        let start = (2 * place + 1) * count / 16
        for index in start..<start + 8 { distant[index] = 1e4 + Double(place) }
      }
      for row in [distant, plain.sorted(by: >), plain.sorted()] {
        let exact = ReferenceRow(values: row, logWeights: nil)
        let lambdas = Grid.few.values.flatMap { [$0 / 1000, $0 / 30, $0] }.sorted()
          .map { $0 / Double(exact.deviation) }
        let grouped = try Self.reduce(row, .float32, lambdas, sorted: false)
        let sorted = try Self.reduce(row, .float64, lambdas, sorted: true)
        let (got, want) = (grouped.summaries[0], sorted.summaries[0])
        #expect(abs(got.mean - want.mean) <= 1e-14 * abs(want.highest))
        // The first look leaves 17 roundings where it is trusted, and is not where it would leave more.
        #expect(abs(got.variance - want.variance) <= 64 * 0x1p-53 * want.variance)
        for (index, lambda) in lambdas.enumerated() {
          let a = TiltEstimate(lambda: lambda, sums: grouped.tilts[index], summary: got)
          let b = TiltEstimate(lambda: lambda, sums: sorted.tilts[index], summary: want)
          #expect(abs(a.kl - b.kl) <= 2e-10 * b.kl, "lambda \(lambda)")
        }
      }
    }

    /// The range of such a row may come out as a little less than 8 widths of 1.5, with all but the largest samples behind
    /// the last edge.
    @Test("a row whose range is a whole number of blocks keeps its last one")
    func wholeBlocks() throws {
      let count = 5000
      var row = [Double](repeating: -6, count: count)
      // One of the cells that are looked at, and others between.
      row[count / 16] = 6
      for index in 0..<129 { row[index] = 6 }
      let lambdas = (0..<64).map { index in
        index == 63 ? 2 : Elementary.exp(Elementary.log(200) * Double(index) / 63) / 100
      }
      let grouped = try Self.reduce(row, .float32, lambdas, sorted: false, squared: false)
      let sorted = try Self.reduce(row, .float64, lambdas, sorted: true)
      for (index, lambda) in lambdas.enumerated() {
        let a = TiltEstimate(
          lambda: lambda, sums: grouped.tilts[index], summary: grouped.summaries[0])
        let b = TiltEstimate(
          lambda: lambda, sums: sorted.tilts[index], summary: sorted.summaries[0])
        #expect(abs(a.kl - b.kl) <= 2e-10 * b.kl, "lambda \(lambda)")
        #expect(abs(a.reverseKL - b.reverseKL) <= 2e-10 * b.reverseKL, "lambda \(lambda)")
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

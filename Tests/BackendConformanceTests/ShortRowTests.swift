// SPDX-License-Identifier: Apache-2.0
// Plans for the rewards' sums alone, whose short rows take all lambdas from a few sets of Chebyshev moments, or, where
// lambdas are few, from 36 power moments.

internal import CRowSort
import EsscherCPU
import EsscherCore
import EsscherTestSupport
import Testing

#if arch(x86_64)
  @Suite("Lambdas that share moments")
  struct ShortRowTests {
    private static var levelFour: String { "CPU \(CPULevel.v4.name)" }

    /// Fewer than a vector, around whole sets of 32, and about the longest that share, of either kind of processor.
    static let sizes = [2, 7, 33, 64, 200, 513, 2000, 2001]

    private static func logarithmic(_ count: Int, _ from: Double, _ to: Double) -> [Double] {
      (0..<count).map { index in
        let share = Double(index) / Double(count - 1)
        return from * Elementary.exp(share * Elementary.log(to / from))
      }
    }

    /// Times 1/σ: a usual grid, one so dense that dozens share, pairs too far apart to share, equal steps.
    static let grids: [[Double]] = [
      logarithmic(64, 1e-2, 1e3), logarithmic(140, 0.3, 40), [0.3, 1, 3, 9, 27, 81, 243],
      (1...64).map { 0.8 * Double($0) },
    ]

    /// The worst of KL, gain, reverse KL and variance over processors' levels, against the definitions.
    private static func worst(
      _ row: [Double], _ storage: CellStorage, _ lambdas: [Double], sorted: Bool
    ) throws -> ConformanceTests.Worst {
      let reference = ReferenceRow(values: row)
      let wanted = lambdas.map(reference.tilt)
      var worst = ConformanceTests.Worst()
      for candidate in Candidate.processors {
        let got = try reduce(
          candidate.make(1, 1 << 30), row, storage, lambdas, sorted: sorted)
        let summary = got.summaries[0]
        for (index, (lambda, want)) in zip(lambdas, wanted).enumerated() {
          let tilt = TiltEstimate(lambda: lambda, sums: got.tilts[index], summary: summary)
          let place = "\(candidate.name) lambda \(lambda)"
          worst.take(tilt.kl, want.kl, "\(place) KL")
          worst.take(tilt.gain, want.gain, "\(place) gain")
          worst.take(tilt.reverseKL, want.reverseKL, "\(place) reverse KL")
          // Where moments are shared: λ²Σ(max − r)²e^x is off by 1e-14 a sample for what the series leaves and as much
          // by rounding; λΣ(max − r)e^x by 4e-15 a sample, which counts 2λ(max − m) ≤ 2 log M times; and truncation
          // leaves cut²·(M − 1)·e^-cut ≤ 4e-11 of the former. Else as in the conformance tests. The reference has its
          // rewards less their mean, which rounds those near the top to 2^-64 of their distance.
          let samples = ReferenceRow.Number(row.count)
          let reach = ReferenceRow.Number(summary.reach)
          let exponent = ReferenceRow.Number(lambda) * reach
          let shared =
            lambdas.count >= 12 && exponent > 0.5
            && row.count <= (candidate.name == Self.levelFour ? 2000 : 512)
          let tolerance =
            shared
            ? ((2e-14 + 8e-15 * ReferenceRow.Number(Elementary.log(Double(row.count)))) * samples
              + 4e-11) / ReferenceRow.Number(lambda * lambda)
            : (16 + min(500, exponent)) * 0x1p-52 * reach * reach
          let reference =
            0x1p-63 * ReferenceRow.Number(summary.highest) * want.variance.squareRoot()
          worst.take(
            tilt.variance, want.variance, scale: (tolerance + reference) / 1e-10,
            "\(place) variance")
        }
      }
      return worst
    }

    private static func reduce(
      _ backend: any Backend, _ row: [Double], _ storage: CellStorage, _ lambdas: [Double],
      sorted: Bool
    ) throws -> StatisticsTable {
      let table = RewardTable(
        label: "made",
        rewards: .cells(MemorySource(name: "made", rows: [row], storage: storage)))
      return try backend.reduce(
        table, rows: 0..<1,
        plan: StatisticsPlan(
          lambdas: lambdas, sorted: sorted, ranked: false, squared: false, missing: .error))
    }

    private static func scale(_ row: [Double]) -> Double {
      let deviation = Double(ReferenceRow(values: row).deviation)
      return deviation > 0 ? deviation : 1
    }

    @Test("against the definitions", arguments: RowShape.allCases)
    func definitions(shape: RowShape) throws {
      for (place, samples) in Self.sizes.enumerated() {
        var random = SeededGenerator(seed: UInt64(700 + samples))
        let isFloat = place.isMultiple(of: 2)
        let row = shape.row(samples, &random).map { isFloat ? Double(Float($0)) : $0 }
        for (index, grid) in Self.grids.enumerated() {
          let worst = try Self.worst(
            row, isFloat ? .float32 : .float64, grid.map { $0 / Self.scale(row) },
            sorted: index.isMultiple(of: 2))
          #expect(
            worst.error <= ConformanceTests.tolerance, "\(shape) \(samples) grid \(index): \(worst)"
          )
        }
      }
    }

    /// A sample that is alone far below or above, so that sets of moments go down by factors of a million, and one alone
    /// at the top of samples that all lie at one place.
    @Test("samples far from the others")
    func outliers() throws {
      var random = SeededGenerator(seed: 31)
      let usual = RowShape.normal.row(199, &random)
      let near = [Double](repeating: -0.3, count: 1900)
      for (name, row) in [
        ("below", usual + [-1e6]), ("far below", usual + [-1e12]), ("little below", usual + [-40]),
        ("above", usual + [1e4]),
        ("alone below", [Double](repeating: 1, count: 255) + [0]),
        ("alone above", [Double](repeating: 0, count: 255) + [1]), ("one place", near + [0, -1]),
        ("at the lower end", [Double](repeating: -0.98, count: 1900) + [0, -1]),
        ("between", near + (0..<23).map { -1.5 * Double($0) }),
      ] {
        for (index, grid) in Self.grids.enumerated() {
          // Also by the usual samples' own deviation, beside which the far one is 1e9 exponents away.
          for scale in [1, Self.scale(row)] {
            let lambdas = grid.map { $0 / scale }
            let worst = try Self.worst(row, .float64, lambdas, sorted: false)
            #expect(worst.error <= ConformanceTests.tolerance, "\(name) over \(scale): \(worst)")
            guard lambdas.count > 12 else { continue }
            let table = try Self.reduce(
              CPUBackend(threads: 1), row, .float64, lambdas, sorted: false)
            let methods = try #require(table.methods)
            // One sample is left there.
            #expect(
              methods.blocks == 0 && (methods.runs > 0 || name == "above"), "\(name) \(index)")
          }
        }
      }
    }

    /// A few small lambdas of a long row pay no order, and 36 powers go over it segment by segment.
    @Test("powers of long rows that need no order")
    func longRows() throws {
      var random = SeededGenerator(seed: 41)
      let row = RowShape.normal.row(5000, &random)
      let lambdas = [0.2, 0.5, 1.1]
      let worst = try Self.worst(row, .float64, lambdas, sorted: false)
      #expect(worst.error <= ConformanceTests.tolerance, "\(worst)")
      let table = try Self.reduce(CPUBackend(threads: 1), row, .float64, lambdas, sorted: false)
      #expect(try #require(table.methods).powers == 3)
    }

    /// Samples below e^-700 must be left out there: what they are counted as, times such a lambda, is not nothing.
    @Test("lambdas near the largest number")
    func hugeLambdas() throws {
      let lambdas = (1...17).map { Double($0) * 1e307 }
      let table = try Self.reduce(
        CPUBackend(threads: 1), [0, 0.5, 1, 0.25], .float64, lambdas, sorted: false)
      for (index, lambda) in lambdas.enumerated() {
        let tilt = TiltEstimate(
          lambda: lambda, sums: table.tilts[index], summary: table.summaries[0])
        #expect(abs(tilt.kl - Elementary.log(4)) <= 1e-12)
        #expect(abs(tilt.gain - 0.5625) <= 1e-12)
      }
    }

    @Test("short rows share, and few lambdas do not")
    func methods() throws {
      let backend = CPUBackend(threads: 1)
      var random = SeededGenerator(seed: 37)
      func methods(_ samples: Int, _ grid: [Double]) throws -> TiltMethods {
        let row = RowShape.normal.row(samples, &random)
        return try #require(Self.reduce(backend, row, .float64, grid, sorted: true).methods)
      }
      for samples in [16, 64, 256] {
        let usual = try methods(samples, Self.grids[0])
        #expect(usual.powers > 10 && usual.runs >= 20 && usual.blocks == 0, "\(samples): \(usual)")
        #expect(usual.powers + usual.runs + usual.samples == 64)
        let few = try methods(samples, Self.grids[2])
        #expect(few.runs == 0 && few.powers + few.samples == 7, "\(samples): \(few)")
      }
      let long = try methods(2001, Self.grids[0])
      #expect(long.blocks > 20, "\(long)")
    }

    /// Widths are powers of 2^¼: rows of every scale between two of them, and far apart, take their own tables.
    @Test("tables of many widths")
    func widths() throws {
      var random = SeededGenerator(seed: 43)
      let usual = RowShape.normal.row(90, &random)
      for exponent in stride(from: -440, through: 440, by: 71.3) {
        let scale = Elementary.exp2(exponent)
        let worst = try Self.worst(
          usual.map { $0 * scale }, .float64, Self.grids[0].map { $0 / scale }, sorted: false)
        #expect(worst.error <= ConformanceTests.tolerance, "2^\(exponent): \(worst)")
      }
    }

    /// Rows of other lengths, scales and widths beside one another, some too long to share: the definitions, and the same
    /// bits by any number of threads, on few bytes and on many, in parts and in the other order.
    @Test("rows of a table", arguments: Candidate.processors)
    func rows(candidate: Candidate) throws {
      var random = SeededGenerator(seed: 47)
      let shapes = RowShape.allCases
      let rows = (0..<40).map { index in
        let samples = 2 + index * 811 % 2400
        return shapes[index % shapes.count].row(samples, &random).map {
          Double(Float($0 * Elementary.exp2(Double(index % 17) * 0.9)))
        }
      }
      let plan = StatisticsPlan(
        lambdas: Self.logarithmic(40, 1e-6, 10), squared: false, missing: .error)
      func table(_ rows: [[Double]]) -> RewardTable {
        RewardTable(
          label: "made",
          rewards: .cells(MemorySource(name: "made", rows: rows, storage: .float32)))
      }
      let whole = table(rows)
      let wanted = try candidate.make(1, 1 << 30).reduce(whole, rows: 0..<40, plan: plan)
      func bits(_ part: StatisticsTable) -> [[UInt64]] { part.tilts.map(\.bits) }
      for (threads, budget) in [(1, 1 << 20), (2, 1 << 20), (2, 1 << 30)] {
        let backend = try candidate.make(threads, budget)
        // Twice: some tables are known the second time.
        for _ in 0..<2 {
          #expect(bits(try backend.reduce(whole, rows: 0..<40, plan: plan)) == bits(wanted))
        }
        let parts = try [0..<7, 7..<8, 8..<40].flatMap {
          bits(try backend.reduce(whole, rows: $0, plan: plan))
        }
        #expect(parts == bits(wanted))
      }
      let reversed = try candidate.make(2, 1 << 30).reduce(
        table(rows.reversed()), rows: 0..<40, plan: plan)
      for row in 0..<40 {
        let (there, here) = ((39 - row) * 40, row * 40)
        #expect(bits(reversed)[there..<there + 40] == bits(wanted)[here..<here + 40])
      }
      var worst = ConformanceTests.Worst()
      for (row, values) in rows.enumerated() {
        let reference = ReferenceRow(values: values)
        for (index, lambda) in plan.lambdas.enumerated() {
          let tilt = TiltEstimate(
            lambda: lambda, sums: wanted.tilts[row * 40 + index], summary: wanted.summaries[row])
          let want = reference.tilt(lambda)
          worst.take(tilt.kl, want.kl, "row \(row) lambda \(lambda) KL")
          worst.take(tilt.gain, want.gain, "row \(row) lambda \(lambda) gain")
        }
      }
      #expect(worst.error <= ConformanceTests.tolerance, "\(worst)")
    }

    @Test("from how many lambdas and up to how many samples moments are shared")
    func limits() throws {
      var random = SeededGenerator(seed: 53)
      func shares(_ level: CPULevel, _ samples: Int, _ lambdas: Int) throws -> Bool {
        let row = RowShape.normal.row(samples, &random)
        let table = try Self.reduce(
          CPUBackend(threads: 1, level: level), row, .float64, Self.logarithmic(lambdas, 1, 20),
          sorted: true)
        return try #require(table.methods).runs > 0
      }
      #expect(try !shares(.v2, 200, 11) && shares(.v2, 200, 12))
      #expect(try shares(.v2, 200, 1024) && !shares(.v2, 200, 1025))
      #expect(try shares(.v2, 512, 64) && !shares(.v2, 513, 64))
      if CPULevel.current == .v4 {
        #expect(try shares(.v4, 2000, 64) && !shares(.v4, 2001, 64))
      }
    }

    /// e^{z(x−1)}, that times x − 1 and times (x − 1)², at places that show every term, and what the terms beyond add.
    @Test("coefficients of the exponential", arguments: [0.2, 0.25, 1, 4, 16, 48.7, 64])
    func coefficients(exponent: Double) {
      typealias Number = ReferenceRow.Number
      let series = ExponentialSeries(exponent: exponent)
      let z = Number(exponent)
      let all = series.coefficients
      for step in 0...512 {
        // Exact, also as a double.
        let x = Number(step) / 256 - 1
        var (t, next): (Number, Number) = (1, x)
        var sums: [Number] = [0, 0, 0]
        for term in all {
          sums[0] += Number(term.zeroth) * t
          sums[1] += Number(term.first) * t
          sums[2] += Number(term.second) * t
          (t, next) = (next, 2 * x * next - t)
        }
        let exact = Number(Elementary.exp(exponent * (Double(step) / 256 - 2)))
        // The reference exponential is a double's, off by 2^-53·(1 + z|x − 1|); coefficients by 5e-17 together.
        let rounding = 0x1p-53 * exact * (2 + z * (1 - x)) + 5e-17
        #expect(abs(sums[0] - exact) <= rounding + 4e-18)
        #expect(abs(z * (sums[1] - (x - 1) * exact)) <= rounding * z * (1 - x) + 6e-17)
        #expect(
          abs(z * z * (sums[2] - (x - 1) * (x - 1) * exact))
            <= rounding * z * z * (1 - x) * (1 - x) + 2e-15)
      }
      var left: [Double] = [0, 0, 0]
      for term in all[series.terms...] {
        left[0] += abs(term.zeroth)
        left[1] += exponent * abs(term.first)
        left[2] += exponent * exponent * abs(term.second)
      }
      #expect(left[0] <= 3e-17 && left[1] <= 3e-16 && left[2] <= 1e-14, "\(left)")
      // One term less would leave more.
      let last = all[series.terms - 1]
      #expect(
        left[0] + abs(last.zeroth) > 3e-17 || left[1] + exponent * abs(last.first) > 3e-16
          || left[2] + exponent * exponent * abs(last.second) > 1e-14)
      // Those that are not listed.
      #expect(exponent * exponent * abs(all.last?.second ?? 1) <= 1e-15)
    }

    @Test("cells above a bound, in their order, also in place")
    func cellsAbove() {
      var random = SeededGenerator(seed: 59)
      for level in CPULevel.allCases where level.rawValue <= CPULevel.current.rawValue {
        for count in 0...40 {
          let cells = (0..<count).map { _ in random.uniform() }
          for bound in [-1, 0.1, 0.5, 0.9, 2] + cells.prefix(1) {
            let wanted = cells.filter { $0 > bound }
            var kept = [Double](repeating: .nan, count: count)
            var inPlace = cells
            let number = unsafe crow_keep_above(
              Int32(level.rawValue), cells, count, bound, &kept)
            let same = unsafe inPlace.withUnsafeMutableBufferPointer { buffer in
              unsafe buffer.baseAddress.map {
                unsafe crow_keep_above(Int32(level.rawValue), $0, count, bound, $0)
              } ?? 0
            }
            #expect(number == wanted.count && same == number)
            #expect(Array(kept.prefix(number)) == wanted)
            #expect(Array(inPlace.prefix(number)) == wanted)
          }
        }
      }
    }

    /// Kernels write tilts as the doubles that they are.
    @Test("a tilt is eleven doubles in their order")
    func layout() {
      #expect(MemoryLayout<TiltSums>.size == 88 && MemoryLayout<TiltSums>.stride == 88)
      let fields: [PartialKeyPath<TiltSums>] = [
        \.shift, \.exp, \.expMinusOne, \.first, \.second, \.squares, \.rank, \.gold, \.goldFirst,
        \.squaresFirst, \.squaresGold,
      ]
      #expect(fields.map { MemoryLayout<TiltSums>.offset(of: $0) } == (0..<11).map { 8 * $0 })
    }
  }

  extension TiltSums {
    fileprivate var bits: [UInt64] {
      [shift, exp, expMinusOne, first, second, squares, rank, gold].map(\.bitPattern)
    }
  }
#endif

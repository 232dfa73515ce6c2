// SPDX-License-Identifier: Apache-2.0
// Plans for the rewards' sums alone, whose short rows take all lambdas from a few sets of Chebyshev moments, or, where
// lambdas are few, from 36 power moments.

import EsscherCPU
import EsscherCore
import EsscherTestSupport
import Testing

#if arch(x86_64)
  @Suite("Lambdas that share moments")
  struct ShortRowTests {
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
          // As in the conformance tests; and of λ²Σ(max − r)²e^x the series leaves 1e-14 a sample and rounding 6e-15,
          // beside up to eight times 2.4e-15 of λΣ(max − r)e^x (docs/design/014-block-tilt.md).
          let reach = ReferenceRow.Number(summary.reach)
          let exponent = ReferenceRow.Number(lambda) * reach
          let rounding = (16 + min(500, exponent)) * 0x1p-52 * reach * reach
          let left =
            exponent > 0.5 && row.count <= 2000
            ? 4e-14 * ReferenceRow.Number(row.count) / ReferenceRow.Number(lambda * lambda) : 0
          worst.take(
            tilt.variance, want.variance, scale: max(rounding, left) / 1e-10, "\(place) variance")
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

    /// Beside which e^-700 is nothing only where such samples are left out.
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

    /// Rows of one table, each with a table of its own, on few bytes and on many: the same bits.
    @Test("tables that are let go are made again")
    func memory() throws {
      var random = SeededGenerator(seed: 47)
      let rows = (0..<40).map { index in
        RowShape.normal.row(30, &random).map { $0 * Elementary.exp2(Double(index)) }
      }
      let table = RewardTable(
        label: "made",
        rewards: .cells(MemorySource(name: "made", rows: rows, storage: .float64)))
      let plan = StatisticsPlan(
        lambdas: Self.logarithmic(40, 1e-6, 10), squared: false, missing: .error)
      let wanted = try CPUBackend(threads: 1).reduce(table, rows: 0..<40, plan: plan)
      for threads in [1, 2] {
        let backend = CPUBackend(threads: threads, memoryBudgetBytes: 1 << 20)
        for _ in 0..<2 {
          let got = try backend.reduce(table, rows: 0..<40, plan: plan)
          // Squares are NaN, which equals nothing.
          #expect(zip(got.tilts, wanted.tilts).allSatisfy { $0.bits == $1.bits })
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

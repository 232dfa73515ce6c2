// SPDX-License-Identifier: Apache-2.0
// Plans for the rewards' sums alone, whose short rows take lambdas from 36 power moments: of the row, and under tilts
// near them.

import EsscherCPU
import EsscherCore
import EsscherTestSupport
import Testing

#if arch(x86_64)
  @Suite("Lambdas that share exponentials")
  struct NearbyTiltTests {
    /// Fewer than a vector, around whole vectors, where blocks come in at 64 lambdas, and about the longest that share.
    static let sizes = [2, 7, 41, 64, 200, 385, 704, 705]

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
          // As in the conformance tests; and the series under a tilt leaves at most 7.6e-14 of (λ(max − r))² a
          // sample, the largest over y of (1.36 y)² e^{−y} Σ_{k≥35} (0.36 y)^k/k!.
          let reach = ReferenceRow.Number(summary.reach)
          let exponent = ReferenceRow.Number(lambda) * reach
          let rounding = (16 + min(500, exponent)) * 0x1p-52 * reach * reach
          let left =
            exponent > 5 && row.count <= 704
            ? 7.6e-14 * ReferenceRow.Number(row.count) / ReferenceRow.Number(lambda * lambda) : 0
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

    /// Exponents far below −700 beside powers of them, a sample that is alone far below or above, and one alone at
    /// the top of samples that all lie where the series leaves most.
    @Test("samples far from the others")
    func outliers() throws {
      var random = SeededGenerator(seed: 31)
      let usual = RowShape.normal.row(199, &random)
      let worstPlace = [Double](repeating: -35, count: 680)
      for (name, row) in [
        ("below", usual + [-1e6]), ("far below", usual + [-1e12]), ("little below", usual + [-40]),
        ("above", usual + [1e4]),
        ("alone below", [Double](repeating: 1, count: 255) + [0]),
        ("alone above", [Double](repeating: 0, count: 255) + [1]), ("at 35", worstPlace + [0]),
        ("between", worstPlace + (0..<23).map { -1.5 * Double($0) }),
      ] {
        var sharing = 0
        for (index, grid) in Self.grids.enumerated() {
          // Also by the usual samples' own deviation, beside which the far one is 1e9 exponents away.
          for scale in [1, Self.scale(row)] {
            let lambdas = grid.map { $0 / scale }
            let worst = try Self.worst(row, .float64, lambdas, sorted: false)
            #expect(worst.error <= ConformanceTests.tolerance, "\(name) over \(scale): \(worst)")
            // Equal steps are counted likewise.
            guard index < 2 else { continue }
            let table = try Self.reduce(
              CPUBackend(threads: 1), row, .float64, lambdas, sorted: false)
            sharing += try #require(table.methods).runs
          }
        }
        // Lambdas about the mean are left there, and blocks serve those with all above.
        #expect(sharing > 0 || name == "alone below", "\(name)")
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

    /// Their mean would overflow as half of their sum.
    @Test("lambdas near the largest number")
    func hugeLambdas() throws {
      let lambdas = [1, 1.2, 1.4, 1.6, 1.7].map { $0 * 1e308 }
      let table = try Self.reduce(
        CPUBackend(threads: 1), [0, 0.5, 1, 0.25], .float64, lambdas, sorted: false)
      for (index, lambda) in lambdas.enumerated() {
        let tilt = TiltEstimate(
          lambda: lambda, sums: table.tilts[index], summary: table.summaries[0])
        #expect(abs(tilt.kl - Elementary.log(4)) <= 1e-12)
        #expect(abs(tilt.gain - 0.5625) <= 1e-12)
      }
    }

    @Test("short rows share, and lambdas far apart do not")
    func methods() throws {
      let backend = CPUBackend(threads: 1)
      var random = SeededGenerator(seed: 37)
      func methods(_ samples: Int, _ grid: [Double]) throws -> TiltMethods {
        let row = RowShape.normal.row(samples, &random)
        return try #require(Self.reduce(backend, row, .float64, grid, sorted: true).methods)
      }
      for samples in [16, 64, 256] {
        let usual = try methods(samples, Self.grids[0])
        #expect(usual.powers > 25 && usual.runs >= 8 && usual.blocks == 0, "\(samples): \(usual)")
        #expect(usual.powers + usual.runs + usual.samples == 64)
        let apart = try methods(samples, Self.grids[2])
        #expect(apart.runs == 0 && apart.powers + apart.samples == 7, "\(samples): \(apart)")
      }
      let long = try methods(2000, Self.grids[0])
      #expect(long.blocks > 20, "\(long)")
    }
  }
#endif

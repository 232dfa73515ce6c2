// SPDX-License-Identifier: Apache-2.0
// Bootstrap sums of every backend against counts times values written out, and against themselves in other
// tiles and on other threads.

import EsscherCPU
import EsscherCore
import EsscherOpenCL
import EsscherTestSupport
import Testing

#if arch(x86_64)
  @Suite("Bootstrap sums")
  struct BootstrapTests {
    /// Shapes about the edges of blocks: 8 and 16 columns and replicates, 64 replicates, 128 prompts.
    static let shapes: [(prompts: Int, columns: Int, replicates: Int)] = [
      (1, 1, 1), (3, 7, 9), (127, 8, 16), (128, 9, 17), (129, 16, 63), (300, 17, 64), (260, 64, 65),
      (70, 230, 131), (5, 33, 8),
    ]

    /// Prompts' indices with gaps, and beyond 32 bits.
    private static func indices(_ count: Int) -> [Int] {
      (0..<count).map { 3 * $0 + ($0 % 7 == 6 ? 1 << 33 : 0) }
    }

    private static func values(_ count: Int, seed: UInt64) -> [Double] {
      var random = SeededGenerator(seed: seed)
      return (0..<count).map { _ in Double.random(in: -1..<1, using: &random) }
    }

    @Test("are counts times values, the totals exactly", arguments: Candidate.all)
    func definition(candidate: Candidate) throws {
      let backend = try candidate.make(2, 1 << 30)
      for (number, shape) in Self.shapes.enumerated() {
        let indices = Self.indices(shape.prompts)
        let values = Self.values(shape.prompts * shape.columns, seed: UInt64(number))
        let seed = 0x9abc_def0_1234_5678 &* UInt64(number)
        var bootstrap = PoissonBootstrap(
          replicateCount: shape.replicates, columnCount: shape.columns, seed: seed)
        try backend.accumulate(&bootstrap, indices: indices, values: values)
        for replicate in 0..<shape.replicates {
          let counts = indices.map {
            PoissonBootstrap.count(
              index: UInt64($0), replicate: UInt32(replicate), seed: seed)
          }
          #expect(bootstrap.totals[replicate] == Double(counts.reduce(0, +)))
          for column in 0..<shape.columns {
            let terms = counts.enumerated().map { row, count in
              Double(count) * values[row * shape.columns + column]
            }
            let want = terms.reduce(0, +)
            // Each of n additions and products rounds once, in both sums: 2·n·eps of Σ|terms|.
            let bound =
              4 * Double(shape.prompts) * 0x1p-53 * terms.reduce(0) { $0 + $1.magnitude }
            let got = bootstrap.sums[replicate * shape.columns + column]
            #expect(
              (got - want).magnitude <= bound,
              "shape \(shape), replicate \(replicate), column \(column): \(got), not \(want)")
          }
        }
      }
    }

    @Test("keep their bits in any tiles and on any threads", arguments: Candidate.all)
    func bits(candidate: Candidate) throws {
      let (prompts, columns, replicates) = (421, 21, 90)
      let indices = Self.indices(prompts)
      let values = Self.values(prompts * columns, seed: 11)
      func sums(threads: Int, tile: Int) throws -> PoissonBootstrap {
        var bootstrap = PoissonBootstrap(
          replicateCount: replicates, columnCount: columns, seed: 21)
        let backend = try candidate.make(threads, 1 << 30)
        for start in stride(from: 0, to: prompts, by: tile) {
          let end = min(start + tile, prompts)
          try backend.accumulate(
            &bootstrap, indices: Array(indices[start..<end]),
            values: Array(values[start * columns..<end * columns]))
        }
        return bootstrap
      }
      let whole = try sums(threads: 1, tile: prompts)
      for (threads, tile) in [(2, prompts), (3, 100), (1, 1), (2, 128), (2, 129)] {
        let other = try sums(threads: threads, tile: tile)
        #expect(other.sums == whole.sums, "\(threads) threads, tiles of \(tile)")
        #expect(other.totals == whole.totals, "\(threads) threads, tiles of \(tile)")
      }
    }

    @Test("of no prompts are zeros, without an interval")
    func nothing() throws {
      var bootstrap = PoissonBootstrap(replicateCount: 20, columnCount: 5, seed: 1)
      try CPUBackend(threads: 2).accumulate(&bootstrap, indices: [], values: [])
      #expect(bootstrap.sums.allSatisfy { $0 == 0 } && bootstrap.totals.allSatisfy { $0 == 0 })
      #expect(bootstrap.interval(column: 0, confidence: 0.9) == nil)
    }
  }

  @Suite("Bootstrap intervals")
  struct BootstrapIntervalTests {
    @Test("are the quantiles of all sorted replicates", arguments: [1, 2, 3, 10, 39, 40, 1000])
    func sorted(replicates: Int) throws {
      var random = SeededGenerator(seed: UInt64(replicates))
      var bootstrap = PoissonBootstrap(replicateCount: replicates, columnCount: 3, seed: 0)
      for replicate in 0..<replicates {
        // Distinct values, few distinct ones, and all the same; every fifth replicate holds no prompt.
        let row = [
          Double.random(in: -1..<1, using: &random), Double(Int.random(in: 0..<4, using: &random)),
          2.5,
        ]
        bootstrap.set(
          replicate: replicate, sums: row, total: replicate % 5 == 4 ? 0 : Double(1 + replicate % 3)
        )
      }
      for column in 0..<3 {
        let values = bootstrap.replicates(column: column).sorted()
        #expect(values.count == replicates - replicates / 5)
        for confidence in [0, 0.5, 0.9, 0.95, 0.999, 1] {
          let got = try #require(bootstrap.interval(column: column, confidence: confidence))
          #expect(got.low == PoissonBootstrap.quantile(values, (1 - confidence) / 2))
          #expect(got.high == PoissonBootstrap.quantile(values, (1 + confidence) / 2))
        }
      }
    }
  }
#endif

// SPDX-License-Identifier: Apache-2.0
// Grids so dense that every method of the tilt is at work in one row: powers, blocks of every level, samples.

import EsscherCPU
import EsscherCore
import EsscherTestSupport
import Testing

#if arch(x86_64)
  @Suite("Dense grids")
  struct DenseGridTests {
    /// Prompts, samples, lambdas.
    static let sizes = [(2, 48, 61), (1, 100, 121), (2, 250, 61), (1, 1000, 61), (1, 9001, 25)]

    /// `count` lambdas, lambda·σ from 1e-3 to 1e3.
    private static func logarithmic(_ count: Int, scale: Double) -> [Double] {
      (0..<count).map { index in
        let share = Double(index) / Double(count - 1)
        return Elementary.exp(Elementary.log(1e-3) + share * Elementary.log(1e6)) / scale
      }
    }

    @Test("every statistic of sorted rows against its definition", arguments: RowShape.allCases)
    func sorted(shape: RowShape) throws {
      for (index, (prompts, samples, lambdaCount)) in Self.sizes.enumerated() {
        var made = Case(
          shape, prompts: prompts, samples: samples, weighted: false, seed: UInt64(400 + index))
        made.grid = Self.logarithmic(lambdaCount, scale: made.scale)
        for candidate in Candidate.processors {
          let worst = try ConformanceTests.worst(candidate.make(2, 1 << 30), made)
          #expect(
            worst.error <= ConformanceTests.tolerance,
            "\(candidate.name) \(shape) \(samples) seed \(made.seed): \(worst)")
        }
      }
    }

    /// Power moments serve most lambdas of rows with importance weights, whose squares have moments of their own.
    @Test("rows with weights against their definitions", arguments: RowShape.allCases)
    func weighted(shape: RowShape) throws {
      // The longest has several segments; once will do.
      let longest = shape == .normal ? [(5000, true)] : []
      for (samples, withGold) in [(5, false), (100, true), (700, false)] + longest {
        var made = Case(
          shape, prompts: 1, samples: samples, weighted: true, seed: UInt64(600 + samples))
        made.grid = Self.logarithmic(121, scale: made.scale)
        for candidate in Candidate.processors {
          let table = try ConformanceTests.reduce(
            candidate.make(1, 1 << 30), made, withGold: withGold)
          let worst = try ConformanceTests.worst(table, made, withGold: withGold)
          #expect(
            worst.error <= ConformanceTests.tolerance,
            "\(candidate.name) \(shape) \(samples) gold \(withGold): \(worst)")
          // Fourteen lambdas lie between ½ and 2½, more than the moments cost.
          let reach = table.summaries[0].reach
          let small = made.lambdas.count { $0 * reach <= 2.499 }
          #expect(try #require(table.methods).powers >= (shape == .constant ? 0 : small))
        }
      }
    }

    /// Equal steps let lambdas share two exponentials a sample: eight on processors, where gold takes the other path,
    /// and four on devices.
    @Test("equally spaced lambdas", arguments: RowShape.allCases)
    func equalSteps(shape: RowShape) throws {
      for samples in [7, 48, 250, 1000] {
        var made = Case(
          shape, prompts: 2, samples: samples, weighted: false, seed: UInt64(500 + samples))
        made.grid = (1...40).map { 0.25 * Double($0) / made.scale }
        for candidate in Candidate.all {
          // Gold is in the steps of devices only.
          let isDevice = Candidate.devices.contains { $0.name == candidate.name }
          let withGold = isDevice && samples < 100
          let worst = try ConformanceTests.worst(
            ConformanceTests.reduce(candidate.make(1, 1 << 30), made, withGold: withGold), made,
            withGold: withGold)
          #expect(
            worst.error <= ConformanceTests.tolerance,
            "\(candidate.name) \(shape) \(samples) seed \(made.seed): \(worst)")
        }
      }
    }

    /// Rows of plans that do not ask for order are sorted where blocks then save more.
    @Test("a plan without order gives the numbers of one with", arguments: RowShape.allCases)
    func unsorted(shape: RowShape) throws {
      for (samples, lambdaCount, squared) in [
        (250, 90, true), (250, 90, false), (3000, 90, true), (3000, 90, false), (3000, 12, true),
      ] {
        var made = Case(shape, prompts: 1, samples: samples, weighted: false, seed: 17)
        made.grid = Self.logarithmic(lambdaCount, scale: made.scale)
        let backend = CPUBackend(threads: 1)
        let ordered = try ConformanceTests.reduce(backend, made)
        let plain = try backend.reduce(
          made.table, rows: 0..<1,
          plan: StatisticsPlan(lambdas: made.lambdas, squared: squared, missing: .error))
        var worst = 0.0
        for (index, lambda) in made.lambdas.enumerated() {
          let got = TiltEstimate(
            lambda: lambda, sums: plain.tilts[index], summary: plain.summaries[0])
          let want = TiltEstimate(
            lambda: lambda, sums: ordered.tilts[index], summary: ordered.summaries[0])
          for (a, b) in [
            (got.kl, want.kl), (got.gain, want.gain), (got.reverseKL, want.reverseKL),
          ] + (squared ? [(got.ess, want.ess)] : []) where a != b {
            worst = max(worst, abs(a - b) / abs(b))
          }
          #expect(got.ess.isNaN == !squared)
        }
        // Each side is within 1e-10 of the definition.
        #expect(worst <= 2e-10, "\(shape) \(samples) \(squared)")
      }
    }
  }
#endif

// SPDX-License-Identifier: Apache-2.0
// Tilts over blocks of neighbouring samples against the definitions: grids dense enough that blocks of every
// width serve, on rows that are sorted and on rows that are not.

import EsscherCore
import EsscherOpenCL
import EsscherTestSupport
import Testing

#if arch(x86_64)
  @Suite("Tilts over blocks")
  struct BlockTiltTests {
    /// From lambda·sigma = 0.03, which power moments or samples serve, over 1/32, the least that blocks serve, to 300,
    /// which few samples count at.
    private static func lambdas(_ row: [Double]) -> [Double] {
      let deviation = Double(ReferenceRow(values: row).deviation)
      let scale = deviation > 0 ? deviation : 1
      // Steps of 10^(1/4).
      let step = 10.0.squareRoot().squareRoot()
      var lambdas = [0.03 / scale]
      while lambdas.count < 17 { lambdas.append(lambdas[lambdas.count - 1] * step) }
      lambdas.insert(contentsOf: [0.0313 / scale, 0.042 / scale], at: 1)
      return lambdas
    }

    @Test(
      "every form of every lambda, sorted or not, with squares or without",
      arguments: Candidate.all, RowShape.allCases)
    func definitions(candidate: Candidate, shape: RowShape) throws {
      let backend = try candidate.make(2, 1 << 30)
      // The fewest samples of a row with blocks, with gold; and enough for several widths, without: the
      // definition of gold's sums takes longest.
      for (prompts, samples) in [(1, 512), (1, 2500)] {
        let hasGold = samples < 1000
        let made = Case(
          shape, prompts: prompts, samples: samples, weighted: false, seed: UInt64(samples))
        let lambdas = Self.lambdas(made.values[0])
        let wanted = (0..<prompts).map { row in
          let reference = ReferenceRow(
            values: made.values[row], gold: hasGold ? made.gold[row] : nil)
          return lambdas.map { reference.tilt($0) }
        }
        for (sorted, squared) in [(false, true), (true, true), (false, false), (true, false)] {
          let table = try backend.reduce(
            made.table, rows: 0..<prompts,
            plan: StatisticsPlan(
              lambdas: lambdas, sorted: sorted, squared: squared, missing: .error))
          var worst = ConformanceTests.Worst()
          for row in 0..<prompts {
            for (index, lambda) in lambdas.enumerated() {
              let got = TiltEstimate(
                lambda: lambda, sums: table.tilts[row * lambdas.count + index],
                summary: table.summaries[row])
              let want = wanted[row][index]
              let place = "row \(row) lambda \(lambda)"
              worst.take(got.gain, want.gain, "\(place) gain")
              worst.take(got.kl, want.kl, "\(place) KL")
              worst.take(got.reverseKL, want.reverseKL, "\(place) reverse KL")
              // Without squares there is none, rather than a wrong one.
              if squared {
                worst.take(got.ess, want.ess, "\(place) ESS")
              } else {
                #expect(got.ess.isNaN, "\(place)")
              }
              if sorted { worst.take(got.winRate, want.winRate, "\(place) win rate") }
              // Gold is near 0 with deviation 1.
              if sorted && hasGold { worst.take(got.gold, want.gold, scale: 1, "\(place) gold") }
            }
          }
          #expect(
            worst.error <= ConformanceTests.tolerance,
            "\(shape) \(prompts) x \(samples) sorted \(sorted) squared \(squared): \(worst)")
        }
      }
    }

    @Test("both builds for devices give the same sums over blocks, to rounding")
    func builds() throws {
      let made = Case(.normal, prompts: 2, samples: 4000, weighted: false, seed: 31)
      let plan = StatisticsPlan(
        lambdas: Self.lambdas(made.values[0]), sorted: true, missing: .error)
      let tables = try Candidate.devices.map {
        try $0.make(1, 1 << 30).reduce(made.table, rows: 0..<2, plan: plan)
      }
      for (vectors, lanes) in zip(tables[0].tilts, tables[1].tilts) {
        // Sums of some thousand terms in two orders.
        #expect(abs(vectors.exp - lanes.exp) <= 1e-13 * vectors.exp)
        #expect(abs(vectors.second - lanes.second) <= 1e-12 * vectors.second)
      }
    }
  }
#endif

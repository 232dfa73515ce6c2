// SPDX-License-Identifier: Apache-2.0
// Generators, weights and histograms against published and exact values.

import EsscherCore
import Testing

@Suite("Numerics")
struct NumericsTests {
  @Test("Philox4x32-10 gives its published known answers")
  func philox() {
    #expect(
      Philox4x32.block(key: SIMD2(0, 0), counter: SIMD4(0, 0, 0, 0))
        == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    let ones = UInt32.max
    #expect(
      Philox4x32.block(key: SIMD2(ones, ones), counter: SIMD4(ones, ones, ones, ones))
        == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      Philox4x32.block(
        key: SIMD2(0xa409_3822, 0x299f_31d0),
        counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344))
        == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test("Poisson counts have mean and variance 1 within four standard errors")
  func poisson() {
    let draws = 100_000
    let counts = (0..<draws).map {
      Double(PoissonBootstrap.count(index: UInt64($0), replicate: 7, seed: 3))
    }
    let mean = counts.reduce(0, +) / Double(draws)
    let variance = counts.reduce(0) { $0 + ($1 - 1) * ($1 - 1) } / Double(draws)
    // Standard errors: √(1/N) of the mean, √(3/N) of the second moment (fourth central moment 4).
    #expect((mean - 1).magnitude < 4 * (1 / Double(draws)).squareRoot())
    #expect((variance - 1).magnitude < 4 * (3 / Double(draws)).squareRoot())
  }

  @Test("order-statistic weights sum to 1", arguments: [(1, 1), (10, 3), (1000, 1000), (4096, 64)])
  func weights(samples: Int, n: Int) {
    let weights = OrderStatisticWeights(sampleCount: samples, n: n)
    // 1e-15 a weight, and 2^-90 cut off.
    #expect((weights.unbiased.reduce(0, +) - 1).magnitude < 1e-13)
    #expect((weights.replacement.reduce(0, +) - 1).magnitude < 1e-13)
  }

  @Test("continuous law without ties, and one tie group")
  func laws() {
    let free = BestOfNLaw(n: 4, sampleCount: 100, ties: [])
    #expect(free.kl == BestOfNLaw.bound(n: 4) && free.winRate == 0.8)
    let tied = BestOfNLaw(n: 4, sampleCount: 100, ties: [TieGroup(below: 0, upTo: 100)])
    #expect(tied.kl == 0 && tied.reverseKL == 0 && tied.winRate == 0.5)
  }
}

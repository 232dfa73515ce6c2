// SPDX-License-Identifier: Apache-2.0
// Best of n where samples are many more than n: chains of ranks, and ties as corrections.

import EsscherCore
import EsscherTestSupport
import Testing

@Suite("Best of n of long rows")
struct LongRowTests {
  @Test("weights at single ranks: in chains, between them and below them")
  func weights() throws {
    let fixture = try LongRowsFixture.load()
    for (n, known) in Dictionary(grouping: fixture.weights, by: \.n) {
      let samples = try #require(known.first).samples
      let weights = OrderStatisticWeights(sampleCount: samples, n: n)
      for weight in known {
        let place = "n = \(n), sample \(weight.index)"
        // RankChains: 4.3e-14 at worst.
        expectClose(weights.unbiased[weight.index], weight.unbiased, tolerance: 4.3e-14, place)
        expectClose(
          weights.replacement[weight.index], weight.replacement, tolerance: 4.3e-14, place)
      }
    }
  }

  @Test("laws and sums over weights, without ties, with narrow atoms and with wide ones")
  func laws() throws {
    let fixture = try LongRowsFixture.load()
    for known in fixture.laws {
      let ties = fixture.ties(known.row)
      let weights = OrderStatisticWeights(sampleCount: fixture.samples, n: known.n)
      var summary = RowSummary()
      summary.sampleCount = fixture.samples
      for tie in ties { summary.tiedCount += tie.count }
      let sums = BestOfNSums(weights: weights, summary: summary, ties: ties)
      let place = "\(known.row), n = \(known.n)"
      // A stretch is a difference of antiderivatives of the size of the whole. Up to 2^17 of their ends, each right to
      // 2^-51 of it, add up like a random walk: four times 2^8.5·2^-51. Few groups have few ends.
      let tolerance = ties.count < 10 ? 16 * 0x1p-51 : 6.5e-13
      expectClose(sums.law.kl, known.kl, tolerance: tolerance, scale: 1, place)
      expectClose(sums.law.reverseKL, known.reverse, tolerance: tolerance, scale: 16, place)
      expectClose(sums.law.winRate, known.win, tolerance: tolerance, scale: 1, place)
      // Weights to 4.3e-14, squared.
      expectClose(sums.ess, known.ess, tolerance: 9e-14, place)
      expectClose(sums.replacementKL, known.vKl, tolerance: 9e-14, scale: 1, place)
    }
  }
}

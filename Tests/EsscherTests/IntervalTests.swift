// SPDX-License-Identifier: Apache-2.0
// The intervals against a bootstrap written out in full from the prompts' own values.

import Esscher
import EsscherTestSupport
import Testing

@Suite("Intervals")
struct IntervalTests {
  /// P(Poisson(1) <= k) to 16 digits: e^-1 times the partial sums of 1/k!.
  private static let distribution: [Double] = [
    0.36787944117144233, 0.7357588823428847, 0.9196986029286058, 0.9810118431238462,
    0.9963401531726563, 0.9994058151824183, 0.999916758850712, 0.9999897508033253,
    0.9999988747974021, 0.9999998885745217, 0.9999999899522336, 0.9999999991683892,
  ]

  static func count(prompt: Int, replicate: Int, seed: UInt64) -> Double {
    let word = Philox4x32.block(
      key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)),
      counter: SIMD4(UInt32(prompt), 0, UInt32(replicate), 0))[0]
    let u = Double(word) / 4_294_967_296
    return Double(distribution.count { u >= $0 })
  }

  /// Ends of the percentile interval of a prompt average.
  static func interval(
    _ values: [Double], prompts: [Int], seed: UInt64, replicates: Int, confidence: Double
  ) -> (Double, Double) {
    var means: [Double] = []
    for replicate in 0..<replicates {
      let counts = prompts.map { count(prompt: $0, replicate: replicate, seed: seed) }
      let total = counts.reduce(0, +)
      if total > 0 { means.append(zip(counts, values).reduce(0) { $0 + $1.0 * $1.1 } / total) }
    }
    means.sort()
    func quantile(_ p: Double) -> Double {
      let h = p * Double(means.count - 1)
      let below = Int(h.rounded(.down))
      return below + 1 < means.count
        ? means[below] + (h - Double(below)) * (means[below + 1] - means[below]) : means[below]
    }
    return (quantile((1 - confidence) / 2), quantile((1 + confidence) / 2))
  }

  @Test(
    "percentiles of the Poisson bootstrap over prompts", arguments: [0, 12_345_678_901] as [UInt64])
  func percentiles(seed: UInt64) throws {
    var random = SeededGenerator(seed: 8)
    var rows = (0..<9).map { _ in RowShape.normal.row(30, &random) }
    // A prompt that is dropped keeps its index.
    rows[3] = [Double](repeating: .nan, count: 30)
    let gold = (0..<9).map { _ in RowShape.normal.row(30, &random) }
    let table = RewardTable(
      label: "made", rewards: .cells(MemorySource(name: "made", rows: rows)),
      gold: MemorySource(name: "gold", rows: gold))
    var prompts: [PromptPoint] = []
    let report = try Engine().frontier(
      table,
      FrontierRequest(
        lambdas: [0.4, 2], klBudgets: [0.3], bestOf: [4], missing: .drop, resamples: 200,
        confidence: 0.9, seed: seed),
      observer: RunObserver(promptPoints: { prompts += $0 }))
    #expect(report.provenance.droppedPrompts == 1 && report.provenance.droppedSamples == 30)
    // Peaks and fits have no lines of single prompts.
    let points = report.points.filter { [.tilt, .budget, .bestOfN].contains($0.curve) }
    for (index, point) in points.enumerated() {
      let own = prompts.enumerated().filter { $0.offset % points.count == index }
        .map(\.element)
      #expect(own.map(\.prompt) == [0, 1, 2, 4, 5, 6, 7, 8])
      func check(_ low: Double?, _ high: Double?, _ what: String, _ value: (PromptPoint) -> Double?)
      {
        let values = own.compactMap(value)
        let (wantLow, wantHigh) = Self.interval(
          values, prompts: own.map(\.prompt), seed: seed, replicates: 200, confidence: 0.9)
        // Sums of eight numbers, in another order.
        for (got, want) in [(low, wantLow), (high, wantHigh)] {
          #expect(
            abs((got ?? .nan) - want) <= 1e-13, "\(point.curve) \(what): \(got ?? .nan) and \(want)"
          )
        }
      }
      if point.curve == .budget {
        // Gold at held KL is compared with resampling where gold is studied.
        #expect(point.klLow == 0.3 && point.klHigh == 0.3)
        let beta = try #require(point.beta)
        check(point.gainLow, point.gainHigh, "gain") { prompt in
          guard let gain = prompt.gain, let kl = prompt.kl else { return nil }
          return gain - beta * kl + beta * 0.3
        }
      } else {
        check(point.goldLow, point.goldHigh, "gold") { $0.gold }
        check(point.klLow, point.klHigh, "KL") { $0.kl }
        check(point.gainLow, point.gainHigh, "gain") { $0.gain }
        check(point.rewardLow, point.rewardHigh, "reward") { $0.reward }
      }
    }
  }

  @Test("no intervals without replicates, and the note says so")
  func none() throws {
    let table = RewardTable(
      label: "one", rewards: .cells(MemorySource(name: "one", rows: [[1, 2, 3]])))
    let report = try Engine().frontier(
      table, FrontierRequest(lambdas: [1], bestOf: [2], resamples: 0))
    for point in report.points {
      #expect(point.klLow == nil && point.gainHigh == nil && point.note.contains("no intervals"))
    }
  }

  @Test("replicates beyond the memory budget are refused with what would fit")
  func tooMany() {
    let table = RewardTable(
      label: "two", rewards: .cells(MemorySource(name: "two", rows: [[1, 2], [3, 4]])))
    #expect {
      _ = try Engine().frontier(
        table, FrontierRequest(lambdas: [1], resamples: 10_000_000, memoryBudgetBytes: 1 << 28))
    } throws: { error in
      (error as? EsscherError).map { $0.code == .usage && $0.message.contains("at most") } ?? false
    }
  }
}

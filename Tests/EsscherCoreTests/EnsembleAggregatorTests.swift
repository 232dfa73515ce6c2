// SPDX-License-Identifier: Apache-2.0
// Aggregators against closed forms, and what they do to errors that are known.

import EsscherCore
import EsscherTestSupport
import Testing

@Suite("Ensemble aggregators")
struct EnsembleAggregatorTests {
  @Test("values by hand")
  func values() {
    let scores = [1.0, 2, 4]
    // Sums of three small numbers and one division: 4 ulps.
    let tolerance = 4 * 0x1p-52
    for (aggregator, expected) in [
      (EnsembleAggregator.mean, 7.0 / 3), (.median, 2), (.minimum, 1),
      // Variance (16 + 1 + 25)/27 = 14/9.
      (.uncertaintyWeighted(0), 7.0 / 3), (.uncertaintyWeighted(0.5), 14.0 / 9),
    ] {
      let value = aggregator.value(of: scores)
      #expect((value - expected).magnitude <= tolerance * expected, "\(aggregator): \(value)")
    }
    #expect(EnsembleAggregator.median.value(of: [8, 1, 4, 2]) == 3)
    #expect(EnsembleAggregator.median.value(of: [5, 3, 1, 2, 4]) == 3)
    for aggregator in all {
      #expect(aggregator.value(of: [-3.25]) == -3.25, "\(aggregator)")
      #expect(aggregator.value(of: [1, .nan, 2]).isNaN, "\(aggregator)")
    }
  }

  private let all: [EnsembleAggregator] = [
    .mean, .median, .minimum, .uncertaintyWeighted(2), .entropic(0.5),
  ]

  @Test("the entropic mean: its value, its limits, its expansion")
  func entropic() {
    let scores = [1.0, 2, 4]
    // −½ log((e^−2 + e^−4 + e^−8)/3), 12 digits.
    let value = EnsembleAggregator.entropic(0.5).value(of: scores)
    #expect((value - 1.48475168992).magnitude < 0.5e-11)
    // b → ∞: mean − V/(2b) + κ3/(6b²), V = 14/9, κ3 = 20/27: the next term is of order 1/b³.
    for temperature in [1e3, 1e6, 1e12] {
      let value = EnsembleAggregator.entropic(temperature).value(of: scores)
      let expansion =
        7.0 / 3 - 14.0 / 18 / temperature + 20.0 / 27 / 6 / (temperature * temperature)
      let next = 1 / (temperature * temperature * temperature)
      #expect((value - expansion).magnitude <= next + 4 * 0x1p-52, "b = \(temperature)")
    }
    // b → 0: min + b log 3 − …, the other terms below e^(−1/b).
    for temperature in [1e-2, 1e-6, 1e-300] {
      let value = EnsembleAggregator.entropic(temperature).value(of: scores)
      #expect(
        (value - 1 - temperature * 1.0986122886681098).magnitude <= 0x1p-52, "b = \(temperature)")
    }
  }

  @Test("shifts go through every aggregator, at offsets of a million")
  func shifts() {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<200 {
      let scores = (0..<4).map { _ in random.normal() }
      for aggregator in all {
        let moved = aggregator.value(of: scores.map { $0 + 1e6 }) - 1e6
        // Cells near 10^6 are rounded to 2^-33; sums of four of them to four times that, the variance's
        // slope is below 2·2·|s|.
        #expect((moved - aggregator.value(of: scores)).magnitude <= 0x1p-27, "\(aggregator)")
      }
    }
  }

  @Test("spellings are read, and what they print is read back")
  func spellings() {
    for text in ["mean", "median", "min", "uwo:0.5", "uwo:0", "entropic:2", "entropic:1e-05"] {
      #expect(EnsembleAggregator(spelling: text)?.description == text)
    }
    for text in [
      "", "Mean", "uwo", "uwo:", "uwo:-1", "uwo:nan", "uwo:inf", "entropic:0", "entropic:-2",
      "mean:1", "entropic:1:2", "max",
    ] {
      #expect(EnsembleAggregator(spelling: text) == nil, "\(text)")
    }
  }

  /// Variance of an aggregate of independent normal errors, and its standard error.
  private func spread(
    _ aggregator: EnsembleAggregator, count: Int, shared: Double = 0, draws: Int
  ) -> (variance: Double, error: Double) {
    var random = SeededGenerator(seed: 20_240 + UInt64(count))
    let (common, own) = (shared.squareRoot(), (1 - shared).squareRoot())
    let values = (0..<draws).map { _ in
      let level = common * random.normal()
      return aggregator.value(of: (0..<count).map { _ in level + own * random.normal() })
    }
    let mean = values.reduce(0, +) / Double(draws)
    let second = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(draws)
    let fourth =
      values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) * ($1 - mean) * ($1 - mean) }
      / Double(draws)
    // The variance of a sample variance is (μ4 − σ⁴)/n to first order.
    return (second, ((fourth - second * second) / Double(draws)).squareRoot())
  }

  @Test(
    "variance of the minimum and the median of independent normal errors",
    arguments: [
      (EnsembleAggregator.minimum, 2, 0.68169011), (.minimum, 3, 0.55946720),
      (.minimum, 4, 0.49171524), (.minimum, 5, 0.44753407), (.minimum, 10, 0.34434382),
      (.median, 3, 0.4486711), (.median, 5, 0.28683366), (.median, 7, 0.21044686),
      (.median, 9, 0.16610128), (.mean, 4, 0.25),
    ])
  func spreads(aggregator: EnsembleAggregator, count: Int, expected: Double) {
    let (variance, error) = spread(aggregator, count: count, draws: 60_000)
    #expect((variance - expected).magnitude <= 4 * error, "\(variance) ± \(error)")
    // A confusion with the neighbouring size or with the mean would be seen.
    #expect(error < 0.01 * expected)
  }

  @Test("what models share, averaging keeps", arguments: [0.0, 0.3, 0.8])
  func equicorrelated(shared: Double) {
    for count in [2, 5] {
      let (variance, error) = spread(.mean, count: count, shared: shared, draws: 40_000)
      let expected = shared + (1 - shared) / Double(count)
      #expect((variance - expected).magnitude <= 4 * error, "\(variance) ± \(error)")
    }
  }
}

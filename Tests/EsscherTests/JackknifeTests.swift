// SPDX-License-Identifier: Apache-2.0
// Bias and standard errors over samples against leaving each sample out and starting again.

import Esscher
import EsscherCore
import EsscherTestSupport
import Glibc
import Testing

#if arch(x86_64)
  @Suite("Jackknife over samples")
  struct JackknifeTests {
    typealias Number = Float80

    /// θ(−i) of every sample, by evaluating the row without it.
    private static func leaveOneOut(
      _ rows: [Double], _ gold: [Double], _ weights: [Double]?, _ value: (ReferenceRow) -> Number
    ) -> [Number] {
      rows.indices.map { left in
        func without(_ x: [Double]) -> [Double] { Array(x[..<left] + x[(left + 1)...]) }
        return value(
          ReferenceRow(
            values: without(rows), gold: without(gold), logWeights: weights.map(without)))
      }
    }

    static func error(_ values: [Number]) -> Number {
      let count = Number(values.count)
      let mean = values.reduce(0, +) / count
      return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } * (count - 1) / count)
        .squareRoot()
    }

    private static func bias(_ values: [Number], _ whole: Number) -> Number {
      let count = Number(values.count)
      return (count - 1) * (values.reduce(0, +) / count - whole)
    }

    /// The per-prompt lines of one row.
    static func points(
      _ row: [Double], _ gold: [Double], _ weights: [Double]?, _ request: FrontierRequest
    ) throws -> (report: Report, prompt: [PromptPoint]) {
      let table = RewardTable(
        label: "made", rewards: .cells(MemorySource(name: "made", rows: [row])),
        gold: MemorySource(name: "gold", rows: [gold]),
        logWeights: weights.map { MemorySource(name: "weights", rows: [$0]) })
      var lines: [PromptPoint] = []
      let report = try Engine().frontier(
        table, request, observer: RunObserver(promptPoints: { lines += $0 }))
      return (report, lines)
    }

    @Test("the five samples of the oracle: jackknife, delta method, corrected gain")
    func fiveSamples() throws {
      let request = FrontierRequest(lambdas: [0.7], bestOf: [2])
      let run = try Self.points([0, 1, 1, 2, 5], [1, 0, 2, 1, -3], nil, request)
      let tilt = run.prompt[0]
      func close(_ got: Double?, _ want: Double) -> Bool {
        ((got ?? .nan) - want).magnitude <= 1e-10 * want.magnitude
      }
      #expect(close(tilt.errors.gainDelta, 0.36332843708295858905))
      #expect(close(tilt.errors.gain, 1.6802824427579229836))
      #expect(close((tilt.gain ?? 0) - (tilt.bias?.gain ?? 0), 4.1841347850786188014))
      #expect(run.report.points[0].trusted == false)
      let point = run.report.points[0]
      let width = ((point.gainHigh ?? 0) - (point.gainLow ?? 0)) / 2
      #expect(close(width, 1.959963984540054 * 1.6802824427579229836))
      // A sample that weighs more than half: the correction is garbage, and is what was asked for.
      var corrected = request
      corrected.biasCorrect = true
      let after = try Self.points([0, 1, 1, 2, 5], [1, 0, 2, 1, -3], nil, corrected).report.points[
        0]
      #expect(close(after.gain, 4.1841347850786188014))
      #expect(close(after.jeffreys, 0.7 * 4.1841347850786188014))
    }

    @Test(
      "tilts: every row shape, with and without weights",
      arguments: [(2, false), (17, false), (64, false), (300, false), (40, true)])
    func tilts(count: Int, weighted: Bool) throws {
      var random = SeededGenerator(seed: 77)
      for shape in RowShape.allCases where shape != .constant && shape != .outlier {
        let row = shape.row(count, &random)
        guard Set(row).count > 1 else { continue }
        let gold = row.map { ($0 - row[0]).rounded() + random.normal() }
        let weights = weighted ? row.map { _ in random.normal() / 2 } : nil
        let deviation = Double(ReferenceRow(values: row).deviation)
        let lambdas = [0.01, 0.5, 1.5].map { $0 / deviation }
        let request = FrontierRequest(lambdas: lambdas, bestOf: [1])
        let lines = try Self.points(row, gold, weights, request).prompt
        let reference = ReferenceRow(values: row, gold: gold, logWeights: weights)
        for (line, lambda) in zip(lines, lambdas) {
          let whole = reference.tilt(lambda)
          func left(_ value: @escaping (ReferenceRow.Tilt) -> Number) -> [Number] {
            Self.leaveOneOut(row, gold, weights) { value($0.tilt(lambda)) }
          }
          let bias = try #require(line.bias)
          let samples = Double(row.count)
          // What the short forms leave out: sum of w^3/(1 - w) times a distance, below the 64 of the tail.
          let masses = Self.masses(row, weights, lambda)
          let tail = weighted ? 0 : 64
          let rest = masses.sorted(by: >).dropFirst(tail).reduce(0) { $0 + $1 * $1 * $1 / (1 - $1) }
          let reach = 2 * (row.map { abs($0 - Double(reference.mean)) }.max() ?? 0)
          let golden = 2 * (gold.map(abs).max() ?? 0)
          // And of the uniform law's own logarithms, 1/(3M³) a sample.
          let logs = rest + Double(max(0, row.count - tail)) * 0.34 / (samples * samples * samples)
          func check(
            _ got: Double?, _ want: Number, _ scale: Number, _ leftOut: Double, _ name: String
          ) {
            // Rounding of M terms of the size of the standard error, or of the bias where that is larger;
            // rewards of size 1e6 leave 1e-10 of a spread of 1 in the reference.
            // The power series of small lambdas leaves (2·½)^12/12! of the sums.
            let series = 2.1e-9 * reach * max(1, lambda) / samples
            let allowed = leftOut + series + 1e-10 * Double(max(scale, abs(want))) + 1e-16
            #expect(
              ((got ?? .nan) - Double(want)).magnitude <= allowed,
              "\(shape) M \(count) lambda \(lambda) \(name): \(got ?? .nan) for \(want)")
          }
          let gains = left { $0.gain }
          let kls = left { $0.kl }
          let golds = left { $0.gold }
          let reverses = left { $0.reverseKL }
          let error = Self.error(gains)
          check(bias.gain, Self.bias(gains, whole.gain), error, rest * reach, "gain bias")
          check(
            bias.kl, Self.bias(kls, whole.kl), Self.error(kls), rest * reach * lambda + logs,
            "KL bias")
          check(
            bias.reverseKL, Self.bias(reverses, whole.reverseKL), Self.error(reverses),
            weighted ? rest * reach * lambda + logs : logs, "reverse KL bias")
          check(
            bias.gold, Self.bias(golds, whole.gold), Self.error(golds), rest * golden, "gold bias")
          check(line.errors.gain, error, error, 0, "gain error")
          check(line.errors.kl, Self.error(kls), Self.error(kls), 0, "KL error")
          check(line.errors.gold, Self.error(golds), Self.error(golds), 0, "gold error")
          let levels = Self.leaveOneOut(row, gold, weights) { $0.tilt(lambda).gain + $0.mean }
          check(line.errors.reward, Self.error(levels), Self.error(levels), 0, "reward error")
          let top = masses.max() ?? 0
          if !weighted { check(bias.largestWeight, Number(top), 1, 0, "largest weight") }
        }
      }
    }

    private static func masses(_ row: [Double], _ weights: [Double]?, _ lambda: Double) -> [Double]
    {
      let top = row.max() ?? 0
      let logs = zip(row, weights ?? row.map { _ in 0 }).map { Number(lambda * ($0 - top) + $1) }
      let raw = logs.map { Double(exponential($0)) }
      let sum = raw.reduce(0, +)
      return raw.map { $0 / sum }
    }

    private static func exponential(_ x: Number) -> Number { Number(Elementary.exp(Double(x))) }

    @Test("best of n: ties, gold, n up to M − 1")
    func bestOf() throws {
      var random = SeededGenerator(seed: 5)
      for shape in [RowShape.normal, .integers, .pairs, .twoValued] {
        for count in [2, 9, 40] {
          let row = shape.row(count, &random)
          guard Set(row).count > 1 else { continue }
          let gold = row.map { _ in random.normal() }
          let ns = [1, 2, 5, count - 1, count].filter { $0 >= 1 && $0 <= count }
          let request = FrontierRequest(lambdas: [0], bestOf: Array(Set(ns)).sorted())
          let run = try Self.points(row, gold, nil, request)
          for line in run.prompt.dropFirst() {
            let n = try #require(line.n)
            guard n < count else {
              #expect(line.errors.gain == nil)
              continue
            }
            let gains = Self.leaveOneOut(row, gold, nil) { $0.bestOf(n).gain }
            let golds = Self.leaveOneOut(row, gold, nil) { $0.bestOf(n).gold }
            for (got, want) in [
              (line.errors.gain, Self.error(gains)), (line.errors.gold, Self.error(golds)),
            ] {
              // Deviations of size error/M carry the rounding of U itself, M ulps of theirs.
              let allowed = 1e-10 * Double(want) + 1e-14
              #expect(
                ((got ?? .nan) - Double(want)).magnitude <= allowed,
                "\(shape) M \(count) n \(n): \(got ?? .nan) for \(want)")
            }
            // The mean of U(−i) is U (theory §3.5).
            let mean = gains.reduce(0, +) / Number(count)
            #expect(((line.gain ?? .nan) - Double(mean)).magnitude <= 1e-12)
          }
        }
      }
    }

    @Test("one prompt has normal intervals of its jackknife errors")
    func onePrompt() throws {
      var random = SeededGenerator(seed: 12)
      let row = RowShape.normal.row(400, &random)
      let gold = row.map { _ in random.normal() }
      let request = FrontierRequest(
        lambdas: [0.5], klBudgets: [0.2], bestOf: [4, 400], confidence: 0.9)
      let run = try Self.points(row, gold, nil, request)
      let z = 1.6448536269514722
      for (point, line) in zip(run.report.points, run.prompt) {
        guard point.n != 400 else {
          #expect(point.gainLow == nil && point.note.contains("leaving a sample out"))
          continue
        }
        #expect(point.trusted == true)
        let gain = try #require(point.gain)
        let error = try #require(
          point.curve == .budget ? line.errors.heldGain : line.errors.gain)
        #expect(((point.gainHigh ?? .nan) - gain - z * error).magnitude <= 1e-12)
        #expect(((point.gainLow ?? .nan) - gain + z * error).magnitude <= 1e-12)
        #expect(point.goldLow != nil && point.rewardHigh != nil)
        if point.curve == .budget { #expect(point.klLow == 0.2 && point.klHigh == 0.2) }
      }
      // At held KL: IF = beta (W − 1) − (r − mean), whose jackknife is that of gain − beta·KL.
      let beta = try #require(run.report.points[1].beta)
      let held = Self.leaveOneOut(row, gold, nil) {
        let tilt = $0.tilt(1 / beta)
        return tilt.gain - Number(beta) * tilt.kl
      }
      #expect(
        ((run.prompt[1].errors.heldGain ?? .nan) - Double(Self.error(held))).magnitude <= 1e-12)
    }

    @Test("two-valued counts are corrected as the samples they stand for")
    func counts() throws {
      var request = FrontierRequest(lambdas: [0.5, 3], resamples: 0)
      request.biasCorrect = true
      let counted = try Engine().frontier(
        RewardTable(
          label: "counts",
          rewards: .counts(
            CountsTable(name: "counts", sampleCounts: [40, 12], correctCounts: [7, 11]))), request)
      let rows = [(40, 7), (12, 11)].map { samples, correct in
        (0..<samples).map { $0 < correct ? 1.0 : 0 }
      }
      let sampled = try Engine().frontier(
        RewardTable(label: "rows", rewards: .cells(MemorySource(name: "rows", rows: rows))), request
      )
      for (a, b) in zip(counted.points, sampled.points) where a.curve == .tilt {
        // The same sums in another order, at most 64 of them in the exact form.
        #expect(((a.gain ?? .nan) - (b.gain ?? 0)).magnitude <= 1e-12)
        #expect(((a.kl ?? .nan) - (b.kl ?? 0)).magnitude <= 1e-12)
      }
    }

    @Test(
      "normal quantiles",
      arguments: [
        (0.5, 0.6744897501960817), (0.95, 1.959963984540054), (0.99, 2.5758293035489004),
        (1e-6, 1.2533141373158218e-6),
      ])
    func quantiles(confidence: Double, want: Double) {
      #expect((NormalQuantile.twoSided(confidence: confidence) - want).magnitude <= 1e-10 * want)
    }
  }
#endif

// SPDX-License-Identifier: Apache-2.0
// Relatives of best-of-n on every backend: against the oracle, and against their definitions on shapes of
// rewards and sizes that the oracle does not hold.

import EsscherCPU
import EsscherCore
import EsscherTestSupport
import Testing

#if arch(x86_64)
  @Suite("Relatives of best-of-n")
  struct SelectionTests {
    /// The accuracy contract for double input.
    static let tolerance = 1e-10

    @Test("every statistic against the oracle", arguments: Candidate.all)
    func oracle(candidate: Candidate) throws {
      let fixture = try SelectionFixture.load()
      let backend = try candidate.make(2, 1 << 30)
      for (name, row) in fixture.rows {
        let forms = fixture.laws.filter { $0.row == name }
        let laws = try forms.map { form in
          let curve = try #require(Curve(rawValue: form.curve))
          return try #require(SelectionLaw(curve: curve, n: form.n))
        }
        let table = RewardTable(
          label: name, rewards: .cells(MemorySource(name: name, rows: [row])),
          gold: MemorySource(name: "gold", rows: [fixture.gold]))
        let plan = StatisticsPlan(selections: laws, sorted: true, missing: .error)
        let got = try backend.reduce(table, rows: 0..<1, plan: plan)
        for (form, sums) in zip(forms, got.bestOf) {
          let place = "\(name) \(form.curve) n = \(form.n)"
          func close(_ got: Double, _ want: String?, _ what: String, scale: Double = 0) {
            expectClose(
              got, want, tolerance: Self.tolerance, scale: scale, "\(place) \(what)")
          }
          close(sums.gain, form.gain, "gain")
          // Gold is standard normal, and the contract's scale its deviation.
          close(sums.gold, form.gold, "gold", scale: 1)
          close(sums.replacementGain, form.vGain, "replacement gain")
          close(sums.replacementKL, form.vKl, "replacement KL")
          close(sums.ess, form.ess, "ESS")
          close(sums.law.kl, form.kl, "KL")
          close(sums.law.winRate, form.win, "win rate")
          if let reverse = form.reverse {
            close(sums.law.reverseKL, reverse, "reverse KL")
          } else {
            #expect(sums.law.reverseKL == .infinity, "\(place) reverse KL")
          }
        }
      }
    }

    private static let shapes: [(prompts: Int, samples: Int)] = [
      (2, 1), (3, 7), (3, 100), (1, 4099),
    ]

    private static func laws(samples: Int) -> [SelectionLaw] {
      let ns = [1, 2, 3, 16, min(samples / 2, 64), samples].filter { (1...samples).contains($0) }
      return Set(ns).sorted().flatMap {
        [SelectionLaw.bestOfPoisson($0), .rewindAndRepeat($0)]
      }.filter { $0.fewestSamples <= samples }
    }

    @Test("sums against their definitions", arguments: Candidate.all, RowShape.allCases)
    func definitions(candidate: Candidate, shape: RowShape) throws {
      for (index, size) in Self.shapes.enumerated() {
        let seed = UInt64(7000 + index)
        let made = Case(
          shape, prompts: size.prompts, samples: size.samples, weighted: false, seed: seed)
        let laws = Self.laws(samples: size.samples)
        let plan = StatisticsPlan(selections: laws, sorted: true, missing: .error)
        let got = try candidate.make(2, 1 << 30).reduce(
          made.table, rows: 0..<size.prompts, plan: plan)
        var worst = ConformanceTests.Worst()
        for row in 0..<size.prompts {
          let reference = ReferenceRow(values: made.values[row], gold: made.gold[row])
          let gold = ReferenceRow(values: made.gold[row])
          let goldScale = max(gold.mean.magnitude, gold.deviation)
          for (position, law) in laws.enumerated() {
            let sums = got.bestOf[row * laws.count + position]
            let want = reference.selection(law)
            let place = "row \(row) \(law)"
            // The base policy's gain and KL are 0 up to the reference's own rounding.
            let isBase = law.n == 1
            let spread = isBase ? reference.deviation : 0
            worst.take(sums.gain, want.gain, scale: spread, "\(place) gain")
            worst.take(sums.gold, want.gold, scale: goldScale, "\(place) gold")
            worst.take(
              sums.replacementGain, want.replacementGain, scale: spread,
              "\(place) replacement gain")
            worst.take(
              sums.replacementKL, want.replacementKL, scale: isBase ? 1 : 0,
              "\(place) replacement KL")
            worst.take(sums.ess, want.ess, "\(place) ESS")
          }
        }
        #expect(worst.error <= Self.tolerance, "\(shape) \(size) seed \(seed): \(worst)")
      }
    }

    @Test("standard errors over samples: each sample left out, and the whole estimate again")
    func leaveOneOut() throws {
      var random = SeededGenerator(seed: 61)
      let row = RowShape.integers.row(60, &random)
      let gold = RowShape.normal.row(60, &random)
      let laws = [SelectionLaw.bestOfPoisson(5), .rewindAndRepeat(7), .rewindAndRepeat(60)]
      let plan = StatisticsPlan(selections: laws, sorted: true, missing: .error)
      let backend = CPUBackend(threads: 1)
      func table(_ rows: [[Double]], _ golds: [[Double]]) -> RewardTable {
        RewardTable(
          label: "", rewards: .cells(MemorySource(name: "", rows: rows)),
          gold: MemorySource(name: "", rows: golds))
      }
      let got = try backend.sampleErrors(table([row], [gold]), rows: 0..<1, plan: plan)[0]
      func without(_ values: [Double], _ i: Int) -> [Double] {
        Array(values[..<i] + values[(i + 1)...])
      }
      let short = StatisticsPlan(selections: Array(laws.prefix(2)), sorted: true, missing: .error)
      let parts = try backend.reduce(
        table(row.indices.map { without(row, $0) }, row.indices.map { without(gold, $0) }),
        rows: 0..<60, plan: short)
      func error(_ values: [Double]) -> Double {
        let mean = values.reduce(0, +) / 60
        return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } * 59 / 60).squareRoot()
      }
      for index in 0..<2 {
        let sums = (0..<60).map { parts.bestOf[2 * $0 + index] }
        let rewards = (0..<60).map { sums[$0].gain + parts.summaries[$0].mean }
        // Sixty differences of numbers of order 1, each good to 1e-13.
        func close(_ got: Double?, _ want: Double, _ what: String) {
          #expect(((got ?? .nan) - want).magnitude <= 1e-11, "\(laws[index]) \(what)")
        }
        close(got[index].reward, error(rewards), "reward")
        close(got[index].gain, error(sums.map(\.gain)), "gain")
        close(got[index].gold, error(sums.map(\.gold)), "gold")
      }
      // All samples are needed for n = M.
      #expect(got[2] == SampleErrors())
    }

    @Test("counts give what their samples give")
    func counts() throws {
      let backend = try #require(Candidate.processors.last).make(1, 1 << 30)
      let counts = CountsTable(
        name: "counts", sampleCounts: [100, 100, 100, 60], correctCounts: [0, 1, 37, 59])
      let rows = zip(counts.sampleCounts, counts.correctCounts).map { samples, correct in
        (0..<samples).map { $0 < correct ? 1.0 : 0 }
      }
      let laws = Self.laws(samples: 60) + [.rewindAndRepeat(7), .bestOfPoisson(10)]
      let plan = StatisticsPlan(selections: laws, sorted: true, missing: .error)
      func reduce(_ rewards: RewardRows) throws -> [BestOfNSums] {
        try backend.reduce(
          RewardTable(label: "", rewards: rewards), rows: 0..<4, plan: plan
        ).bestOf
      }
      let closed = try reduce(.counts(counts))
      let expanded = try reduce(.cells(MemorySource(name: "cells", rows: rows)))
      for (index, (got, want)) in zip(closed, expanded).enumerated() {
        let place = "row \(index / laws.count) \(laws[index % laws.count])"
        // Two evaluations within the contract of 1e-10 each, and where the exact value is 0 (constant
        // rows) what a hundred samples' weights round off.
        func close(_ path: KeyPath<BestOfNSums, Double>, _ what: String) {
          let error = (got[keyPath: path] - want[keyPath: path]).magnitude
          #expect(error <= 2e-10 * want[keyPath: path].magnitude + 1e-14, "\(place) \(what)")
        }
        close(\.gain, "gain")
        close(\.replacementGain, "replacement gain")
        close(\.replacementKL, "replacement KL")
        close(\.ess, "ESS")
        #expect(got.law == want.law, "\(place)")
      }
    }
  }
#endif

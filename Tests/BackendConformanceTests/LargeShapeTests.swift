// SPDX-License-Identifier: Apache-2.0
// Shapes at the ends of what a device must take, against the processor, and repeats of one run.

import EsscherCPU
import EsscherCore
import EsscherOpenCL
import EsscherTestSupport
import Glibc
import Testing

#if arch(x86_64)
  @Suite("Large shapes and repeats", .serialized)
  struct LargeShapeTests {
    /// Both are within 1e-10 of the definitions, so within 2e-10 of each other.
    static let tolerance = 2e-10

    @Test(
      "the processor's numbers", arguments: Candidate.devices,
      [(3, 1 << 20, false), (1 << 18, 16, false), (40, 5000, true)])
    func sizes(candidate: Candidate, size: (prompts: Int, samples: Int, isRagged: Bool)) throws {
      var random = SeededGenerator(seed: 21)
      let rows = (0..<size.prompts).map { row in
        let samples = size.isRagged ? 1 + (row * 977) % size.samples : size.samples
        // An offset of 100 sigma, as float32 rewards may have, with ties from rounding.
        return (0..<samples).map { _ in Double(Float(100 + random.normal() * 0.01)) * 100 }
      }
      let table = RewardTable(
        label: "large", rewards: .cells(MemorySource(name: "large", rows: rows)))
      let shortest = rows.map(\.count).min() ?? 1
      let plan = StatisticsPlan(
        lambdas: [1e-3, 0.4, 2, 50], bestOf: [1, min(4, shortest), shortest].sorted(), sorted: true,
        missing: .error)
      let device = try candidate.make(2, 2 << 30)
      let processor = CPUBackend(threads: 2)
      let step = 1 << 15
      for start in stride(from: 0, to: rows.count, by: step) {
        let part = start..<min(rows.count, start + step)
        let got = try device.reduce(table, rows: part, plan: plan)
        let want = try processor.reduce(table, rows: part, plan: plan)
        let worst = Self.worst(got, want, plan)
        #expect(worst.error <= Self.tolerance, "\(size) rows \(part): \(worst)")
      }
    }

    @Test("repeats give the same bits and leave the memory as it was", arguments: Candidate.devices)
    func repeats(candidate: Candidate) throws {
      let made = Case(.integers, prompts: 4, samples: 300, weighted: false, seed: 3)
      let plan = StatisticsPlan(
        lambdas: made.lambdas, bestOf: made.ns, sorted: true, missing: .error)
      let backend = try candidate.make(1, 1 << 30)
      let first = try backend.reduce(made.table, rows: 0..<4, plan: plan)
      var resident: [Int] = []
      for turn in 0..<200 {
        let again = try backend.reduce(made.table, rows: 0..<4, plan: plan)
        let same =
          again.tilts == first.tilts && again.bestOf == first.bestOf
          && again.summaries == first.summaries
        #expect(same, "turn \(turn)")
        if turn == 50 || turn == 199 { resident.append(Self.residentPages) }
      }
      // A run uses some hundred KiB of buffers. Other suites allocate in the same process, unless this
      // one runs alone (Scripts/check-races does so).
      let isAlone = unsafe getenv("ESSCHER_ALONE") != nil
      let growth = (resident[1] - resident[0]) * 4096
      #expect(growth < (isAlone ? 2 << 20 : 256 << 20), "\(growth) bytes in 150 runs")
    }

    /// Pages of this process in memory.
    private static var residentPages: Int {
      let text = ScratchFile.text(at: "/proc/self/statm") ?? ""
      return Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0
    }

    private struct Worst: CustomStringConvertible {
      var error = 0.0
      var place = ""
      var description: String { "worst \(error) in \(place)" }

      mutating func take(
        _ got: Double, _ want: Double, scale: Double, _ what: @autoclosure () -> String
      ) {
        let reference = max(want.magnitude, scale)
        let error =
          got == want ? 0 : reference > 0 ? (got - want).magnitude / reference : Double.infinity
        if !(error <= self.error) { (self.error, place) = (error, "\(what()): \(got), \(want)") }
      }
    }

    private static func worst(
      _ got: StatisticsTable, _ want: StatisticsTable, _ plan: StatisticsPlan
    ) -> Worst {
      var worst = Worst()
      for row in got.summaries.indices {
        let (a, b) = (got.summaries[row], want.summaries[row])
        let sigma = b.variance.squareRoot()
        worst.take(a.mean, b.mean, scale: sigma, "row \(row) mean")
        worst.take(a.topShare, b.topShare, scale: 0, "row \(row) top share")
        for (index, lambda) in plan.lambdas.enumerated() {
          let slot = row * plan.lambdas.count + index
          let x = TiltEstimate(lambda: lambda, sums: got.tilts[slot], summary: a)
          let y = TiltEstimate(lambda: lambda, sums: want.tilts[slot], summary: b)
          worst.take(x.kl, y.kl, scale: 0, "row \(row) lambda \(lambda) KL")
          worst.take(x.gain, y.gain, scale: 0, "row \(row) lambda \(lambda) gain")
          worst.take(x.winRate, y.winRate, scale: 0, "row \(row) lambda \(lambda) win rate")
        }
        for index in plan.selections.indices {
          let slot = row * plan.selections.count + index
          let (x, y) = (got.bestOf[slot], want.bestOf[slot])
          worst.take(
            x.gain, y.gain, scale: sigma * 1e-3, "row \(row) gain of n \(plan.selections[index])")
          worst.take(
            x.law.kl, y.law.kl, scale: 1e-3, "row \(row) KL of n \(plan.selections[index])")
        }
      }
      return worst
    }
  }
#endif

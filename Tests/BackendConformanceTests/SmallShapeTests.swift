// SPDX-License-Identifier: Apache-2.0
// Every kernel on shapes small enough for Oclgrind, which Scripts/check-races runs this suite under.

import EsscherCPU
import EsscherCore
import EsscherOpenCL
import EsscherTestSupport
import Testing

#if arch(x86_64)
  /// One at a time: Oclgrind is not made for several threads.
  @Suite("Small shapes on a device", .serialized)
  struct SmallShapeTests {
    @Test("every kernel against the definitions", arguments: Candidate.devices, [false, true])
    func kernels(candidate: Candidate, weighted: Bool) throws {
      let backend = try candidate.make(1, 1 << 30)
      for (index, shape) in [RowShape.normal, .integers, .constant].enumerated() {
        for (prompts, samples) in [(2, 3), (3, 70), (1, 200)] {
          let made = Case(
            shape, prompts: prompts, samples: samples, weighted: weighted, seed: UInt64(index))
          let worst = try ConformanceTests.worst(backend, made)
          #expect(
            worst.error <= ConformanceTests.tolerance, "\(shape) \(prompts) x \(samples): \(worst)")
        }
      }
      var bootstrap = PoissonBootstrap(replicateCount: 9, columnCount: 3, seed: 5)
      try backend.accumulate(
        &bootstrap, indices: [0, 2, 5], values: (0..<9).map { Double($0) })
      #expect(bootstrap.totals.contains { $0 > 0 })
    }

    @Test("what a device allows at best", arguments: Candidate.devices)
    func ceilings(candidate: Candidate) throws {
      let backend = try #require(try candidate.make(1, 1 << 30) as? OpenCLBackend)
      // Reading is checked by its sum, arithmetic by sums that are finite and positive.
      let measured = try backend.ceilings(
        CeilingEffort(
          readBytes: 1 << 17, groupsPerUnit: 2, rounds: 16, secondsPerTurn: 0, turns: 1))
      for rate in [
        measured.readBytes, measured.multiplyAdds, measured.floatMultiplyAdds,
        measured.exponentials,
      ] {
        #expect(rate.isFinite && rate > 0)
      }
    }

    @Test("ceilings of more memory than a device has are refused by name")
    func ceilingsOfTooMuch() throws {
      let backend = try #require(try Candidate.devices[0].make(1, 1 << 30) as? OpenCLBackend)
      #expect {
        try backend.ceilings(
          CeilingEffort(
            readBytes: 1 << 50, groupsPerUnit: 2, rounds: 16, secondsPerTurn: 0, turns: 1))
      } throws: { error in
        let error = error as? EsscherError
        return error?.code == .deviceUnavailable
          && error?.message.contains("the cells of the ceilings need") == true
          && error?.message.contains(backend.name) == true
          && error?.message.contains("use --device cpu") == true
      }
    }

    @Test(
      "tilts over blocks, of sorted rows and of others", arguments: Candidate.devices,
      [CellStorage.float32, .float64])
    func blocks(candidate: Candidate, storage: CellStorage) throws {
      let made = Case(.normal, prompts: 2, samples: 530, weighted: false, seed: 9)
      // Rows of floats without gold are put in order in local memory, where a processor has no use for order.
      let rows = made.values.map { $0.map { Double(Float($0)) } }
      let gold = storage == .float64 ? MemorySource(name: "gold", rows: made.gold) : nil
      let table = RewardTable(
        label: "case", rewards: .cells(MemorySource(name: "case", rows: rows, storage: storage)),
        gold: gold)
      for sorted in [false, true] {
        let plan = StatisticsPlan(
          lambdas: [0.01, 0.3, 0.5, 0.7, 0.9, 1.1, 2, 4, 30], sorted: sorted, missing: .error)
        let got = try candidate.make(1, 1 << 30).reduce(table, rows: 0..<2, plan: plan)
        let want = try CPUBackend(threads: 1).reduce(table, rows: 0..<2, plan: plan)
        for (slot, lambda) in (0..<2).flatMap({ row in plan.lambdas.map { (row, $0) } })
          .enumerated()
        {
          let x = TiltEstimate(
            lambda: lambda.1, sums: got.tilts[slot], summary: got.summaries[lambda.0])
          let y = TiltEstimate(
            lambda: lambda.1, sums: want.tilts[slot], summary: want.summaries[lambda.0])
          // Both are within 1e-10 of the definitions.
          #expect(abs(x.kl - y.kl) <= 2e-10 * y.kl, "\(lambda) sorted \(sorted)")
          #expect(abs(x.ess - y.ess) <= 2e-10 * y.ess, "\(lambda) sorted \(sorted)")
          guard gold != nil && sorted else { continue }
          // Gold has a standard deviation of 1.
          #expect(abs(x.gold - y.gold) <= 2e-10, "\(lambda) gold")
        }
      }
    }

    @Test(
      "long rows beside short ones, whose sort may be in tiles", arguments: Candidate.devices,
      [CellStorage.float32, .float64])
    func longRows(candidate: Candidate, storage: CellStorage) throws {
      var random = SeededGenerator(seed: 13)
      let rows = [530, 3, 64, 65].map { count in
        RowShape.normal.row(count, &random).map { Double(Float($0)) }
      }
      let table = RewardTable(
        label: "made", rewards: .cells(MemorySource(name: "made", rows: rows, storage: storage)),
        gold: MemorySource(name: "gold", rows: rows.map { row in row.indices.map(Double.init) }))
      let plan = StatisticsPlan(bestOf: [1, 3], sorted: true, tail: true, missing: .error)
      let got = try candidate.make(1, 1 << 30).reduce(table, rows: 0..<4, plan: plan)
      let want = try CPUBackend(threads: 1).reduce(table, rows: 0..<4, plan: plan)
      #expect(got.tails.map(\.rewards) == want.tails.map(\.rewards))
      #expect(got.tails.map(\.gold) == want.tails.map(\.gold))
      for (one, other) in zip(got.bestOf, want.bestOf) {
        // Within 1e-10 of the definition either.
        #expect((one.gold - other.gold).magnitude <= 2e-10 * max(1, other.gold))
      }
    }

    @Test("equal steps of lambda", arguments: Candidate.devices)
    func equalSteps(candidate: Candidate) throws {
      var made = Case(.exponential, prompts: 2, samples: 90, weighted: false, seed: 12)
      made.grid = (1...13).map { Double($0) / made.scale }
      let worst = try ConformanceTests.worst(candidate.make(1, 1 << 30), made)
      #expect(worst.error <= ConformanceTests.tolerance, "\(worst)")
    }

    @Test("devices say how they summed", arguments: Candidate.devices)
    func methods(candidate: Candidate) throws {
      let backend = try candidate.make(1, 1 << 30)
      func methods(_ samples: Int, _ lambdas: [Double]) throws -> TiltMethods {
        var rows = Case(.normal, prompts: 2, samples: samples, weighted: false, seed: 5).values
        rows.append([Double](repeating: 3, count: samples))
        let table = RewardTable(
          label: "made", rewards: .cells(MemorySource(name: "made", rows: rows)))
        let plan = StatisticsPlan(lambdas: lambdas, sorted: true, missing: .error)
        return try #require(try backend.reduce(table, rows: 0..<3, plan: plan).methods)
      }
      // Two rows; the constant one is summed in closed form.
      let short = try methods(60, [0.01, 0.02] + (2...14).map { Double(2 * $0) })
      #expect(short.powers == 4 && short.blocks == 0)
      // Thirteen lambdas from the third on are in steps; those from 4 to 15 fill two groups of four, and three rest.
      #expect(short.runs == 16 && short.samples == 10)
      let uneven = try methods(60, [2, 5, 6, 20, 50])
      #expect(uneven.runs == 0 && uneven.samples == 10)
      let long = try methods(600, [0.01, 0.3, 0.5, 0.7, 0.9, 1.1, 2, 4, 30])
      #expect(long.blocks >= 8 && long.powers == 2)
      #expect(long.powers + long.blocks + long.runs + long.samples == 18)
      #expect(long.errorBound == TiltMethods.truncationBound)
      #expect(try methods(60, []) == TiltMethods())
    }

    @Test(
      "rows emptied by dropping, and rows shorter than n, leave their neighbours alone",
      arguments: Candidate.devices)
    func emptied(candidate: Candidate) throws {
      var random = SeededGenerator(seed: 4)
      var rows = (0..<4).map { _ in RowShape.normal.row(60, &random) }
      rows[1] = [Double](repeating: .nan, count: 60)
      rows[3] = [Double](repeating: .nan, count: 57) + [1, 2, 3]
      let table = RewardTable(
        label: "made", rewards: .cells(MemorySource(name: "made", rows: rows)))
      let plan = StatisticsPlan(
        lambdas: [0.5, 3], bestOf: [2, 50], sorted: true, tail: true, missing: .drop)
      let got = try candidate.make(1, 1 << 30).reduce(table, rows: 0..<4, plan: plan)
      let want = try CPUBackend(threads: 1).reduce(table, rows: 0..<4, plan: plan)
      #expect(got.summaries.map(\.sampleCount) == [60, 0, 60, 3])
      #expect(got.summaries.map(\.droppedCount) == [0, 60, 0, 57])
      #expect(got.tails.map(\.rewards) == want.tails.map(\.rewards))
      for slot in [0, 1, 4, 5] {
        let difference = (got.bestOf[slot].gain - want.bestOf[slot].gain).magnitude
        #expect(difference <= 1e-10 * want.bestOf[slot].gain, "slot \(slot)")
      }
    }
  }
#endif

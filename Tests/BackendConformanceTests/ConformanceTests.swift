// SPDX-License-Identifier: Apache-2.0
// Every backend against the definitions, per row, and against itself: the same bits whatever the
// threads and tiles. A backend joins by a line in `Candidate.all`.

import EsscherCPU
import EsscherCore
import EsscherOpenCL
import EsscherTestSupport
import Synchronization
import Testing

#if arch(x86_64)
  /// A backend under test.
  struct Candidate: Sendable, CustomTestStringConvertible {
    let name: String
    let make: @Sendable (_ threads: Int, _ budget: Int) throws -> any Backend
    var testDescription: String { name }

    /// Processors of every level, and the first OpenCL device as both kinds of device; without one the
    /// suite fails, so that it cannot pass untested.
    static let all: [Candidate] = processors + devices

    static let devices: [Candidate] = [
      ("OpenCL, vectors", LaunchTuning.processor), ("OpenCL, lanes", narrow),
    ].map { name, tuning in
      let shared = SharedBackends(tuning: tuning)
      return Candidate(name: name) { _, budget in try shared.backend(budget: budget) }
    }

    /// The build for GPUs in small groups and blocks, so that merge passes, trees and the radix sort's tiles are at
    /// work on short rows.
    private static var narrow: LaunchTuning {
      var tuning = LaunchTuning.gpu
      tuning.lanes = 16
      tuning.sortItems = 4
      tuning.mergeRun = 8
      tuning.radixFloats = 512
      tuning.radixDoubles = 512
      return tuning
    }

    static let processors: [Candidate] = CPULevel.allCases.filter {
      $0.rawValue <= CPULevel.current.rawValue
    }
    .map { level in
      Candidate(name: "CPU \(level.name)") { threads, budget in
        CPUBackend(threads: threads, memoryBudgetBytes: budget, level: level)
      }
    }
  }

  /// Devices are built once a memory budget: a build takes longer than most cases.
  final class SharedBackends: Sendable {
    private let tuning: LaunchTuning
    private let backends = Mutex<[Int: OpenCLBackend]>([:])

    init(tuning: LaunchTuning) { self.tuning = tuning }

    func backend(budget: Int) throws -> any Backend {
      try backends.withLock { backends in
        if let backend = backends[budget] { return backend }
        let backend = try OpenCLBackend(
          platform: 0, device: 0, memoryBudgetBytes: budget, tuning: tuning)
        backends[budget] = backend
        return backend
      }
    }
  }

  /// Rewards of one shape with what belongs to them.
  struct Case {
    let seed: UInt64
    let values: [[Double]]
    let gold: [[Double]]
    let logWeights: [[Double]]?

    init(_ shape: RowShape, prompts: Int, samples: Int, weighted: Bool, seed: UInt64) {
      self.seed = seed
      var random = SeededGenerator(seed: seed)
      values = (0..<prompts).map { _ in shape.row(samples, &random) }
      gold = (0..<prompts).map { _ in RowShape.normal.row(samples, &random) }
      logWeights =
        weighted ? (0..<prompts).map { _ in RowShape.normal.row(samples, &random) } : nil
    }

    var table: RewardTable { table(withGold: true) }

    func table(withGold: Bool) -> RewardTable {
      RewardTable(
        label: "case", rewards: .cells(MemorySource(name: "case", rows: values)),
        gold: withGold ? MemorySource(name: "gold", rows: gold) : nil,
        logWeights: logWeights.map { MemorySource(name: "weights", rows: $0) })
    }

    /// Standard deviation of the first row, or 1.
    var scale: Double {
      let deviation = Double(ReferenceRow(values: values[0], logWeights: logWeights?[0]).deviation)
      return deviation > 0 ? deviation : 1
    }

    /// In place of the usual lambdas.
    var grid: [Double]?

    /// From lambda·σ = 1e-6 to 1e3.
    var lambdas: [Double] {
      grid ?? [1e-6, 1e-3, 0.1, 0.5, 0.9, 1.1, 3, 20, 1e3].map { $0 / scale }
    }

    var ns: [Int] {
      let count = values[0].count
      return logWeights != nil
        ? []
        : Array(Set([1, 2, 3, 16, count / 2, count - 1, count])).filter { $0 >= 1 && $0 <= count }
          .sorted()
    }
  }

  @Suite("Backend conformance")
  struct ConformanceTests {
    /// The accuracy contract for double input.
    static let tolerance = 1e-10

    static let shapes: [(prompts: Int, samples: Int)] = [
      (1, 1), (3, 2), (5, 7), (4, 64), (3, 1000), (2, 4099), (1, 9001),
    ]

    @Test("every statistic against its definition", arguments: Candidate.all, RowShape.allCases)
    func definitions(candidate: Candidate, shape: RowShape) throws {
      for (index, size) in Self.shapes.enumerated() {
        for weighted in [false, true] {
          let made = Case(
            shape, prompts: size.prompts, samples: size.samples, weighted: weighted,
            seed: UInt64(1000 * index + (weighted ? 1 : 0)))
          let worst = try Self.worst(candidate.make(2, 1 << 30), made)
          #expect(
            worst.error <= Self.tolerance,
            "\(shape) \(size) weighted \(weighted) seed \(made.seed): \(worst)")
        }
      }
    }

    @Test("a wrong number is noticed: every field, perturbed by a part in 10^8", arguments: 0..<19)
    func negativeControl(field: Int) throws {
      let made = Case(.integers, prompts: 2, samples: 100, weighted: false, seed: 7)
      var table = try Self.reduce(CPUBackend(threads: 1), made)
      #expect(try Self.worst(table, made).error <= Self.tolerance)
      let factor = 1 + 1e-8
      // The tilt at lambda·σ = 0.5 and the best of 3 in the second row.
      let tilt = table.lambdaCount + 3
      let best = table.bestOfCount + 2
      switch field {
      case 0: table.tilts[tilt].expMinusOne *= 1 + 1e-4
      case 1: table.tilts[tilt].exp *= factor
      case 2: table.tilts[tilt].first *= factor
      case 3: table.tilts[tilt].second *= factor
      case 4: table.tilts[tilt].squares *= factor
      case 5: table.tilts[tilt].rank *= factor
      case 6: table.tilts[tilt].gold *= 1 + 1e-6
      case 7: table.bestOf[best].gain *= factor
      case 8: table.bestOf[best].gold += 1e-8
      case 9: table.bestOf[best].replacementGain *= factor
      case 10: table.bestOf[best].replacementKL *= factor
      case 11: table.bestOf[best].ess *= factor
      case 12: table.bestOf[best].law.kl *= factor
      case 13: table.bestOf[best].law.reverseKL *= factor
      case 14: table.bestOf[best].law.winRate *= factor
      case 15: table.tilts[tilt].squaresFirst *= 1 + 1e-6
      case 16: table.tilts[tilt].squaresGold *= 1 + 1e-6
      case 17: table.tilts[tilt].goldFirst += 1e-6 * table.tilts[tilt].second.squareRoot()
      default: table.summaries[1].goldMean += 1e-8
      }
      #expect(try Self.worst(table, made).error > Self.tolerance, "field \(field)")
    }

    @Test("the same bits for any threads and tiles", arguments: Candidate.all)
    func determinism(candidate: Candidate) throws {
      for (shape, samples) in [(RowShape.normal, 700), (.integers, 257), (.heavy, 5000)] {
        let made = Case(shape, prompts: 23, samples: samples, weighted: false, seed: 11)
        let whole = try Self.reduce(candidate.make(1, 1 << 30), made)
        for threads in [1, 2, 5] {
          let backend = try candidate.make(threads, 64 << 20)
          for step in [1, 4, 23] {
            for start in stride(from: 0, to: 23, by: step) {
              let rows = start..<min(23, start + step)
              let part = try Self.reduce(backend, made, rows: rows)
              let sameSummaries = Array(whole.summaries[rows]) == part.summaries
              let tilts = rows.lowerBound * whole.lambdaCount..<rows.upperBound * whole.lambdaCount
              let sameTilts = Array(whole.tilts[tilts]) == part.tilts
              let best = rows.lowerBound * whole.bestOfCount..<rows.upperBound * whole.bestOfCount
              let sameBest = Array(whole.bestOf[best]) == part.bestOf
              // Tables are too large to print.
              #expect(
                sameSummaries && sameTilts && sameBest,
                "\(shape) \(rows), threads \(threads): \(sameSummaries) \(sameTilts) \(sameBest)")
            }
          }
        }
      }
    }

    @Test(
      "rows beyond the memory budget: the same bits", arguments: Candidate.processors,
      [false, true])
    func longRows(candidate: Candidate, weighted: Bool) throws {
      let made = Case(.integers, prompts: 3, samples: 5000, weighted: weighted, seed: 13)
      let whole = try Self.reduce(candidate.make(2, 1 << 30), made)
      // Less than one row's scratch, and less than the weights of one n.
      let part = try Self.reduce(candidate.make(2, 1 << 12), made)
      let same =
        whole.summaries == part.summaries && whole.tilts == part.tilts
        && whole.bestOf == part.bestOf
      #expect(same)
    }

    // MARK: Comparison

    static func reduce(
      _ backend: any Backend, _ made: Case, rows: Range<Int>? = nil, withGold: Bool = true
    ) throws -> StatisticsTable {
      let plan = StatisticsPlan(
        lambdas: made.lambdas, bestOf: made.ns, sorted: true, missing: .error)
      return try backend.reduce(
        made.table(withGold: withGold), rows: rows ?? 0..<made.values.count, plan: plan)
    }

    /// The largest relative error over rows, lambdas, n and statistics, and where it lies.
    struct Worst: CustomStringConvertible {
      var error = 0.0
      var place = ""
      var description: String { "worst error \(error) in \(place)" }

      mutating func take(
        _ got: Double, _ want: ReferenceRow.Number, scale: ReferenceRow.Number = 0,
        _ what: @autoclosure () -> String
      ) {
        let reference = max(want.magnitude, scale)
        let error =
          got.isFinite
          ? reference == 0
            ? got.magnitude : Double((ReferenceRow.Number(got) - want).magnitude / reference)
          : .infinity
        if error > self.error {
          self.error = error
          place = "\(what()): got \(got), want \(want)"
        }
      }
    }

    static func worst(_ backend: any Backend, _ made: Case) throws -> Worst {
      try worst(reduce(backend, made), made)
    }

    static func worst(
      _ table: StatisticsTable, _ made: Case, withGold: Bool = true
    ) throws -> Worst {
      var worst = Worst()
      for row in made.values.indices {
        let reference = ReferenceRow(
          values: made.values[row], gold: made.gold[row], logWeights: made.logWeights?[row])
        let gold = ReferenceRow(values: made.gold[row], logWeights: made.logWeights?[row])
        let goldScale = max(gold.mean.magnitude, gold.deviation)
        let goldReach = made.gold[row].map { abs(ReferenceRow.Number($0) - gold.mean) }.max() ?? 0
        let summary = table.summaries[row]
        worst.take(summary.mean, reference.mean, scale: reference.deviation, "row \(row) mean")
        if withGold {
          worst.take(summary.goldMean, gold.mean, scale: goldScale, "row \(row) gold mean")
        }
        for (index, lambda) in made.lambdas.enumerated() {
          let got = TiltEstimate(
            lambda: lambda, sums: table.tilts[row * table.lambdaCount + index], summary: summary)
          let want = reference.tilt(lambda)
          let place = "row \(row) lambda \(lambda)"
          worst.take(got.gain, want.gain, "\(place) gain")
          worst.take(got.kl, want.kl, "\(place) KL")
          worst.take(got.reverseKL, want.reverseKL, "\(place) reverse KL")
          worst.take(got.ess, want.ess, "\(place) ESS")
          worst.take(got.winRate, want.winRate, "\(place) win rate")
          if withGold { worst.take(got.gold, want.gold, scale: goldScale, "\(place) gold") }
          // No cell of the report, but what Newton's method and standard errors need. It is a
          // difference of two squares up to reach², whose terms e^x carry half an ulp of x ≤ lambda·reach
          // each (x ≤ 500 about the mean, x e^x ≤ 1 about the top).
          let reach = ReferenceRow.Number(summary.reach)
          let ulps = 16 + min(500, ReferenceRow.Number(lambda) * reach)
          worst.take(
            got.variance, want.variance, scale: ulps * 0x1p-52 / 1e-10 * reach * reach,
            "\(place) variance")
          guard withGold else { continue }
          worst.take(
            got.goldSlope, want.goldSlope, scale: ulps * 0x1p-52 / 1e-10 * reach * goldReach,
            "\(place) gold slope")
        }
        for (index, lambda) in made.lambdas.enumerated() where !summary.isConstant {
          let sums = table.tilts[row * table.lambdaCount + index]
          let want = reference.tilt(lambda)
          let place = "row \(row) lambda \(lambda)"
          let scale = sums.exp * sums.exp
          // The power series of small lambdas leaves (2·½)^12/12! = 2.1e-9 of the terms' size.
          let size = 30 / want.ess
          worst.take(
            (sums.squaresFirst + sums.shift * sums.squares) / scale, want.squaresFirst,
            scale: size * ReferenceRow.Number(summary.reach), "\(place) squares of first")
          guard withGold else { continue }
          worst.take(
            sums.squaresGold / scale, want.squaresGold, scale: size * goldReach,
            "\(place) squares of gold")
        }
        for (index, n) in made.ns.enumerated() {
          let got = table.bestOf[row * table.bestOfCount + index]
          let want = reference.bestOf(n)
          let place = "row \(row) n \(n)"
          let spread = reference.deviation
          worst.take(got.gain, want.gain, scale: n == 1 ? spread : 0, "\(place) gain")
          if withGold { worst.take(got.gold, want.gold, scale: goldScale, "\(place) gold") }
          worst.take(
            got.replacementGain, want.replacementGain, scale: n == 1 ? spread : 0,
            "\(place) replacement gain")
          worst.take(
            got.replacementKL, want.replacementKL, scale: n == 1 ? 1 : 0, "\(place) replacement KL")
          worst.take(got.ess, want.ess, "\(place) ESS")
          worst.take(got.law.kl, want.kl, scale: n == 1 ? 1 : 0, "\(place) KL")
          worst.take(
            got.law.reverseKL, want.reverseKL, scale: n == 1 ? 1 : 0, "\(place) reverse KL")
          worst.take(got.law.winRate, want.winRate, "\(place) win rate")
        }
      }
      return worst
    }
  }
#endif

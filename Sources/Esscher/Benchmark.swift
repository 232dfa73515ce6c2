// SPDX-License-Identifier: Apache-2.0
// The engine's jobs, timed on this machine beside what bounds them.

internal import EsscherCPU
internal import EsscherCore
internal import EsscherOpenCL

/// One job's times on one device.
public struct BenchmarkRecord: Sendable {
  /// `read`, `resident`, `tilt`, `khat`, `best_of_n` or `frontier`.
  public var job: String
  /// Device as `--device` names it.
  public var device: String
  /// Wall times of the counted turns, in order.
  public var seconds: [Double]
  /// Units of work in a turn: cells for `read`, `best_of_n` and `frontier`, cells times lambdas for
  /// `tilt`, `khat` and `resident`.
  public var work: Double
  /// Numbers that show what was computed, for comparison with a peer.
  public var values: [Double]

  /// Median of the times.
  public var median: Double {
    let sorted = seconds.sorted()
    guard !sorted.isEmpty else { return .nan }
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2)
      ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }

  /// Units of work a second.
  public var rate: Double { work / median }
}

/// Times the engine's jobs.
///
/// - `read`: every cell once, row summaries only: what memory allows.
/// - `resident`: the tilt of rows that stay in the caches: what arithmetic allows.
/// - `tilt`: log Z, reward, KL and reverse KL at 64 lambdas, from 0.01 to 50.
/// - `khat`: the Pareto shapes of those tilts, from the tails of the sorted rows; on the processor for every
///   device.
/// - `best_of_n`: sort, tie groups and weighted sums at n = 1, 2, 4, …, 1024.
/// - `frontier`: the whole of `esscher frontier` at both grids with 1,000 replicates.
public struct Benchmark {
  /// Inverse temperatures of the jobs.
  public static let lambdas = (0..<64).map { index in
    Elementary.exp(Elementary.log(0.01) + Elementary.log(5000) * Double(index) / 63)
  }
  /// n of the jobs.
  public static let ns = (0...10).map { 1 << $0 }

  private let table: RewardTable
  private let device: String
  private let backend: any Backend
  private let repeats: Int
  private let threads: Int?
  private let isCancelled: () -> Bool

  /// - Parameters:
  ///   - table: the rewards to work on.
  ///   - device: `cpu`, or a device by name.
  ///   - threads: workers; nil for one a processor.
  ///   - repeats: turns that are counted, after one that is not.
  ///   - isCancelled: asked between tiles; true ends the benchmark with `.interrupted`.
  /// - Throws: `.deviceUnavailable` where the device cannot be used.
  public init(
    _ table: RewardTable, device: String, threads: Int?, repeats: Int,
    isCancelled: @escaping () -> Bool = { false }
  ) throws(EsscherError) {
    self.table = table
    self.device = device
    self.repeats = repeats
    self.threads = threads
    self.isCancelled = isCancelled
    let request = FrontierRequest(device: device, threads: threads)
    backend = try DeviceChoice.resolve(request, table: table).backend
  }

  /// Runs every job.
  public func run() throws(EsscherError) -> [BenchmarkRecord] {
    guard case .cells(let source) = table.rewards else { return [] }
    var cells = 0.0
    for row in 0..<source.rowCount { cells += Double(source.sampleCount(row: row)) }
    let small = Self.residentTable
    let lambdas = Self.lambdas
    let ns = Self.ns.filter { $0 <= source.longestSampleCount }
    return [
      try time("read", cells) { () throws(EsscherError) in
        try means(table, StatisticsPlan(missing: .error))
      },
      try time("resident", 128 * 8192 * Double(lambdas.count)) { () throws(EsscherError) in
        try means(small, StatisticsPlan(lambdas: lambdas, missing: .error))
      },
      try time("tilt", cells * Double(lambdas.count)) { () throws(EsscherError) in
        try means(table, StatisticsPlan(lambdas: lambdas, missing: .error))
      },
      try shapes(cells * Double(lambdas.count)),
      try time("best_of_n", cells) { () throws(EsscherError) in
        try means(table, StatisticsPlan(bestOf: ns, sorted: true, missing: .error))
      },
      try time("frontier", cells) { () throws(EsscherError) in
        let request = FrontierRequest(
          lambdas: lambdas, bestOf: ns, device: device, threads: threads)
        return try Engine().frontier(
          table, request, observer: RunObserver(isCancelled: isCancelled)
        ).points.compactMap(\.reward)
      },
    ]
  }

  private func time(
    _ job: String, _ work: Double, _ body: () throws(EsscherError) -> [Double]
  ) throws(EsscherError) -> BenchmarkRecord {
    var record = BenchmarkRecord(job: job, device: device, seconds: [], work: work, values: [])
    for turn in 0...repeats {
      let clock = ContinuousClock()
      let start = clock.now
      record.values = try body()
      let elapsed = start.duration(to: clock.now).components
      // The first warms caches, page tables and compilers.
      if turn > 0 {
        record.seconds.append(Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18)
      }
    }
    return record
  }

  /// k̂ of every row at every lambda; the tails are at hand, as they are after the sweep.
  private func shapes(_ work: Double) throws(EsscherError) -> BenchmarkRecord {
    guard case .cells(let source) = table.rewards else {
      throw EsscherError(.internal, "the benchmark's rewards are cells")
    }
    let plan = StatisticsPlan(sorted: true, tail: true, missing: .error)
    var tails: [RowTail] = []
    let step = try backend.rowsPerTile(for: table, plan: plan)
    for start in stride(from: 0, to: source.rowCount, by: step) {
      if isCancelled() { throw EsscherError.interruption }
      let rows = start..<min(start + step, source.rowCount)
      tails += try backend.reduce(table, rows: rows, plan: plan).tails
    }
    let counts = (0..<source.rowCount).map { source.sampleCount(row: $0) }
    let rows = tails
    return try time("khat", work) { () throws(EsscherError) in
      let shapes = ParallelTiles.map(count: rows.count, threads: backend.threads) { row in
        let top = rows[row].rewards.prefix(ParetoTail.count(sampleCount: counts[row]) + 1)
        return Self.lambdas.map { lambda in
          let weights = ParetoTail.weights(lambda: lambda, top: top, loops: .processor)
          return ParetoTail.shape(weights: weights[...], rewards: top, loops: .processor) ?? 0
        }
      }
      return Self.lambdas.indices.map { index in
        shapes.reduce(0) { $0 + $1[index] } / Double(max(1, shapes.count))
      }
    }
  }

  /// Means over prompts of a plan's values: KL at each lambda, reward at each n.
  private func means(
    _ table: RewardTable, _ plan: StatisticsPlan
  ) throws(EsscherError) -> [Double] {
    guard case .cells(let source) = table.rewards else { return [] }
    var kl = [Double](repeating: 0, count: plan.lambdas.count)
    var reward = [Double](repeating: 0, count: plan.selections.count)
    let rows = source.rowCount
    let step = try backend.rowsPerTile(for: table, plan: plan)
    for start in stride(from: 0, to: rows, by: step) {
      if isCancelled() { throw EsscherError.interruption }
      let part = try backend.reduce(table, rows: start..<min(start + step, rows), plan: plan)
      for (row, summary) in part.summaries.enumerated() {
        for (index, lambda) in plan.lambdas.enumerated() {
          let sums = part.tilts[row * plan.lambdas.count + index]
          kl[index] += TiltEstimate(lambda: lambda, sums: sums, summary: summary).kl
        }
        for index in plan.selections.indices {
          reward[index] += summary.mean + part.bestOf[row * plan.selections.count + index].gain
        }
      }
    }
    return (kl + reward).map { $0 / Double(rows) }
  }

  /// 128 rows of 8,192: 64 KiB each, a row stays in its worker's second-level cache.
  private static var residentTable: RewardTable {
    var state: UInt64 = 1
    func uniform() -> Float {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) * 0x1p-24
    }
    // Four uniforms, scaled to variance 1: as many lambdas take each form as on normal rewards.
    let rows = (0..<128).map { _ in
      (0..<8192).map { _ in
        Double((uniform() + uniform() + uniform() + uniform() - 2) * 1.7320508)
      }
    }
    return RewardTable(
      label: "resident",
      rewards: .cells(MemorySource(name: "resident", rows: rows, storage: .float32)))
  }
}

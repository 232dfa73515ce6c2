// SPDX-License-Identifier: Apache-2.0
// The engine's jobs, timed on this machine beside what bounds them.

internal import EsscherCPU
public import EsscherCore
internal import EsscherOpenCL

/// Times the engine's jobs on one table and device.
public struct Benchmark {
  /// Inverse temperatures of the jobs where nothing else is asked for.
  public static let usualLambdas = logGrid(64)
  /// n of the jobs where nothing else is asked for.
  public static let usualNs = (0...10).map { 1 << $0 }
  /// Bootstrap replicates and columns.
  public static let (replicates, columns) = (1000, 64)
  /// Seconds after which a job gets no further turn.
  public static let secondsPerJob = 10.0
  /// Prompts whose tails and columns `khat` and `bootstrap` hold; `bootstrap` takes them again where
  /// there are more prompts, `khat` stops there.
  private static let heldPrompts = 1 << 16
  /// Bytes of rewards beyond which jobs read them from their source each time.
  private static let heldBytes = 2 << 30

  /// What is read from its source, and the same in memory.
  private let stored: RewardTable
  private let table: RewardTable
  private let source: any RewardSource
  private let device: String
  private let backend: any Backend
  private let repeats: Int
  private let threads: Int?
  private let lambdas: [Double]
  private let ns: [Int]
  private let ceilings: BenchmarkCeilings?
  private let isCancelled: () -> Bool

  /// - Parameters:
  ///   - table: the rewards to work on, with gold for ``BenchmarkJob/gold``. ``BenchmarkJob/read`` and
  ///     ``BenchmarkJob/frontier`` take them from their source; the other jobs have floats in memory, up to 2 GiB.
  ///   - device: `cpu`, or a device by name.
  ///   - threads: workers; nil for one a processor.
  ///   - repeats: turns that are counted, after one that is not. A job ends early after
  ///     ``secondsPerJob``, and where already its first turn takes that long, that one counts.
  ///   - lambdas: of the tilt, k̂ and the frontier; ascending and distinct, each finite and ≥ 0.
  ///   - ns: of best-of-n, ascending and distinct, each ≥ 1; those beyond the rows' length are left out.
  ///   - ceilings: what to compare with; nil for nothing. Those of another device are taken no notice of.
  ///   - isCancelled: asked between tiles; true ends the benchmark with `.interrupted`.
  /// - Throws: `.deviceUnavailable` where the device cannot be used, `.badInput` where the rewards are counts.
  public init(
    _ table: RewardTable, device: String, threads: Int?, repeats: Int,
    lambdas: [Double] = Benchmark.usualLambdas, ns: [Int] = Benchmark.usualNs,
    ceilings: BenchmarkCeilings? = nil, isCancelled: @escaping () -> Bool = { false }
  ) throws(EsscherError) {
    guard case .cells(let source) = table.rewards else {
      throw EsscherError(
        .badInput, "bench times rows of samples, and these are counts; give it an .npy file")
    }
    var held = table
    if let rewards = try BenchmarkMatrix(holding: source, limit: Self.heldBytes) {
      held.rewards = .cells(rewards)
    }
    if let gold = table.gold, let floats = try BenchmarkMatrix(holding: gold, limit: Self.heldBytes)
    {
      held.gold = floats
    }
    stored = table
    self.table = held
    self.source = held.rewardSource ?? source
    self.device = device
    self.repeats = repeats
    self.threads = threads
    self.lambdas = lambdas
    let shortest = (0..<source.rowCount).map { source.sampleCount(row: $0) }.min() ?? 0
    self.ns = ns.filter { $0 <= shortest }
    self.ceilings = ceilings?.device == device ? ceilings : nil
    self.isCancelled = isCancelled
    let request = FrontierRequest(device: device, threads: threads)
    backend = try DeviceChoice.resolve(request, table: table).backend
  }

  /// The floats of a source in memory; nil where they are already, or cannot be.
  private static func held(_ source: any RewardSource) throws(EsscherError) -> BenchmarkMatrix? {
    guard source.storage == .float32, source.rowCount > 0,
      unsafe source.heldFloats(rows: 0..<1) == nil
    else { return nil }
    return try BenchmarkMatrix(holding: source, limit: heldBytes)
  }

  /// Runs a job.
  ///
  /// - Throws: `.usage` for ``BenchmarkJob/gold`` without gold rewards, and what the engine throws.
  public func run(_ job: BenchmarkJob) throws(EsscherError) -> BenchmarkRecord {
    switch job {
    case .read: return try time(job, StatisticsPlan(missing: .error), .memory, cells, "bytes")
    case .tilt: return try tilt(job, lambdas)
    case .tilt256: return try tilt(job, Self.logGrid(256))
    case .tiltUniform: return try tilt(job, (1...64).map { 50 * Double($0) / 64 })
    case .bestOfN:
      let plan = StatisticsPlan(bestOf: ns, sorted: true, missing: .error)
      return try time(job, plan, .memory, cells, "cells")
    case .tiltBestOfN:
      let plan = StatisticsPlan(
        lambdas: lambdas, bestOf: ns, sorted: true, ranked: false, squared: false, missing: .error)
      return try time(job, plan, .exponentials, cells * Double(plan.lambdas.count), "terms")
    case .gold:
      guard table.gold != nil else {
        throw EsscherError(.usage, "\(job.rawValue) needs gold rewards; give them with --gold FILE")
      }
      let plan = StatisticsPlan(bestOf: ns, sorted: true, missing: .error)
      return try time(job, plan, .memory, cells, "cells")
    case .bootstrap: return try bootstrap()
    case .khat: return try shapes()
    case .frontier:
      let record = record(job, work: cells, "cells", .memory, bytes)
      return try time(record) { () throws(EsscherError) in
        let request = FrontierRequest(
          lambdas: lambdas, bestOf: ns, device: device, threads: threads)
        return try Engine().frontier(
          Self.withoutGold(stored), request, observer: RunObserver(isCancelled: isCancelled)
        ).points.compactMap(\.reward)
      }
    }
  }

  private static func logGrid(_ count: Int) -> [Double] {
    (0..<count).map { index in
      Elementary.exp(
        Elementary.log(0.01) + Elementary.log(5000) * Double(index) / Double(count - 1))
    }
  }

  // MARK: Sizes

  private var cells: Double {
    (0..<source.rowCount).reduce(0.0) { $0 + Double(source.sampleCount(row: $1)) }
  }

  private var bytes: Double { cells * (source.storage == .float32 ? 4 : 8) }

  private var withoutGold: RewardTable { Self.withoutGold(table) }

  private static func withoutGold(_ table: RewardTable) -> RewardTable {
    var table = table
    table.gold = nil
    return table
  }

  private func record(
    _ job: BenchmarkJob, work: Double, _ unit: String, _ ceiling: BenchmarkCeiling,
    _ ceilingWork: Double
  ) -> BenchmarkRecord {
    // Pareto shapes are the processor's work for every device, whose ceilings say nothing about it.
    let ceilings = job == .khat && device != "cpu" ? nil : ceilings
    return BenchmarkRecord(
      job: job, device: device, prompts: source.rowCount, samples: source.longestSampleCount,
      work: work, unit: unit, ceiling: ceiling,
      ceilingSeconds: ceilings.map { ceilingWork / $0.rate(ceiling) })
  }

  // MARK: Time

  private func time(
    _ record: BenchmarkRecord, _ body: () throws(EsscherError) -> [Double]
  ) throws(EsscherError) -> BenchmarkRecord {
    var record = record
    var spent = 0.0
    for turn in 0...repeats {
      let clock = ContinuousClock()
      let start = clock.now
      record.values = try body()
      let elapsed = start.duration(to: clock.now).components
      let seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
      spent += seconds
      // The first warms caches, page tables and compilers.
      if turn > 0 || seconds >= Self.secondsPerJob { record.seconds.append(seconds) }
      if spent >= Self.secondsPerJob, !record.seconds.isEmpty { break }
    }
    return record
  }

  // MARK: Jobs of one plan

  private func tilt(
    _ job: BenchmarkJob, _ lambdas: [Double]
  ) throws(EsscherError) -> BenchmarkRecord {
    let plan = StatisticsPlan(lambdas: lambdas, squared: false, missing: .error)
    return try time(job, plan, .exponentials, cells * Double(lambdas.count), "terms")
  }

  /// Times one plan on every row; gold is read where the job is about it.
  private func time(
    _ job: BenchmarkJob, _ plan: StatisticsPlan, _ ceiling: BenchmarkCeiling, _ work: Double,
    _ unit: String
  ) throws(EsscherError) -> BenchmarkRecord {
    let isGold = job == .gold
    let table = job == .read ? Self.withoutGold(stored) : isGold ? table : withoutGold
    let ceilingWork = ceiling == .memory ? bytes * (isGold ? 2 : 1) : work
    let record = record(
      job, work: unit == "bytes" ? bytes : work, unit, ceiling, ceilingWork)
    return try time(record) { () throws(EsscherError) in try means(table, plan, gold: isGold) }
  }

  /// Means over prompts of a plan's values: KL and reward at each lambda, reward or gold at each n.
  private func means(
    _ table: RewardTable, _ plan: StatisticsPlan, gold: Bool
  ) throws(EsscherError) -> [Double] {
    let (lambdas, laws) = (plan.lambdas, plan.selections.count)
    let rows = source.rowCount
    var sums = [Double](repeating: 0, count: 2 * lambdas.count + laws)
    let step = try backend.rowsPerTile(for: table, plan: plan)
    for start in stride(from: 0, to: rows, by: step) {
      if isCancelled() { throw EsscherError.interruption }
      let part = try backend.reduce(table, rows: start..<min(start + step, rows), plan: plan)
      // As many blocks as there are rows to share, so that the sums do not depend on the threads.
      let block = 64
      let count = part.summaries.count
      let blocks = ParallelTiles.map(
        count: (count + block - 1) / block, threads: backend.threads
      ) { index -> [Double] in
        var sums = [Double](repeating: 0, count: 2 * lambdas.count + laws)
        for row in index * block..<min(count, (index + 1) * block) {
          let summary = part.summaries[row]
          for (place, lambda) in lambdas.enumerated() {
            let tilt = TiltEstimate(
              lambda: lambda, sums: part.tilts[row * lambdas.count + place], summary: summary)
            sums[place] += tilt.kl
            sums[lambdas.count + place] += summary.mean + tilt.gain
          }
          for law in 0..<laws {
            let best = part.bestOf[row * laws + law]
            sums[2 * lambdas.count + law] += gold ? best.gold : summary.mean + best.gain
          }
        }
        return sums
      }
      for part in blocks {
        for (place, sum) in part.enumerated() { sums[place] += sum }
      }
    }
    return sums.map { $0 / Double(rows) }
  }

  // MARK: Bootstrap

  /// Replicates of the first 64 cells of each prompt, over again where it has fewer, and their intervals.
  private func bootstrap() throws(EsscherError) -> BenchmarkRecord {
    let held = min(source.rowCount, Self.heldPrompts)
    var values: [Double] = []
    values.reserveCapacity(held * Self.columns)
    for row in 0..<held {
      let count = min(Self.columns, source.sampleCount(row: row))
      guard count > 0 else { throw EsscherError(.badInput, "prompt \(row) has no samples") }
      var cells = [Double](repeating: 0, count: count)
      var failure: EsscherError?
      unsafe cells.withUnsafeMutableBufferPointer { buffer in
        do throws(EsscherError) {
          unsafe try source.copyDoubles(rows: row..<row + 1, columns: 0..<count, to: buffer)
        } catch { failure = error }
      }
      if let failure { throw failure }
      for column in 0..<Self.columns { values.append(cells[column % count]) }
    }
    let work = Double(source.rowCount * Self.replicates * Self.columns)
    // Tiles as the engine's rounds have them.
    let step = min(held, 8192)
    let record = record(.bootstrap, work: work, "multiply-adds", .multiplyAdd, work)
    return try time(record) { () throws(EsscherError) in
      var bootstrap = PoissonBootstrap(
        replicateCount: Self.replicates, columnCount: Self.columns, seed: 0)
      for start in stride(from: 0, to: source.rowCount, by: step) {
        if isCancelled() { throw EsscherError.interruption }
        let indices = start..<min(start + step, source.rowCount)
        let first = start % held
        let last = min(held, first + indices.count)
        try backend.accumulate(
          &bootstrap, indices: Array(indices.prefix(last - first)),
          values: Array(values[first * Self.columns..<last * Self.columns]))
      }
      return (0..<Self.columns).flatMap { column -> [Double] in
        let interval = bootstrap.interval(column: column, confidence: 0.95)
        return [interval?.low ?? 0, interval?.high ?? 0]
      }
    }
  }

  // MARK: Pareto shapes

  /// k̂ of the rows at every lambda; the tails are at hand, as they are after the sweep.
  private func shapes() throws(EsscherError) -> BenchmarkRecord {
    let plan = StatisticsPlan(sorted: true, tail: true, missing: .error)
    let held = min(source.rowCount, Self.heldPrompts)
    var tails: [RowTail] = []
    let step = try backend.rowsPerTile(for: withoutGold, plan: plan)
    for start in stride(from: 0, to: held, by: step) {
      if isCancelled() { throw EsscherError.interruption }
      let rows = start..<min(start + step, held)
      tails += try backend.reduce(withoutGold, rows: rows, plan: plan).tails
    }
    let counts = (0..<held).map { source.sampleCount(row: $0) }
    let (rows, lambdas) = (tails, self.lambdas)
    let lambdaCount = Double(lambdas.count)
    // A fit multiplies every weight of the tail into every one of its 30 + √T candidates.
    let products = counts.reduce(0.0) { sum, count in
      let tail = Double(ParetoTail.count(sampleCount: count))
      return sum + lambdaCount * tail * (31 + tail.squareRoot().rounded(.down))
    }
    let record = record(.khat, work: Double(held) * lambdaCount, "fits", .multiplyAdd, products)
    return try time(record) { () throws(EsscherError) in
      // Workers keep their buffers for a part of the rows.
      let part = 64
      let shapes = ParallelTiles.map(
        count: (rows.count + part - 1) / part, threads: backend.threads
      ) { index in
        let tails = TiltTails()
        var sums = lambdas.map { _ in 0.0 }
        for row in index * part..<min(rows.count, (index + 1) * part) {
          tails.evaluate(rows[row], sampleCount: counts[row], lambdas: lambdas) { _ in 0 }
          for index in sums.indices { sums[index] += tails.sums(at: index).shape ?? 0 }
        }
        return sums
      }
      return lambdas.indices.map { index in
        shapes.reduce(0) { $0 + $1[index] } / Double(max(1, rows.count))
      }
    }
  }
}

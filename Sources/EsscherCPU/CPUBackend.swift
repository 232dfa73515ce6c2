// SPDX-License-Identifier: Apache-2.0
// The pure-Swift backend: every statistic on the processor, no driver needed.

internal import CCPUFeatures
public import EsscherCore

/// Evaluates statistics on the processor, rows in parallel.
///
/// Arithmetic is double precision throughout, whatever the requested ``Precision``, so `mixed` and
/// `double` give the same bits here. Rows are independent of one another and of how they are tiled.
public struct CPUBackend: Backend {
  /// Worker threads.
  public let threads: Int
  /// Instruction-set variant in use.
  public let level: CPULevel
  let memoryBudgetBytes: Int
  let kernels: CPUKernels
  let cacheBox: OrderStatisticCacheBox
  let tablesBox = ChebyshevTablesBox()
  let shelf = ScratchShelf()
  /// The bootstrap's memory, likewise.
  let panelShelf = ScratchShelf()

  /// Name for reports.
  public var name: String { "CPU, Swift, \(level.name)" }
  /// None: the processor needs no driver.
  public var driver: String? { nil }

  /// Processors this process may run on.
  public static var availableThreads: Int { max(1, Int(ccpu_available_processors())) }

  /// - Parameters:
  ///   - threads: workers; nil for one a processor.
  ///   - level: instruction-set variant; the processor's highest by default.
  public init(
    threads: Int? = nil, memoryBudgetBytes: Int = 2 << 30, level: CPULevel = .current
  ) {
    self.threads = max(1, threads ?? Self.availableThreads)
    self.level = level
    self.memoryBudgetBytes = memoryBudgetBytes
    kernels = CPUKernels(level: level)
    cacheBox = OrderStatisticCacheBox()
  }

  /// Cells that a tile is cut to.
  private static let cellsPerTile = 1 << 22
  /// Positions of a row's samples are 32-bit numbers.
  private static let longestRow = 1 << 32
  /// Cells a worker reads at once where rows are short: with its scratch they stay in the second-level cache.
  private static let cellsPerRead = 1 << 14
  /// Samples of the longest rows that are read eight at a time.
  private static let longestTogether = 1 << 18
  /// Bytes of a table beyond which a tile is not made longer: what it holds is read again soon.
  private static let tableBytes = 8 << 20

  /// Bytes that the workers' scratch may take together.
  var scratchLimit: Int { memoryBudgetBytes / 2 }

  /// Rows of one tile inside the memory budget.
  public func rowsPerTile(
    for table: RewardTable, plan: StatisticsPlan
  ) throws(EsscherError) -> Int {
    if let source = table.rewardSource {
      let layout = WorkerLayout(source: source, table: table, backend: self)
      guard layout.longest < Self.longestRow else {
        throw EsscherError(
          .badInput,
          "a prompt has \(layout.longest) samples, and at most \(Self.longestRow - 1) can be "
            + "sorted; split it into several prompts")
      }
    }
    // A quarter of the budget for the table; the caller keeps about as much beside it.
    let rows =
      min(memoryBudgetBytes / 8, Self.tableBytes) / max(1, StatisticsTable.bytesPerRow(plan))
    // Small enough that progress moves and an interrupt is heard within a fraction of a second.
    let prompt = table.rewardSource.map { Self.cellsPerTile / max(1, $0.meanSampleCount) }
    return max(1, min(rows, max(prompt ?? 8192, 2 * threads), 8192))
  }

  /// Evaluates a plan on some rows, in parallel over rows.
  public func reduce(
    _ table: RewardTable, rows: Range<Int>, plan: StatisticsPlan
  ) throws(EsscherError) -> StatisticsTable {
    switch table.rewards {
    case .counts(let counts):
      var result = StatisticsTable(rows: rows, plan: plan)
      result.methods = TiltMethods()
      reduce(counts, rows: rows, plan: plan, into: &result)
      return result
    case .cells(let source):
      return try reduce(source, table, rows: rows, plan: plan)
    }
  }

  private func reduce(
    _ counts: CountsTable, rows: Range<Int>, plan: StatisticsPlan,
    into result: inout StatisticsTable
  ) {
    for (offset, row) in rows.enumerated() {
      let prompt = CountsRow(
        sampleCount: counts.sampleCounts[row], correctCount: counts.correctCounts[row])
      let summary = prompt.summary
      result.summaries[offset] = summary
      guard summary.sampleCount > 0 else { continue }
      for (index, lambda) in plan.lambdas(row: row).enumerated() {
        var sums = prompt.tilt(lambda: lambda, summary: summary)
        if !plan.squared { sums.dropSquares() }
        result.tilts[offset * plan.lambdaCount + index] = sums
      }
      if plan.tail { result.tails[offset] = prompt.tail }
      for (index, law) in plan.selections.enumerated() {
        result.bestOf[offset * plan.selections.count + index] = prompt.best(law)
      }
    }
  }

  private func reduce(
    _ source: any RewardSource, _ table: RewardTable, rows: Range<Int>, plan: StatisticsPlan
  ) throws(EsscherError) -> StatisticsTable {
    let layout = WorkerLayout(source: source, table: table, backend: self)
    let bytes = layout.bytesPerWorker(lambdaCount: plan.lambdaCount)
    let workers = max(1, min(threads, memoryBudgetBytes / 2 / max(1, bytes)))
    let isSpooled = bytes > memoryBudgetBytes / 2
    let cache = cacheBox.cache(grid: plan.selections, byteLimit: memoryBudgetBytes / 4)
    let isPlain =
      plan.rowLambdas == nil && !plan.ranked && !plan.squared && table.logWeights == nil
      && TiltCost.chebyshevLambdaCounts.contains(plan.lambdaCount)
    let evaluator = RowEvaluator(
      source: source, table: table, plan: plan, kernels: kernels, cache: cache,
      tables: isPlain
        ? tablesBox.tables(lambdas: plan.lambdas, byteLimit: memoryBudgetBytes / 16) : nil)
    // Most of the table, and written once: its workers do so.
    let tiltCount = rows.count * plan.lambdaCount
    var result = StatisticsTable(rows: rows, plan: plan, tilts: [])
    // `result` is a parameter, not a capture: accesses to two of its columns at once would be one to the whole of it.
    func fill(
      _ result: inout StatisticsTable, _ tiltBuffer: UnsafeMutableBufferPointer<TiltSums>
    ) -> EsscherError? {
      var failure: EsscherError?
      unsafe result.summaries.withUnsafeMutableBufferPointer { summaryBuffer in
        unsafe result.bestOf.withUnsafeMutableBufferPointer { bestOfBuffer in
          unsafe result.tails.withUnsafeMutableBufferPointer { tailBuffer in
            let summaries = unsafe DisjointSlots(summaryBuffer)
            let tilts = unsafe DisjointSlots(tiltBuffer)
            let bestOf = unsafe DisjointSlots(bestOfBuffer)
            let tails = unsafe DisjointSlots(tailBuffer)
            do throws(EsscherError) {
              try ParallelTiles.forEach(
                count: rows.count, chunk: layout.chunk(rows: rows.count, workers: workers),
                threads: workers,
                makeScratch: { () throws(EsscherError) in
                  layout.makeScratch(
                    lambdaCount: plan.lambdaCount,
                    memory: isSpooled
                      ? try ScratchMemory(spooling: bytes)
                      : ScratchMemory(bytes: bytes, shelf: shelf))
                },
                body: { (offsets: Range<Int>, scratch: WorkerScratch) throws(EsscherError) in
                  let part =
                    rows.lowerBound + offsets.lowerBound..<rows.lowerBound + offsets.upperBound
                  try evaluator.evaluate(
                    part, scratch: scratch, offset: offsets.lowerBound, summaries: summaries,
                    tilts: tilts, bestOf: bestOf, tails: tails)
                })
            } catch { failure = error }
          }
        }
      }
      return failure
    }
    var failure: EsscherError?
    if tiltCount > 0 {
      let tilts = unsafe [TiltSums](unsafeUninitializedCapacity: tiltCount) { buffer, written in
        failure = unsafe fill(&result, buffer)
        if failure == nil { written = tiltCount }
      }
      result.tilts = tilts
    } else {
      // An array of no capacity is one that all threads share, and its count would be written.
      failure = unsafe fill(&result, UnsafeMutableBufferPointer(start: nil, count: 0))
    }
    if let failure { throw failure }
    result.methods = evaluator.tally.methods
    return result
  }

  /// How a worker's memory is laid out for a table.
  struct WorkerLayout: Sendable {
    let longest: Int
    let rowsPerRead: Int
    let hasGold: Bool
    let hasWeights: Bool
    /// Rewards are floats that a sorted plan can read as such.
    let readsFloats: Bool
    /// Gold beside them is, too.
    let readsGoldFloats: Bool
    let level: CPULevel

    init(source: any RewardSource, table: RewardTable, backend: CPUBackend) {
      longest = max(1, source.longestSampleCount)
      hasGold = table.gold != nil
      hasWeights = table.logWeights != nil
      readsFloats = source.storage == .float32 && !hasWeights
      readsGoldFloats = readsFloats && table.gold?.storage == .float32
      level = backend.level
      // Best-of-n takes rows eight at a time; longer ones keep to themselves, for their memory.
      let together = SelectionKernels.rows
      // At most 24 bytes a cell, and no more than an eighth of what the worker may have.
      let room = backend.scratchLimit / backend.threads / (8 * 24 * together)
      let fitting = CPUBackend.cellsPerRead / longest
      let short =
        fitting >= together
        ? fitting / together * together
        : longest <= min(CPUBackend.longestTogether, room) ? together : 1
      let preferred = source.preferredRowsPerRead
      // Fortran order shares pages among rows; read them together while that stays within 32 MiB.
      rowsPerRead = preferred * longest <= 1 << 22 ? max(short, preferred) : short
    }

    var cellsPerRead: Int { rowsPerRead * longest }

    /// Rows a worker takes at once: those of a read, or fewer where other workers would have none.
    func chunk(rows: Int, workers: Int) -> Int {
      max(1, min(rowsPerRead, (rows + workers - 1) / workers))
    }

    /// Bytes a worker takes.
    func bytesPerWorker(lambdaCount: Int) -> Int {
      let inputs = 1 + (hasGold ? 1 : 0) + (hasWeights ? 1 : 0)
      return ScratchMemory.bytes(
        Array(repeating: 8 * (cellsPerRead + RowWorkspace.padding), count: inputs))
        + ScratchMemory.bytes([
          readsFloats ? 4 * cellsPerRead : 0, readsGoldFloats ? 4 * cellsPerRead : 0,
        ])
        + RowWorkspace.bytes(
          capacity: longest, lambdaCount: lambdaCount, hasWeights: hasWeights)
    }

    func makeScratch(lambdaCount: Int, memory: ScratchMemory) -> WorkerScratch {
      WorkerScratch(
        workspace: RowWorkspace(
          capacity: longest, lambdaCount: lambdaCount, hasGold: hasGold, hasWeights: hasWeights,
          level: level, memory: memory),
        cells: cellsPerRead, readsFloats: readsFloats, readsGoldFloats: readsGoldFloats,
        memory: memory)
    }
  }
}

/// One worker's row workspace and read buffers, all in one block of memory.
@safe
final class WorkerScratch {
  let workspace: RowWorkspace
  let rewards: UnsafeMutableBufferPointer<Double>
  /// Rewards as floats, where the source has them and nothing but a sort reads them.
  let floats: UnsafeMutableBufferPointer<Float>
  let canReadFloats: Bool
  /// Gold as floats, likewise.
  let goldFloats: UnsafeMutableBufferPointer<Float>
  let canReadGoldFloats: Bool
  let gold: UnsafeMutableBufferPointer<Double>
  let logWeights: UnsafeMutableBufferPointer<Double>

  init(
    workspace: RowWorkspace, cells: Int, readsFloats: Bool, readsGoldFloats: Bool,
    memory: ScratchMemory
  ) {
    self.workspace = workspace
    canReadFloats = readsFloats
    canReadGoldFloats = readsGoldFloats
    func buffer(_ count: Int) -> UnsafeMutableBufferPointer<Double> {
      unsafe UnsafeMutableBufferPointer(
        start: count > 0 ? memory.take(count + RowWorkspace.padding) : nil, count: count)
    }
    unsafe rewards = buffer(cells)
    unsafe gold = buffer(workspace.hasGold ? cells : 0)
    unsafe logWeights = buffer(workspace.hasWeights ? cells : 0)
    unsafe floats = UnsafeMutableBufferPointer(
      start: readsFloats ? memory.take(cells) : nil, count: readsFloats ? cells : 0)
    unsafe goldFloats = UnsafeMutableBufferPointer(
      start: readsGoldFloats ? memory.take(cells) : nil, count: readsGoldFloats ? cells : 0)
  }
}

extension RewardSource {
  /// Mean samples of the first prompts; rows that differ do so about it.
  var meanSampleCount: Int {
    let rows = min(rowCount, 64)
    guard rows > 0 else { return 1 }
    return (0..<rows).reduce(0) { $0 + sampleCount(row: $1) } / rows
  }
}

// SPDX-License-Identifier: Apache-2.0
// What a worker does with a few neighbouring rows: read, check, sort, and evaluate each.

internal import EsscherCore

/// Evaluates rows of one input for one plan. Shared by the workers; holds no mutable state.
struct RowEvaluator: Sendable {
  let source: any RewardSource
  let table: RewardTable
  let plan: StatisticsPlan
  let kernels: CPUKernels
  let cache: OrderStatisticCache
  /// Of a plan whose short rows share Chebyshev moments among its lambdas.
  var tables: ChebyshevTables?
  let tally = TiltTally()

  /// Evaluates `rows` and writes their statistics from slot `offset` on; `tilts` hold nothing yet.
  func evaluate(
    _ rows: Range<Int>, scratch: WorkerScratch, offset: Int, summaries: DisjointSlots<RowSummary>,
    tilts: DisjointSlots<TiltSums>, bestOf: DisjointSlots<BestOfNSums>,
    tails: DisjointSlots<RowTail>
  ) throws(EsscherError) {
    let workspace = scratch.workspace
    let (lambdaCount, lawCount, wantsTail) = (plan.lambdaCount, plan.selections.count, plan.tail)
    var methods = TiltMethods()
    try forEachRow(rows, scratch: scratch) { (index, summary) in
      let slot = offset + index
      summaries.set(slot, summary)
      if lambdaCount > 0, let sums = unsafe tilts.pointer(at: slot * lambdaCount) {
        methods += unsafe sweep(workspace, row: rows.lowerBound + index, summary, to: sums)
      }
      guard summary.sampleCount > 0 else { return }
      if wantsTail {
        tails.set(slot, workspace.tail(RowTail.count(sampleCount: summary.sampleCount)))
      }
      // A row too short for one of the laws has no such statistic; the pipeline refuses it by name.
      guard lawCount > 0, plan.fewestSamples <= summary.sampleCount else { return }
      workspace.select(slot: slot, summary: summary)
    }
    // Once a read: workers that count rows in one place wait for each other where rows are short.
    if lambdaCount > 0 { tally.add(methods) }
    guard lawCount > 0 else { return }
    workspace.bestOfN(cache, kernels: kernels, to: bestOf, laws: lawCount)
  }

  /// Writes the tilts of the row in the workspace; those of lambda = 0 where no sample is left.
  private func sweep(
    _ workspace: RowWorkspace, row: Int, _ summary: RowSummary,
    to sums: UnsafeMutablePointer<TiltSums>
  ) -> TiltMethods {
    guard summary.sampleCount > 0 else {
      unsafe sums.initialize(repeating: TiltSums(), count: plan.lambdaCount)
      return TiltMethods()
    }
    return unsafe workspace.sweep(
      lambdas: plan.lambdas(row: row), summary: summary, ranked: plan.ranked,
      squared: plan.squared, storage: source.storage,
      tables: sharesMoments(sampleCount: source.sampleCount(row: row)) ? tables : nil,
      kernels: kernels, to: sums)
  }

  /// Reads `rows` and calls `body` for each while it lies in the workspace, summarised, and sorted where the plan
  /// says so.
  func forEachRow(
    _ rows: Range<Int>, scratch: WorkerScratch,
    _ body: (_ index: Int, _ summary: RowSummary) -> Void
  ) throws(EsscherError) {
    let cells = try read(rows, scratch)
    let workspace = scratch.workspace
    var position = 0
    for (index, row) in rows.enumerated() {
      let stored = source.sampleCount(row: row)
      let ordered = isOrdered(sampleCount: stored)
      let dropped = try workspace.load(
        cells.advanced(by: position), stored: stored, row: row, table: table,
        missing: plan.missing, ordered: ordered, mayGroup: !plan.sorted, kernels: kernels)
      position += stored
      if ordered { order(workspace, row: row) }
      body(
        index,
        try workspace.summarise(
          sorted: plan.sorted, ranked: plan.ranked && plan.lambdaCount > 0, dropped: dropped,
          row: row,
          table: table, kernels: kernels))
    }
  }

  /// Sorts a row, or groups it where the plan does not ask for order itself.
  private func order(_ workspace: RowWorkspace, row: Int) {
    if !plan.sorted, let largest = plan.lambdas(row: row).last,
      workspace.group(largest: largest, squared: plan.squared)
    {
      return
    }
    workspace.sort()
  }

  /// Whether a row is put in order before anything is summed: where the plan asks for it, or where so many lambdas
  /// are to come that its blocks will want it. A row's own length decides, and never its neighbours.
  private func isOrdered(sampleCount: Int) -> Bool {
    plan.sorted
      || !sharesMoments(sampleCount: sampleCount)
        && table.gold == nil && table.logWeights == nil
        && TiltCost.paysOrder(
          sampleCount: sampleCount, lambdaCount: plan.lambdaCount, storage: source.storage)
  }

  /// Whether a row of so many cells takes its tilts from Chebyshev moments.
  private func sharesMoments(sampleCount: Int) -> Bool {
    tables != nil
      && TiltCost.paysChebyshev(
        sampleCount: sampleCount, lambdaCount: plan.lambdaCount, level: kernels.level)
  }

  private func read(_ rows: Range<Int>, _ scratch: WorkerScratch) throws(EsscherError) -> ReadRows {
    var cells = 0
    for row in rows { cells += source.sampleCount(row: row) }
    // Rows of floats are sorted as floats; with weights they come as doubles, and so they do unsorted.
    let asFloats =
      scratch.canReadFloats && isOrdered(sampleCount: source.longestSampleCount)
    var floats: UnsafePointer<Float>?
    if asFloats {
      unsafe floats = try Self.floats(source, rows, scratch.floats, cells)
    } else {
      try unsafe Self.copy(source, rows, scratch.rewards, cells)
    }
    var goldFloats: UnsafePointer<Float>?
    let asGoldFloats = asFloats && scratch.canReadGoldFloats
    if let gold = table.gold {
      if asGoldFloats {
        unsafe goldFloats = try Self.floats(gold, rows, scratch.goldFloats, cells)
      } else {
        try unsafe Self.copy(gold, rows, scratch.gold, cells)
      }
    }
    if let logWeights = table.logWeights {
      try unsafe Self.copy(logWeights, rows, scratch.logWeights, cells)
    }
    guard let rewards = unsafe scratch.rewards.baseAddress else {
      throw EsscherError(.internal, "a read buffer has no memory")
    }
    return unsafe ReadRows(
      rewards: rewards, floats: floats, goldFloats: goldFloats,
      gold: table.gold == nil ? nil : scratch.gold.baseAddress,
      logWeights: table.logWeights == nil ? nil : scratch.logWeights.baseAddress)
  }

  /// The floats of some rows, where the source holds them or copied to a buffer.
  private static func floats(
    _ source: any RewardSource, _ rows: Range<Int>, _ buffer: UnsafeMutableBufferPointer<Float>,
    _ cells: Int
  ) throws(EsscherError) -> UnsafePointer<Float>? {
    if let held = unsafe source.heldFloats(rows: rows) { return unsafe held }
    let part = unsafe UnsafeMutableBufferPointer(rebasing: buffer[..<cells])
    try unsafe source.copyFloats(rows: rows, columns: nil, to: part)
    return unsafe UnsafePointer(buffer.baseAddress)
  }

  private static func copy(
    _ source: any RewardSource, _ rows: Range<Int>, _ buffer: UnsafeMutableBufferPointer<Double>,
    _ cells: Int
  ) throws(EsscherError) {
    let part = unsafe UnsafeMutableBufferPointer(rebasing: buffer[..<cells])
    try unsafe source.copyDoubles(rows: rows, columns: nil, to: part)
  }
}

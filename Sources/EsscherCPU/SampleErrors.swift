// SPDX-License-Identifier: Apache-2.0
// Standard errors over the samples of each prompt, from the rows themselves: a second look at rows of which
// there is one, or whose lines the user wants to see. Both backends use it.

public import EsscherCore

extension CPUBackend {
  /// Standard errors of some prompts at every lambda of a plan, then under every law of selection.
  ///
  /// - Parameters:
  ///   - table: the input.
  ///   - rows: the prompts.
  ///   - plan: its lambdas, laws and policy for missing cells.
  /// - Returns: one array a row, empty for rows without samples and for rows of counts.
  /// - Throws: as `reduce`.
  /// - Complexity: O(M·lambdas) exponentials and logarithms, O(M·n).
  public func sampleErrors(
    _ table: RewardTable, rows: Range<Int>, plan: StatisticsPlan
  ) throws(EsscherError) -> [[SampleErrors]] {
    guard let source = table.rewardSource else { return rows.map { _ in [] } }
    let cache = cacheBox.cache(grid: plan.selections, byteLimit: memoryBudgetBytes / 4)
    return try mapRows(table, source, rows: rows, lambdaCount: plan.lambdas.count) {
      (workspace, row, stored, cells) throws(EsscherError) in
      try workspace.sampleErrors(
        cells, row: row, stored: stored, table: table, plan: plan, cache: cache, kernels: kernels)
    }
  }

  /// Calls `body` with a worker's workspace and the cells of each row, rows in parallel.
  private func mapRows<Result: Sendable>(
    _ table: RewardTable, _ source: any RewardSource, rows: Range<Int>, lambdaCount: Int,
    _ body:
      @Sendable (
        _ workspace: RowWorkspace, _ row: Int, _ stored: Int, _ cells: ReadRows
      ) throws(EsscherError) -> Result
  ) throws(EsscherError) -> [Result] {
    let layout = WorkerLayout(source: source, table: table, backend: self)
    let bytes = layout.bytesPerWorker(lambdaCount: lambdaCount)
    let limit = scratchLimit
    let workers = max(1, min(threads, limit / max(1, bytes)))
    var results = [Result?](repeating: nil, count: rows.count)
    var failure: EsscherError?
    unsafe results.withUnsafeMutableBufferPointer { buffer in
      let slots = unsafe DisjointSlots(buffer)
      do throws(EsscherError) {
        try ParallelTiles.forEach(
          count: rows.count, chunk: 1, threads: workers,
          makeScratch: { () throws(EsscherError) in
            layout.makeScratch(
              lambdaCount: lambdaCount,
              memory: bytes > limit
                ? try ScratchMemory(spooling: bytes) : ScratchMemory(bytes: bytes))
          },
          body: { (offsets: Range<Int>, scratch: WorkerScratch) throws(EsscherError) in
            for offset in offsets {
              let row = rows.lowerBound + offset
              let stored = source.sampleCount(row: row)
              let cells = try scratch.read(row, stored: stored, source: source, table: table)
              slots.set(offset, try body(scratch.workspace, row, stored, cells))
            }
          })
      } catch { failure = error }
    }
    if let failure { throw failure }
    return results.compactMap(\.self)
  }
}

extension WorkerScratch {
  /// Reads the cells of one row.
  func read(
    _ row: Int, stored: Int, source: any RewardSource, table: RewardTable
  ) throws(EsscherError) -> ReadRows {
    try unsafe Self.copy(source, row, stored, rewards)
    if let source = table.gold { try unsafe Self.copy(source, row, stored, gold) }
    if let source = table.logWeights { try unsafe Self.copy(source, row, stored, logWeights) }
    guard let base = unsafe rewards.baseAddress else {
      throw EsscherError(.internal, "a read buffer has no memory")
    }
    return unsafe ReadRows(
      rewards: base, gold: table.gold == nil ? nil : gold.baseAddress,
      logWeights: table.logWeights == nil ? nil : logWeights.baseAddress)
  }

  private static func copy(
    _ source: any RewardSource, _ row: Int, _ stored: Int,
    _ buffer: UnsafeMutableBufferPointer<Double>
  ) throws(EsscherError) {
    let part = unsafe UnsafeMutableBufferPointer(rebasing: buffer[..<stored])
    try unsafe source.copyDoubles(rows: row..<row + 1, columns: nil, to: part)
  }
}

extension RowWorkspace {
  func sampleErrors(
    _ cells: ReadRows, row: Int, stored: Int, table: RewardTable, plan: StatisticsPlan,
    cache: OrderStatisticCache, kernels: CPUKernels
  ) throws(EsscherError) -> [SampleErrors] {
    let dropped = try load(
      cells, stored: stored, row: row, table: table, missing: plan.missing, kernels: kernels)
    guard count > 0 else { return [] }
    sort()
    // Not as a sorted row: gold is left as it is within ties, since each sample is left out in turn.
    ties.removeAll(keepingCapacity: true)
    let summary = try summarise(
      sorted: false, ranked: false, dropped: dropped, row: row, table: table, kernels: kernels)
    _ = findTies()
    findRanks()
    let sums = unsafe [TiltSums](unsafeUninitializedCapacity: plan.lambdas.count) {
      buffer, written in
      guard let output = buffer.baseAddress else { return }
      _ = unsafe sweep(
        lambdas: plan.lambdas, summary: summary, ranked: true, squared: false,
        storage: table.rewardSource?.storage ?? .float64, kernels: kernels, to: output)
      written = plan.lambdas.count
    }
    unsafe kernels.shift(values, count, summary.centre, summary.correction, shifted)
    rankedCount = 0
    let samples = unsafe SampleRow(
      count: count, rewards: shifted, gold: hasGold ? UnsafePointer(gold) : nil, scratch: rank)
    var found = [Double](repeating: 0, count: SampleErrors.sumCount)
    var errors = plan.lambdas.enumerated().map { index, lambda in
      guard count > 1 else { return SampleErrors() }
      // The ranks have done their work in the sweep.
      unsafe kernels.tailWeights(values, count, lambda, rank)
      let parameters = SampleErrors.parameters(
        lambda: lambda, sums: sums[index], highest: summary.highest)
      let isDefined = unsafe found.withUnsafeMutableBufferPointer { found in
        guard let target = found.baseAddress else { return false }
        return unsafe kernels.sampleErrors(
          shifted, rank, samples.gold, kernelWeights, count, parameters, target)
      }
      return isDefined
        ? SampleErrors(tilt: lambda, count: count, sums: found, hasGold: hasGold) : SampleErrors()
    }
    if plan.fewestSamples < count {
      cache.forEach(sampleCount: count - 1) { _, weights in
        errors.append(SampleErrors(bestOf: weights, row: samples, ties: ties))
      }
      return errors
    }
    for law in plan.selections {
      errors.append(
        law.fewestSamples < count
          ? SampleErrors(
            bestOf: OrderStatisticWeights(sampleCount: count - 1, selection: law), row: samples,
            ties: ties) : SampleErrors())
    }
    return errors
  }
}

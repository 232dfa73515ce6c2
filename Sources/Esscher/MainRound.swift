// SPDX-License-Identifier: Apache-2.0
// One round with every statistic of every point, prompts streamed into sums.

internal import EsscherCPU
internal import EsscherCore

struct MainRound {
  let scan: MatrixScan
  let request: FrontierRequest
  let promptCount: Int

  /// Prompts whose values are held at once: few enough that the threads' caches still hold them when they are added
  /// point by point (20 KiB each at 64 lambdas), and enough to share among threads.
  private static func rowsAtOnce(threads: Int) -> Int { min(256, 48 * max(2, threads)) }
  /// Two digits; of more prompts than a block has, the block takes as much again.
  private static let bytesPerSum = 16

  /// Evaluates a grid.
  ///
  /// - Parameters:
  ///   - grid: lambdas and n; what it plans is evaluated.
  ///   - lines: what the replicates are kept of.
  ///   - stage: name for progress.
  ///   - watch: sees each tile.
  func run(
    _ grid: PointGrid, lines: [BootstrapLine], stage: String,
    watch: (StatisticsTable) -> Void = { _ in }
  ) throws(EsscherError) -> FrontierAccumulator {
    let isWeighted = scan.table.logWeights != nil
    let plan = StatisticsPlan(
      lambdas: grid.planned, selections: isWeighted ? [] : grid.selections, sorted: true,
      tail: !isWeighted && !grid.planned.isEmpty, missing: request.missing)
    try checkReplicates(columns: BootstrapLine.columns(lines).count)
    let (backend, observer) = (scan.backend, scan.observer)
    let rowsAtOnce = Self.rowsAtOnce(threads: backend.threads)
    let corrects = request.biasCorrect
    // Errors over samples take another look at the rows: where one prompt has no others to be compared
    // with, and where the user looks at single prompts.
    let errors: CPUBackend? =
      promptCount == 1 || observer.promptPoints != nil
      ? CPUBackend(threads: backend.threads, memoryBudgetBytes: request.memoryBudgetBytes) : nil
    let key = grid.planned + lines.flatMap(\.key) + [errors == nil ? 0 : 1]
    return try scan.pass(
      "main \(plan.selections)", by: key,
      from: FrontierAccumulator(
        grid: grid, bootstrapLines: lines, replicates: request.resamples, seed: request.seed)
    ) {
      (accumulator) throws(EsscherError) in
      // Kept from tile to tile, for their memory.
      var columns: [Double] = []
      var indices: [Int] = []
      try scan.run(plan, stage: stage) { (table) throws(EsscherError) in
        watch(table)
        accumulator.add(table.methods)
        let sampleErrors = try errors?.sampleErrors(scan.table, rows: table.rows, plan: plan)
        columns.removeAll(keepingCapacity: true)
        indices.removeAll(keepingCapacity: true)
        for start in stride(from: 0, to: table.rows.count, by: rowsAtOnce) {
          var rows = ParallelTiles.map(
            count: min(rowsAtOnce, table.rows.count - start), threads: backend.threads,
            makeScratch: { TiltTails() },
            body: { index, tails in
              PromptRow(
                table, offset: start + index, lambdas: plan.lambdas, isWeighted: isWeighted,
                correctsBias: corrects, tails: tails)
            })
          if let sampleErrors {
            for index in rows.indices { rows[index].errors = sampleErrors[start + index] }
          }
          rows.removeAll { $0.summary.sampleCount == 0 }
          accumulator.add(rows, columns: &columns, threads: backend.threads)
          indices += rows.map(\.row)
          guard let write = observer.promptPoints else { continue }
          for row in rows {
            try write(PromptLines(grid: grid, row: row, hasGold: scan.table.gold != nil).points)
          }
        }
        try accumulator.add(columns: columns, indices: indices, backend: backend)
      }
    }
  }

  /// Replicates are kept whole, so that one pass suffices and shards can be merged.
  func checkReplicates(columns: Int) throws(EsscherError) {
    // What shards have kept, a merge keeps as well.
    if scan.sweep != nil, !scan.isShard { return }
    let limit = request.memoryBudgetBytes / 2 / (Self.bytesPerSum * (columns + 1))
    guard request.resamples > limit else { return }
    throw EsscherError(
      .usage,
      "--resamples \(request.resamples) of \(columns) columns need "
        + "\((request.resamples * Self.bytesPerSum * (columns + 1)) >> 20) MiB, more than half of --memory-budget; ask "
        + "for at most \(limit), for fewer points, or raise the budget")
  }
}

// SPDX-License-Identifier: Apache-2.0
// The whole run, in the order of the picture in the README: overview, grids, the main round, the
// efficiency rounds, the report.

internal import EsscherCPU
internal import EsscherCore

struct FrontierPipeline {
  private(set) var scan: MatrixScan
  let request: FrontierRequest

  /// Runs every round and assembles the points.
  mutating func run(clock: inout StageClock) throws(EsscherError) -> FrontierResult {
    try checkShapes(scan.table)
    scan = try scan.checkingLogProbabilities(missing: request.missing)
    let overview = try clock.time("reading") { () throws(EsscherError) in
      try MatrixOverview(scan, missing: request.missing)
    }
    let grid = try clock.time("grids") { () throws(EsscherError) in
      try PointGrid(request, scan: scan, overview: overview)
    }
    let accumulator = try clock.time("statistics") { () throws(EsscherError) in
      try accumulate(grid, overview)
    }
    let efficiency = try clock.time("efficiency") { () throws(EsscherError) in
      try Efficiency(accumulator, scan: scan, overview: overview, request: request)
    }
    var klEstimates: [Int: Double] = [:]
    if scan.table.logProbabilities != nil {
      klEstimates = try clock.time("log-probabilities") { () throws(EsscherError) in
        try scan.klEstimates(grid.selections, missing: request.missing)
      }
    }
    let assembler = PointAssembler(
      label: scan.table.label, hasGold: scan.table.gold != nil,
      isWeighted: scan.table.logWeights != nil, request: request, overview: overview,
      accumulator: accumulator, efficiency: efficiency, klEstimates: klEstimates)
    return FrontierResult(
      overview: overview, points: assembler.points,
      warnings: scan.table.notes + overview.notes + grid.notes)
  }

  /// The main round: every statistic of every point, prompts streamed into sums.
  private func accumulate(
    _ grid: PointGrid, _ overview: MatrixOverview
  ) throws(EsscherError) -> FrontierAccumulator {
    let isWeighted = scan.table.logWeights != nil
    let plan = StatisticsPlan(
      lambdas: grid.planned, selections: isWeighted ? [] : grid.selections, sorted: true,
      tail: !isWeighted && !grid.planned.isEmpty, missing: request.missing)
    let lines = PointAssembler.bootstrapLines(grid, isWeighted: isWeighted)
    try checkReplicates(lines: lines.count)
    var accumulator = FrontierAccumulator(
      grid: grid, bootstrapLines: lines,
      hasGold: scan.table.gold != nil, replicates: request.resamples, seed: request.seed)
    let (backend, observer) = (scan.backend, scan.observer)
    let corrects = request.biasCorrect
    // Errors over samples take another look at the rows: where one prompt has no others to be compared
    // with, and where the user looks at single prompts.
    let errors: CPUBackend? =
      overview.promptCount == 1 || observer.promptPoints != nil
      ? CPUBackend(threads: backend.threads, memoryBudgetBytes: request.memoryBudgetBytes) : nil
    try scan.run(plan, stage: "computing") { (table) throws(EsscherError) in
      let sampleErrors = try errors?.sampleErrors(scan.table, rows: table.rows, plan: plan)
      let rows = ParallelTiles.map(count: table.rows.count, threads: backend.threads) { offset in
        var row = PromptRow(
          table, offset: offset, lambdas: plan.lambdas, isWeighted: isWeighted,
          correctsBias: corrects)
        if let sampleErrors { row.errors = sampleErrors[offset] }
        return row
      }.filter { $0.summary.sampleCount > 0 }
      try accumulator.add(rows, backend: backend)
      guard let write = observer.promptPoints else { return }
      for row in rows {
        try write(PromptLines(grid: grid, row: row, hasGold: scan.table.gold != nil).points)
      }
    }
    return accumulator
  }

  /// Replicates are kept whole, so that one pass suffices and shards can be merged.
  private func checkReplicates(lines: Int) throws(EsscherError) {
    let columns = lines * (scan.table.gold == nil ? 3 : 4)
    let limit = request.memoryBudgetBytes / 2 / (8 * (columns + 1))
    guard request.resamples > limit else { return }
    throw EsscherError(
      .usage,
      "--resamples \(request.resamples) of \(columns) columns need "
        + "\(request.resamples * 8 * (columns + 1) >> 20) MiB, more than half of --memory-budget; ask "
        + "for at most \(limit), for fewer points, or raise the budget")
  }

  /// Gold and log weights belong to the same samples as the rewards.
  private func checkShapes(_ table: RewardTable) throws(EsscherError) {
    guard case .cells(let rewards) = table.rewards else {
      guard table.gold == nil && table.logWeights == nil && table.logProbabilities == nil else {
        throw EsscherError(
          .badInput,
          "counts of correct samples have no single samples that a gold reward, log "
            + "weights or log-probabilities could belong to; give one reward a sample instead",
          at: EsscherError.Location(file: table.inputs.first?.name))
      }
      return
    }
    for other in [table.gold, table.logWeights, table.logProbabilities].compactMap({ $0 }) {
      guard other.rowCount == rewards.rowCount else {
        throw EsscherError(
          .badInput,
          "\(other.rowCount) prompts, but \(rewards.name) has \(rewards.rowCount); both must hold "
            + "the same samples (in text, --column prompt=NAME says which column tells prompts apart)",
          at: EsscherError.Location(file: other.name))
      }
      for row in 0..<rewards.rowCount
      where other.sampleCount(row: row) != rewards.sampleCount(row: row) {
        throw EsscherError(
          .badInput,
          "\(other.sampleCount(row: row)) samples, but \(rewards.name) has "
            + "\(rewards.sampleCount(row: row)) there; both must hold the same samples",
          at: EsscherError.Location(file: other.name, row: row))
      }
    }
  }
}

/// What a run found, before provenance.
struct FrontierResult {
  var overview: MatrixOverview
  var points: [FrontierPoint]
  var warnings: [String]
}

/// Wall time by stage.
struct StageClock {
  private(set) var stages: [StageTime] = []

  mutating func time<Result>(
    _ stage: String, _ body: () throws(EsscherError) -> Result
  ) throws(EsscherError) -> Result {
    let clock = ContinuousClock()
    let start = clock.now
    let result = try body()
    let elapsed = start.duration(to: clock.now).components
    stages.append(
      StageTime(
        stage: stage,
        seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18))
    return result
  }
}

// SPDX-License-Identifier: Apache-2.0
// The whole run, in the order of the picture in the README: overview, grids, the main round, the
// efficiency rounds, the report.

internal import EsscherCore

struct FrontierPipeline {
  let scan: MatrixScan
  let request: FrontierRequest

  /// Runs every round and assembles the points.
  func run(clock: inout StageClock) throws(EsscherError) -> FrontierResult {
    try checkShapes(scan.table)
    let scan = try scan.checkingLogProbabilities(missing: request.missing)
    let unread = MatrixOverview(unread: scan, request)
    var overview = try clock.time("reading") { () throws(EsscherError) in
      if let unread { return unread }
      return try MatrixOverview(
        scan, missing: request.missing, probes: try GridProbes(request, scan: scan).lambdas)
    }
    if scan.sweep != nil, let gold = GoldFrontier.scan(scan) {
      // Asked for in the first round already, so that none is spent on it later.
      _ = try scan.attempt { () throws(EsscherError) in
        try MatrixOverview(gold, missing: request.missing)
      }
    }
    let placed = try clock.attempt("grids", scan) { () throws(EsscherError) in
      try PointGrid(request, scan: scan, overview: overview)
    }
    let studied = try clock.attempt("policies", scan) { () throws(EsscherError) in
      try PolicyStudy(request.policies, scan: scan, overview: overview, request: request)
    }
    guard let placed, let policies = studied else { throw Sweep.suspension }
    var grid = placed
    grid.add(policies.lambdas)
    let isWeighted = scan.table.logWeights != nil
    let hasGold = scan.table.gold != nil
    let reportLines = PointAssembler.bootstrapLines(grid, isWeighted: isWeighted, hasGold: hasGold)
    let studyLines = GoldStudy.bootstrapLines(grid, hasGold: hasGold)
    let policyLines = policies.bootstrapLines(grid)
    let round = MainRound(scan: scan, request: request, promptCount: overview.promptCount)
    try round.checkReplicates(
      columns: replicateColumns(
        grid, lines: reportLines + studyLines + policyLines, hasGold: hasGold))
    var rows = OverviewSums()
    let accumulator = try clock.time("statistics") { () throws(EsscherError) in
      try round.run(grid, lines: reportLines + studyLines + policyLines, stage: "computing") {
        if unread != nil { rows.addRows(of: $0) }
      }
    }
    if unread != nil { overview = MatrixOverview(rows) }
    let studies = try Studies(
      accumulator, scan: scan, request: request, overview: overview, reportLines: reportLines,
      clock: &clock)
    let assembler = PointAssembler(
      label: scan.table.label, hasGold: hasGold, isWeighted: isWeighted, request: request,
      overview: overview, accumulator: accumulator,
      intervals: LineIntervals(
        accumulator, confidence: request.confidence, threads: scan.backend.threads),
      efficiency: studies.efficiency,
      gold: studies.gold, klEstimates: studies.klEstimates)
    var points =
      assembler.points
      + policies.points(
        assembler, firstLine: reportLines.count + studyLines.count,
        largestGain: overview.largestGain)
    points +=
      studies.soft?.points(label: scan.table.label, hasGold: hasGold, overview: overview) ?? []
    if let equal = studies.equal {
      equal.addAllocations(&points, accumulator, studies.efficiency)
      points += equal.points(label: scan.table.label, hasGold: hasGold, overview: overview)
    }
    for index in points.indices { points[index].addWinRateLimit() }
    return FrontierResult(
      overview: overview, points: points.inCurveOrder, tilts: accumulator.methods,
      warnings: scan.table.notes + overview.notes + grid.notes + (studies.gold?.warnings ?? []))
  }

  /// Columns of replicates that all rounds keep at once, those of gold's own frontier as for a wide range.
  private func replicateColumns(
    _ grid: PointGrid, lines: [BootstrapLine], hasGold: Bool
  ) -> Int {
    let quantities = hasGold ? 4 : 3
    // Efficiency keeps gain and KL of every lambda it tries, of which there are a few for each law.
    var columns = BootstrapLine.columns(lines).count + 8 * grid.selections.count
    if hasGold { columns += 2 * GoldFrontier.usualPoints + lines.count + quantities }
    if request.curves.contains(.equalKL) {
      columns += quantities * max(grid.budgets.count, grid.selections.count)
    }
    if request.curves.contains(.softBestOfN) { columns += quantities * 8 * grid.selections.count }
    return columns
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
      for row in scan.rowsAtHand
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
  var tilts: TiltMethods?
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

  /// As ``time(_:_:)``; nil where the stage waits for other shards.
  mutating func attempt<Result>(
    _ stage: String, _ scan: MatrixScan, _ body: () throws(EsscherError) -> Result
  ) throws(EsscherError) -> Result? {
    try time(stage) { () throws(EsscherError) in try scan.attempt(body) }
  }
}

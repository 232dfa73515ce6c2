// SPDX-License-Identifier: Apache-2.0
// What is worked out beside the main round's lines. None of the studies needs another one, so that in a sweep of
// shards their passes share rounds.

internal import EsscherCore

/// The studies of one reward.
struct Studies {
  let efficiency: Efficiency
  /// Nil without gold.
  let gold: GoldStudy?
  let klEstimates: [Int: Double]
  /// Nil where the curve was not asked for.
  let soft: SoftBestOfN?
  let equal: EqualKL?

  /// Runs them all.
  init(
    _ accumulator: FrontierAccumulator, scan: MatrixScan, request: FrontierRequest,
    overview: MatrixOverview, reportLines: [BootstrapLine], clock: inout StageClock
  ) throws(EsscherError) {
    let grid = accumulator.grid
    let isWeighted = scan.table.logWeights != nil
    var isWaiting = false
    func study<Result>(
      _ stage: String, _ body: () throws(EsscherError) -> Result
    ) throws(EsscherError) -> Result? {
      let result = try clock.attempt(stage, scan, body)
      if result == nil { isWaiting = true }
      return result
    }
    let efficiency = try study("efficiency") { () throws(EsscherError) in
      try Efficiency(
        accumulator, scan: scan, overview: overview, request: request,
        firstLine: reportLines.count - (isWeighted ? 0 : grid.selections.count))
    }
    gold =
      scan.table.gold == nil
      ? nil
      : try study("gold") { () throws(EsscherError) in
        try GoldStudy(
          accumulator, baseLine: reportLines.count, scan: scan, overview: overview,
          request: request)
      }
    let estimates =
      scan.table.logProbabilities == nil
      ? [:]
      : try study("log-probabilities") { () throws(EsscherError) in
        try scan.klEstimates(grid.selections, missing: request.missing)
      }
    soft =
      request.curves.contains(.softBestOfN)
      ? try study("soft best of n") { () throws(EsscherError) in
        let plan = try SoftBestOfN.plan(request, grid: grid, scan: scan, overview: overview)
        return try SoftBestOfN(plan, scan: scan, request: request)
      } : nil
    equal =
      request.curves.contains(.equalKL)
      ? try study("equal KL") { () throws(EsscherError) in
        try EqualKL(accumulator, scan: scan, request: request)
      } : nil
    guard let efficiency, let estimates, !isWaiting else { throw Sweep.suspension }
    self.efficiency = efficiency
    klEstimates = estimates
  }
}

// SPDX-License-Identifier: Apache-2.0
// A look at a few prompts, by which the first round already evaluates tilts near the default grid's ends.

internal import EsscherCPU
internal import EsscherCore

/// Lambdas around where the default grid will begin and end.
///
/// The ends are solved for on a few prompts. Six lambdas around each, evaluated in the round that reads the matrix
/// anyway, then most often give the end of all prompts by interpolation. Where the few are unlike the rest, or there
/// is none, the solver takes rounds of its own: no result depends on the look beyond the solver's tolerance.
struct GridProbes {
  /// Ascending; empty where no look is worth it.
  private(set) var lambdas: [Double] = []

  /// Fewer prompts than this cost no more in a whole round than in a look at some.
  private static let fewestPrompts = 64
  /// Prompts looked at: one of so many, and at most so many.
  private static let sparsity = 64
  private static let mostPrompts = 16
  /// Places in the matrix that they are taken from.
  private static let places = 4
  /// Steps between the lambdas around an end, in log lambda: they reach 30 % to both sides.
  private static let step = 0.12
  /// Relative accuracy of the KL on the few.
  private static let tolerance = 0.02

  init(_ request: FrontierRequest, scan: MatrixScan) {
    guard request.lambdas == nil, request.curves.contains(.tilt),
      case .cells(let source) = scan.table.rewards, source.rowCount >= Self.fewestPrompts
    else { return }
    // Always on the processor, so that the grid does not depend on the device beyond rounding.
    let backend = CPUBackend(
      threads: scan.backend.threads, memoryBudgetBytes: request.memoryBudgetBytes)
    let ends = try? Self.ends(
      MatrixScan(table: scan.table, backend: backend, observer: RunObserver()),
      blocks: Self.blocks(source.rowCount), missing: request.missing)
    // A cell that no estimator is defined on is for the round over all rows to report, the first one first.
    lambdas = (ends ?? []).flatMap { end in
      (0..<6).map { end * Elementary.exp(Self.step * (Double($0) - 2.5)) }
    }.sorted()
  }

  /// Rows of the look.
  private static func blocks(_ rowCount: Int) -> [Range<Int>] {
    let count = min(mostPrompts, rowCount / sparsity)
    let blocks = min(places, count)
    let size = count / blocks
    return (0..<blocks).map { block in
      let start = (2 * block + 1) * rowCount / (2 * blocks)
      return start..<min(rowCount, start + size)
    }
  }

  /// The ends of the default grid, were these rows all.
  private static func ends(
    _ scan: MatrixScan, blocks: [Range<Int>], missing: MissingPolicy
  ) throws(EsscherError) -> [Double] {
    var (count, ceiling, variance) = (0.0, 0.0, 0.0)
    for rows in blocks {
      let table = try scan.backend.reduce(
        scan.table, rows: rows, plan: StatisticsPlan(missing: missing))
      for summary in table.summaries where summary.sampleCount > 0 {
        count += 1
        ceiling += summary.ceiling
        variance += summary.variance
      }
    }
    guard count > 0, ceiling > 0 else { return [] }
    var solver = KLBudgetSolver(
      budgets: PointGrid.defaultEnds(ceiling: ceiling / count),
      standardDeviation: (variance / count).squareRoot(), tolerance: tolerance,
      ceiling: ceiling / count)
    while !solver.pending.isEmpty {
      var sums = EvaluationSums(solver.pending)
      let plan = StatisticsPlan(lambdas: solver.pending, missing: missing)
      for rows in blocks {
        sums.add(
          try scan.backend.reduce(scan.table, rows: rows, plan: plan),
          threads: scan.backend.threads)
      }
      solver.record(sums.means)
    }
    return solver.lambdas.compactMap(\.self)
  }
}

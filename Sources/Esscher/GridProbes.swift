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

  /// Name of the pass whose result every process finds by itself.
  static let pass = "look"

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

  init(_ request: FrontierRequest, scan: MatrixScan) throws(EsscherError) {
    guard request.lambdas == nil, request.curves.contains(.tilt),
      case .cells(let source) = scan.table.rewards, source.rowCount >= Self.fewestPrompts
    else { return }
    // Always on the processor, so that the grid does not depend on the device beyond rounding.
    let backend = CPUBackend(
      threads: scan.backend.threads, memoryBudgetBytes: request.memoryBudgetBytes)
    let look = Look(
      scan: scan, backend: backend, blocks: Self.blocks(source.rowCount), missing: request.missing)
    lambdas = try look.ends().flatMap { end in
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

  /// The ends of the default grid, were a few prompts all.
  private struct Look {
    let scan: MatrixScan
    let backend: CPUBackend
    let blocks: [Range<Int>]
    let missing: MissingPolicy

    /// Where every process of a sweep can read these prompts, each looks by itself, and no round is spent on it.
    func ends() throws(EsscherError) -> [Double] {
      guard scan.canLookAnywhere else { return try solve() }
      return try scan.pass(GridProbes.pass, from: SharedList()) { (list) throws(EsscherError) in
        list.values = try solve()
      }.values
    }

    /// Runs the solver; of prompts with a cell that no estimator is defined on, nothing comes: the round over all
    /// rows reports the first such cell.
    private func solve() throws(EsscherError) -> [Double] {
      do throws(EsscherError) {
        let first = try part("few prompts", from: PromptSums(count: 2)) { sums, table in
          for summary in table.summaries where summary.sampleCount > 0 {
            sums.promptCount += 1
            sums.sums[0].add(summary.ceiling)
            sums.sums[1].add(summary.variance)
          }
        }
        let (ceiling, variance) = (first.means[0], first.means[1])
        guard first.promptCount > 0, ceiling > 0 else { return [] }
        var solver = KLBudgetSolver(
          budgets: PointGrid.defaultEnds(ceiling: ceiling),
          standardDeviation: variance.squareRoot(), tolerance: GridProbes.tolerance,
          ceiling: ceiling)
        while !solver.pending.isEmpty {
          let threads = backend.threads
          let sums = try part(
            "tilts of few prompts", by: solver.pending, from: EvaluationSums(solver.pending)
          ) { sums, table in
            sums.add(table, threads: threads)
          }
          solver.record(sums.means)
        }
        return solver.lambdas.compactMap(\.self)
      } catch {
        guard error.code != .anotherRound else { throw error }
        return []
      }
    }

    /// One pass over the few prompts, or over those that are a shard's.
    private func part<Partial: PartialResult>(
      _ name: String, by lambdas: [Double] = [], from empty: Partial,
      _ add: (inout Partial, StatisticsTable) -> Void
    ) throws(EsscherError) -> Partial {
      let plan = StatisticsPlan(lambdas: lambdas, squared: false, missing: missing)
      func run(
        _ sums: inout Partial, _ rows: [Range<Int>]
      ) throws(EsscherError) {
        for rows in rows where !rows.isEmpty {
          add(&sums, try backend.reduce(scan.table, rows: rows, plan: plan))
        }
      }
      guard !scan.canLookAnywhere else {
        var sums = empty
        try run(&sums, blocks)
        return sums
      }
      return try scan.pass(name, by: lambdas, from: empty) { (sums) throws(EsscherError) in
        try run(&sums, blocks.map { $0.clamped(to: scan.rows) })
      }
    }
  }
}

/// A list that is the same in every part.
private struct SharedList: PartialResult {
  var values: [Double] = []

  mutating func merge(_ other: SharedList) {}

  mutating func code(_ coder: inout StateCoder) throws(EsscherError) { try coder.code(&values) }
}

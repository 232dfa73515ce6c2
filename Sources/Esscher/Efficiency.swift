// SPDX-License-Identifier: Apache-2.0
// How much of what its KL could buy best-of-n, or a relative of it, reaches, in the empirical world.

internal import EsscherCore

/// V-statistic gain over the plug-in frontier's gain at the same mean KL, for each law.
///
/// Both belong to the law that the samples themselves form, so the ratio is at most 1 (theory §1.7).
/// The frontier's gain at a KL is the minimum over beta of an upper bound (DUAL), taken over every
/// lambda evaluated so far; an inexact minimum can only lower the ratio.
struct Efficiency {
  /// By law of the plan; nil where undefined.
  private(set) var values: [Double?] = []
  /// The frontier's gain at best-of-n's mean KL, one lambda for all prompts, by index of n.
  private(set) var frontierGains: [Double] = []
  /// By index of n, where there are replicates.
  private(set) var intervals: [(low: Double, high: Double)?] = []

  /// Relative accuracy of the KL: the bound's error is of its square.
  private static let tolerance = 1e-7

  init(
    _ accumulator: FrontierAccumulator, scan: MatrixScan, overview: MatrixOverview,
    request: FrontierRequest, firstLine: Int
  ) throws(EsscherError) {
    let grid = accumulator.grid
    guard accumulator.points.count == grid.planned.count + grid.selections.count,
      scan.table.logWeights == nil
    else {
      intervals = grid.selections.map { _ in nil }
      return
    }
    let known = grid.planned.indices.filter { grid.planned[$0] > 0 }.map { index in
      let means = accumulator.points[index].means
      return KLBudgetSolver.Evaluation(
        lambda: grid.planned[index], kl: means.empiricalKL, variance: means.spread,
        gain: means.empiricalGain)
    }
    let means = grid.selections.indices.map { accumulator.points[grid.planned.count + $0].means }
    let limit = overview.ceiling * (1 - 1e-12)
    let targets = means.filter { $0.spread > 0 && $0.replacementKL > 0 && $0.replacementKL < limit }
      .map(\.replacementKL)
    var evaluations = known
    var matched: [Double: Double] = [:]
    if !targets.isEmpty {
      let solved = try scan.solve(
        budgets: targets, overview: overview, tolerance: Self.tolerance, known: known,
        missing: request.missing, stage: "comparing best-of-n")
      evaluations = solved.evaluations
      for (kl, solution) in zip(targets, solved.solutions) { matched[kl] = solution?.lambda }
    }
    frontierGains = means.map { point in
      guard point.replacementKL > 0 else { return 0 }
      var frontier = overview.largestGain
      for evaluation in evaluations where evaluation.lambda > 0 {
        frontier = min(frontier, evaluation.gainBound(atKL: point.replacementKL))
      }
      return frontier
    }
    values = zip(means, frontierGains).map { point, frontier in
      guard point.spread > 0, point.replacementKL > 0 else { return nil }
      // At most 1 by the bound; equality (two-valued rewards) may round above it.
      return frontier > 0 ? min(1, point.spread / frontier) : nil
    }
    guard request.resamples > 0, accumulator.promptCount > 1 else {
      intervals = grid.selections.map { _ in nil }
      return
    }
    let curves = try ReplicateFrontier(
      Array(Set(matched.values)).sorted(), scan: scan, request: request)
    intervals = means.indices.map { index in
      guard let value = values[index], let lambda = matched[means[index].replacementKL] else {
        return nil
      }
      return curves.efficiency(
        value, lambda: lambda, point: means[index],
        gains: accumulator.replicates(line: firstLine + index, .replacementGain),
        kls: accumulator.replicates(line: firstLine + index, .replacementKL),
        confidence: request.confidence)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// How much of what its KL could buy best-of-n, or a relative of it, reaches, in the empirical world.

internal import EsscherCPU
internal import EsscherCore

/// V-statistic gain over the plug-in frontier's gain at the same mean KL, for each law.
///
/// Both belong to the law that the samples themselves form, so the ratio is at most 1 (theory §1.7).
/// The frontier's gain at a KL is read off the main round's points where those are so near that the polynomial
/// through them is known to be right (``FrontierInterpolation``). Elsewhere it is the minimum over beta of an upper
/// bound (DUAL), taken over every lambda evaluated so far, and at the nearest one, for which a round is spent, less
/// the bound's own error to second order, (δ − D)²·β³/(2v): from g' = β and g'' = −β³/v.
struct Efficiency {
  /// By law of the plan; nil where undefined.
  private(set) var values: [Double?] = []
  /// The frontier's gain at best-of-n's mean KL, one lambda for all prompts, by index of n.
  private(set) var frontierGains: [Double] = []
  /// By index of n, where there are replicates.
  private(set) var intervals: [(low: Double, high: Double)?] = []

  /// Relative accuracy ε of the KL. Of the gain the bound's error is (δ − D)²β³/(2v g); with D ~ λ²v/2 and g ~ λv,
  /// ε²/8. What is left after subtracting that is of the order of ε³ = 1e-15. The second is for KLs next to the
  /// ceiling, where v vanishes and the bound's error is larger: there the bound is left as it is.
  private static let tolerances = [1e-5, 1e-7]
  /// Share of the gain up to which the bound's error is one to second order.
  private static let largestBend = 1e-9

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
    // A merge does not know what the members of an ensemble are stored as.
    let frontier = GridFrontier(
      accumulator, largestGain: overview.largestGain,
      precision: request.precision
        ?? (scan.scope.isEmpty ? scan.table.defaultPrecision : .double))
    // The points' replicates are those of the samples' own law unless that is corrected.
    let isOwn = !request.biasCorrect || request.resamples == 0
    var readings: [Double: Double] = [:]
    var targets: [Double] = []
    for point in means
    where point.spread > 0 && point.replacementKL > 0 && point.replacementKL < limit {
      let kl = point.replacementKL
      if isOwn, let reading = frontier.gain(atKL: kl) {
        readings[kl] = reading
      } else {
        targets.append(kl)
      }
    }
    var evaluations = known
    var curves = ReplicateFrontier()
    var matched: [Double: Double] = [:]
    if !targets.isEmpty {
      var open = targets
      for tolerance in Self.tolerances where !open.isEmpty {
        var solver = KLBudgetSolver(
          budgets: open, standardDeviation: overview.standardDeviation, tolerance: tolerance,
          known: evaluations, ceiling: overview.ceiling)
        // Replicates are kept of what these rounds evaluate: also of points of the grid that solve a target.
        var next = Set(solver.pending)
        for (target, solution) in zip(open, solver.solutions) {
          guard let solution, (solution.kl - target).magnitude <= tolerance * target else {
            continue
          }
          if !curves.holds(solution.lambda) { next.insert(solution.lambda) }
        }
        while !next.isEmpty {
          let round = try curves.evaluate(next.sorted(), scan: scan, request: request)
          evaluations += round
          solver.record(round)
          next = Set(solver.pending)
        }
        for (kl, solution) in zip(open, solver.solutions) { matched[kl] = solution?.lambda }
        open = zip(open, solver.solutions).filter { target, solution in
          solution.map { Self.bend($0, atKL: target) == nil } ?? false
        }.map(\.0)
      }
    }
    frontierGains = means.map { point in
      let kl = point.replacementKL
      guard kl > 0 else { return 0 }
      return readings[kl]
        ?? Self.frontierGain(evaluations, atKL: kl, largest: overview.largestGain)
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
    let lines = readings.isEmpty ? [] : frontier.replicateLines(threads: scan.backend.threads)
    // Constants, which threads may share.
    let (efficiencies, readOff, lambdas, replicates) = (values, readings, matched, curves)
    intervals = ParallelTiles.map(count: means.count, threads: scan.backend.threads) { index in
      guard let value = efficiencies[index] else { return nil }
      let kl = means[index].replacementKL
      let gains = accumulator.replicates(line: firstLine + index, .replacementGain)
      let kls = accumulator.replicates(line: firstLine + index, .replacementKL)
      if let reading = readOff[kl] {
        return frontier.efficiency(
          reading, atKL: kl, gains: gains, kls: kls, lines: lines,
          confidence: request.confidence)
      }
      guard let lambda = lambdas[kl] else { return nil }
      return replicates.efficiency(
        value, lambda: lambda, point: means[index], gains: gains, kls: kls,
        confidence: request.confidence)
    }
  }

  /// Gain of the frontier at a KL, from evaluations of which one is near it.
  private static func frontierGain(
    _ evaluations: [KLBudgetSolver.Evaluation], atKL kl: Double, largest: Double
  ) -> Double {
    var frontier = largest
    var nearest: KLBudgetSolver.Evaluation?
    for evaluation in evaluations where evaluation.lambda > 0 {
      frontier = min(frontier, evaluation.gainBound(atKL: kl))
      if (evaluation.kl - kl).magnitude < nearest.map({ ($0.kl - kl).magnitude }) ?? .infinity {
        nearest = evaluation
      }
    }
    guard let nearest, let bend = bend(nearest, atKL: kl) else { return frontier }
    return min(frontier, nearest.gainBound(atKL: kl) - bend)
  }

  /// The error of an evaluation's bound to second order; nil where that is too large to be all of it.
  private static func bend(
    _ evaluation: KLBudgetSolver.Evaluation, atKL kl: Double
  ) -> Double? {
    let (rest, beta) = (kl - evaluation.kl, 1 / evaluation.lambda)
    guard rest != 0 else { return 0 }
    let bend = rest * rest * beta * beta * beta / (2 * evaluation.variance)
    return bend <= largestBend * evaluation.gain ? bend : nil
  }
}

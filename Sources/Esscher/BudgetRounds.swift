// SPDX-License-Identifier: Apache-2.0
// Rounds that look for the common lambda of given KL budgets, one pass over the matrix each.

internal import EsscherCPU
internal import EsscherCore

extension MatrixScan {
  /// Mean KL, variance and gain over prompts at each lambda.
  func evaluate(
    _ lambdas: [Double], missing: MissingPolicy, stage: String
  ) throws(EsscherError) -> [KLBudgetSolver.Evaluation] {
    var kl = lambdas.map { _ in CompensatedSum() }
    var variance = kl
    var gain = kl
    var prompts = 0
    let threads = backend.threads
    try run(StatisticsPlan(lambdas: lambdas, missing: missing), stage: stage) { table in
      let estimates = ParallelTiles.map(count: table.rows.count, threads: threads) { offset in
        lambdas.indices.map { index in
          TiltEstimate(
            lambda: lambdas[index], sums: table.tilts[offset * lambdas.count + index],
            summary: table.summaries[offset])
        }
      }
      for (offset, row) in estimates.enumerated() where table.summaries[offset].sampleCount > 0 {
        prompts += 1
        for (index, estimate) in row.enumerated() {
          kl[index].add(estimate.kl)
          variance[index].add(estimate.variance)
          gain[index].add(estimate.gain)
        }
      }
    }
    let count = Double(prompts)
    return lambdas.indices.map { index in
      KLBudgetSolver.Evaluation(
        lambda: lambdas[index], kl: kl[index].value / count,
        variance: variance[index].value / count, gain: gain[index].value / count)
    }
  }

  /// Runs rounds until every budget is solved.
  ///
  /// - Parameter budgets: nats, each in (0, mean ceiling); or gains, each in (0, mean of max r − mean r).
  /// - Returns: the solution of each budget and every evaluation made on the way.
  func solve(
    budgets: [Double], of quantity: KLBudgetSolver.Quantity = .kl, overview: MatrixOverview,
    tolerance: Double, known: [KLBudgetSolver.Evaluation] = [], missing: MissingPolicy,
    stage: String
  ) throws(EsscherError) -> (
    solutions: [KLBudgetSolver.Evaluation?], evaluations: [KLBudgetSolver.Evaluation]
  ) {
    var solver = KLBudgetSolver(
      budgets: budgets, standardDeviation: overview.standardDeviation, tolerance: tolerance,
      quantity: quantity, known: known)
    var evaluations = known
    while !solver.pending.isEmpty {
      let round = try evaluate(solver.pending, missing: missing, stage: stage)
      evaluations += round
      solver.record(round)
    }
    return (solver.solutions, evaluations)
  }
}

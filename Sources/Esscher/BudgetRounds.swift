// SPDX-License-Identifier: Apache-2.0
// Rounds that look for the common lambda of given KL budgets, one pass over the matrix each.

internal import EsscherCPU
internal import EsscherCore

extension MatrixScan {
  /// Mean KL, variance and gain over prompts at each lambda.
  func evaluate(
    _ lambdas: [Double], missing: MissingPolicy, stage: String
  ) throws(EsscherError) -> [KLBudgetSolver.Evaluation] {
    let threads = backend.threads
    return try pass("tilts", by: lambdas, from: EvaluationSums(lambdas)) {
      (sums) throws(EsscherError) in
      try run(StatisticsPlan(lambdas: lambdas, squared: false, missing: missing), stage: stage) {
        table in
        sums.add(table, threads: threads)
      }
    }.means
  }

  /// Runs rounds until every budget is solved.
  ///
  /// - Parameters:
  ///   - budgets: nats, each in (0, mean ceiling); or gains, each in (0, mean of max r − mean r).
  ///   - tolerance: relative error of the KL or gain.
  ///   - known: evaluations at hand.
  ///   - acceptsEstimates: a lambda read off its neighbours will do, where they say that it is near enough.
  /// - Returns: the nearest evaluation to each budget, its lambda, and every evaluation made on the way.
  func solve(
    budgets: [Double], of quantity: KLBudgetSolver.Quantity = .kl, overview: MatrixOverview,
    tolerance: Double, known: [KLBudgetSolver.Evaluation] = [], acceptsEstimates: Bool = false,
    missing: MissingPolicy, stage: String
  ) throws(EsscherError) -> (
    solutions: [KLBudgetSolver.Evaluation?], lambdas: [Double?],
    evaluations: [KLBudgetSolver.Evaluation]
  ) {
    var solver = KLBudgetSolver(
      budgets: budgets, standardDeviation: overview.standardDeviation, tolerance: tolerance,
      quantity: quantity, known: known, ceiling: overview.ceiling,
      acceptsEstimates: acceptsEstimates)
    var evaluations = known
    while !solver.pending.isEmpty {
      let round = try evaluate(solver.pending, missing: missing, stage: stage)
      evaluations += round
      solver.record(round)
    }
    return (solver.solutions, solver.lambdas, evaluations)
  }
}

/// Sums over prompts of what ``KLBudgetSolver`` goes by, for tables that come tile by tile.
struct EvaluationSums: PartialResult {
  let lambdas: [Double]
  private var kl: [ExactSum]
  private var variance: [ExactSum]
  private var gain: [ExactSum]
  private var prompts = 0

  init(_ lambdas: [Double]) {
    self.lambdas = lambdas
    kl = lambdas.map { _ in ExactSum() }
    variance = kl
    gain = kl
  }

  /// Adds the prompts of a table whose plan has these lambdas, in row order.
  ///
  /// - Returns: KL and gain of each prompt that has samples, one pair a lambda.
  @discardableResult
  mutating func add(_ table: StatisticsTable, threads: Int) -> [Double] {
    let kept = table.summaries.indices.filter { table.summaries[$0].sampleCount > 0 }
    let (count, lambdas) = (lambdas.count, lambdas)
    guard count > 0 else { return [] }
    let values = ParallelTiles.map(count: kept.count * count, threads: threads) { entry in
      let slot = kept[entry / count]
      let estimate = TiltEstimate(
        lambda: lambdas[entry % count], sums: table.tilts[slot * count + entry % count],
        summary: table.summaries[slot])
      return SIMD4(estimate.kl, estimate.gain, estimate.variance, 0)
    }
    prompts += kept.count
    var columns: [Double] = []
    columns.reserveCapacity(2 * values.count)
    for (entry, value) in values.enumerated() {
      kl[entry % count].add(value[0])
      gain[entry % count].add(value[1])
      variance[entry % count].add(value[2])
      columns.append(value[0])
      columns.append(value[1])
    }
    return columns
  }

  mutating func merge(_ other: EvaluationSums) {
    kl.merge(other.kl)
    variance.merge(other.variance)
    gain.merge(other.gain)
    prompts += other.prompts
  }

  mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.code(&kl)
    try coder.code(&variance)
    try coder.code(&gain)
    try coder.code(&prompts)
  }

  /// Means over the prompts.
  var means: [KLBudgetSolver.Evaluation] {
    let count = Double(prompts)
    return lambdas.indices.map { index in
      KLBudgetSolver.Evaluation(
        lambda: lambdas[index], kl: kl[index].value / count,
        variance: variance[index].value / count, gain: gain[index].value / count)
    }
  }
}

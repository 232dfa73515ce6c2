// SPDX-License-Identifier: Apache-2.0
// The frontiers of single prompts: for each prompt of a tile the lambda that spends a KL on it.

internal import EsscherCPU
internal import EsscherCore

/// Where on a prompt's own frontier a KL lies.
enum FrontierPlace: Equatable {
  /// KL 0: the base policy.
  case base
  /// Between: the tilt at this lambda, and the gain at exactly the KL.
  case tilt(lambda: Double, gain: Double)
  /// At the prompt's ceiling log(M/k_max) or above: lambda is infinite, the gain max r − mean r. A constant prompt
  /// has no other place but `base`.
  case top

  /// The gain of the place in a prompt.
  func gain(_ summary: RowSummary) -> Double {
    switch self {
    case .base: 0
    case .tilt(_, let gain): gain
    case .top: summary.highest
    }
  }

  /// A lambda that gives the place's weights. For `top` one so large that e^{lambda·d} vanishes below the
  /// maximum and lambda·d stays finite: ranges are between 1e-140 and 1e140.
  func lambda(_ summary: RowSummary) -> Double {
    switch self {
    case .base: 0
    case .tilt(let lambda, _): lambda
    case .top: summary.isConstant ? 0 : 1e150 / summary.reach
    }
  }
}

/// The searches of one prompt, one lambda a KL.
private struct PromptSearch: Sendable {
  /// Index of each KL's search in the solver; nil at the ends of the frontier.
  let searches: [Int?]
  var places: [FrontierPlace]
  let budgets: [Double]
  /// Smallest upper bound of the gain at each search's KL that an evaluation gave.
  var bounds: [Double]
  var solver: KLBudgetSolver

  init(kls: [Double], summary: RowSummary, tolerance: Double) {
    // At the ceiling itself lambda is infinite; below it by rounding only, as good as.
    let limit = summary.ceiling * (1 - 1e-12)
    var open: [Double] = []
    var searches: [Int?] = []
    places = kls.map { $0 > 0 ? .top : .base }
    for kl in kls {
      let isOpen = kl > 0 && kl < limit && !summary.isConstant
      searches.append(isOpen ? open.count : nil)
      if isOpen { open.append(kl) }
    }
    self.searches = searches
    budgets = open
    bounds = open.map { _ in summary.highest }
    solver = KLBudgetSolver(
      budgets: open, standardDeviation: summary.variance.squareRoot(), tolerance: tolerance)
  }

  mutating func record(_ evaluations: [KLBudgetSolver.Evaluation]) {
    solver.record(evaluations)
    for evaluation in evaluations {
      for (index, budget) in budgets.enumerated() {
        bounds[index] = min(bounds[index], evaluation.gainBound(atKL: budget))
      }
    }
  }

  mutating func finish() {
    let solutions = solver.solutions
    for (index, search) in searches.enumerated() {
      guard let search, let solution = solutions[search] else { continue }
      places[index] = .tilt(lambda: solution.lambda, gain: bounds[search])
    }
  }
}

extension MatrixScan {
  /// Finds where KLs lie on the frontiers of a tile's prompts.
  ///
  /// Safeguarded Newton in log lambda for every prompt and KL at once, a round one pass over the rows from the
  /// first to the last that still searches; a prompt that has finished takes part with lambda = 0, which costs no
  /// work a sample. The gain is the smallest of the bounds G + beta·(KL − D) over the lambdas evaluated, whose
  /// error is of the square of the KL's.
  ///
  /// - Parameters:
  ///   - kls: nats, of each row of `summaries`, as many for each.
  ///   - rows: of the matrix, within one tile.
  ///   - summaries: of these rows.
  ///   - tolerance: relative error of the KL at which a search ends.
  ///   - missing: what becomes of missing cells.
  /// - Returns: a place for each row and KL; rows without samples have `base`.
  /// - Source: theory §1.8 (lambda_x = D_x^{-1}(δ)), §1.2 (D' = lambda·v, DUAL), §1.4 (the end of the frontier).
  func frontierPlaces(
    of kls: [[Double]], rows: Range<Int>, summaries: [RowSummary], tolerance: Double,
    missing: MissingPolicy
  ) throws(EsscherError) -> [[FrontierPlace]] {
    let threads = backend.threads
    let count = kls.first?.count ?? 0
    var prompts = ParallelTiles.map(count: rows.count, threads: threads) { offset in
      PromptSearch(
        kls: summaries[offset].sampleCount > 0 ? kls[offset] : kls[offset].map { _ in 0 },
        summary: summaries[offset], tolerance: tolerance)
    }
    while let first = prompts.firstIndex(where: { !$0.solver.pending.isEmpty }),
      let last = prompts.lastIndex(where: { !$0.solver.pending.isEmpty })
    {
      if observer.isCancelled() { throw EsscherError.interruption }
      let part = rows.lowerBound + first..<rows.lowerBound + last + 1
      let lambdas = prompts[first...last].flatMap { prompt in
        let pending = prompt.solver.pending
        return [Double](repeating: 0, count: count - pending.count) + pending
      }
      let table = try backend.reduce(
        self.table, rows: part,
        plan: StatisticsPlan(
          rowLambdas: RowLambdas(rows: part, count: count, values: lambdas), squared: false,
          missing: missing))
      let before = prompts
      let updated = ParallelTiles.map(count: part.count, threads: threads) { offset in
        var prompt = before[first + offset]
        let entries = offset * count..<(offset + 1) * count
        guard lambdas[entries.upperBound - 1] > 0 else { return prompt }
        prompt.record(
          entries.filter { lambdas[$0] > 0 }.map { entry in
            let estimate = TiltEstimate(
              lambda: lambdas[entry], sums: table.tilts[entry], summary: table.summaries[offset])
            return KLBudgetSolver.Evaluation(
              lambda: lambdas[entry], kl: estimate.kl, variance: estimate.variance,
              gain: estimate.gain)
          })
        return prompt
      }
      prompts.replaceSubrange(first...last, with: updated)
    }
    return prompts.map { prompt in
      var prompt = prompt
      prompt.finish()
      return prompt.places
    }
  }
}

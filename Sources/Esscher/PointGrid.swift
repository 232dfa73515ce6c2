// SPDX-License-Identifier: Apache-2.0
// The points of a report before they have values: which lambdas, budgets and n.

internal import EsscherCore

/// A KL budget and the common lambda that spends it, nil where none does.
struct BudgetPoint {
  var budget: Double
  var lambda: Double?
  var reason = ""
}

/// A line of a law that selects by rank; `entry` is its place in the plan, nil where it has none.
struct SelectionPoint {
  var law: SelectionLaw
  var entry: Int?
  var reason = ""
}

/// The resolved grids of a run.
struct PointGrid {
  var lambdas: [Double] = []
  var budgets: [BudgetPoint] = []
  /// Best of n and its relatives, in report order.
  var selectionPoints: [SelectionPoint] = []
  /// Their laws that can be estimated.
  var selections: [SelectionLaw] = []
  /// Every lambda that the main round evaluates, ascending and distinct.
  var planned: [Double] = []
  var notes: [String] = []
  /// The lambdas are the default ones, which are shown a little beyond where they can be trusted.
  var endsWithTrust = false

  /// Resolves defaults and budgets; runs solver rounds where either needs them.
  init(
    _ request: FrontierRequest, scan: MatrixScan, overview: MatrixOverview
  ) throws(EsscherError) {
    let ns = try Self.ns(request, scan: scan, overview: overview)
    addSelections(request.curves, ns: ns, shortest: overview.shortest)
    var isWaiting = false
    if request.curves.contains(.tilt) {
      let found = try scan.attempt { () throws(EsscherError) in
        try Self.lambdas(request, scan: scan, overview: overview)
      }
      lambdas = found?.0 ?? []
      if let note = found?.1 { notes.append(note) }
      isWaiting = found == nil
    }
    budgets = try Self.budgets(request, scan: scan, overview: overview)
    if isWaiting { throw Sweep.suspension }
    // With importance weights the base means are ratios, whose bias is read off lambda = 0; gold is studied
    // from its base mean on.
    let base: [Double] = scan.table.logWeights == nil && scan.table.gold == nil ? [] : [0]
    planned = Array(Set(lambdas + budgets.compactMap(\.lambda) + base)).sorted()
    endsWithTrust = request.lambdas == nil
  }

  /// A grid of some lambdas alone; those with importance weights have 0 among them.
  init(lambdas: [Double], isWeighted: Bool) {
    self.lambdas = lambdas
    planned = Array(Set(lambdas + (isWeighted ? [0] : []))).sorted()
  }

  /// Plans further lambdas that are no lines of the tilt.
  mutating func add(_ lambdas: [Double]) {
    planned = Array(Set(planned + lambdas)).sorted()
  }

  /// Index of a planned lambda.
  func entry(of lambda: Double) -> Int { planned.firstIndex(of: lambda) ?? 0 }

  /// Points of the default grid.
  static let defaultCount = 48
  /// Mean KL of the default grid's first point, nats.
  static let defaultLowKL = 1e-3

  /// Mean KL of the default grid's ends, or of its only point.
  static func defaultEnds(ceiling: Double) -> [Double] {
    let high = max(ceiling - 2, ceiling / 2)
    return high > defaultLowKL ? [defaultLowKL, high] : [ceiling / 2]
  }

  /// Lambdas of the tilts, and a note about them.
  static func lambdas(
    _ request: FrontierRequest, scan: MatrixScan, overview: MatrixOverview
  ) throws(EsscherError) -> ([Double], String?) {
    if let lambdas = request.lambdas { return (lambdas, nil) }
    let ceiling = overview.ceiling
    guard ceiling > 0 else {
      return ([0], "the KL ceiling is 0, so that no tilt differs from the base policy")
    }
    let solved = try scan.solve(
      budgets: defaultEnds(ceiling: ceiling), overview: overview, tolerance: 1e-6,
      known: overview.evaluations, acceptsEstimates: true, missing: request.missing,
      stage: "placing the grid"
    ).lambdas.compactMap(\.self)
    guard solved.count == 2 else { return (solved, nil) }
    let (low, span) = (Elementary.log(solved[0]), Elementary.log(solved[1] / solved[0]))
    return (
      (0..<defaultCount).map { index in
        Elementary.exp(low + span * Double(index) / Double(defaultCount - 1))
      }, nil
    )
  }

  private static func budgets(
    _ request: FrontierRequest, scan: MatrixScan, overview: MatrixOverview
  ) throws(EsscherError) -> [BudgetPoint] {
    // At the ceiling itself lambda is infinite; below it by rounding only, as good as.
    let limit = overview.ceiling * (1 - 1e-12)
    let reachable = request.klBudgets.filter { $0 < limit }
    var solutions: [Double: Double] = [:]
    if !reachable.isEmpty {
      let solved = try scan.solve(
        budgets: reachable, overview: overview, tolerance: 1e-13, missing: request.missing,
        stage: "solving KL budgets"
      ).solutions
      for (budget, solution) in zip(reachable, solved) { solutions[budget] = solution?.lambda }
    }
    return request.klBudgets.map { budget in
      if let lambda = solutions[budget] { return BudgetPoint(budget: budget, lambda: lambda) }
      return BudgetPoint(
        budget: budget, lambda: nil,
        reason:
          "the budget \(budget) is not below \(overview.ceiling), the KL ceiling of these samples")
    }
  }

  /// Every n of every curve of these laws that is asked for.
  private mutating func addSelections(_ curves: Set<Curve>, ns: [Int], shortest: Int) {
    for curve in Curve.allCases where curves.contains(curve) {
      for case let law? in ns.map({ SelectionLaw(curve: curve, n: $0) }) {
        guard law.fewestSamples <= shortest else {
          selectionPoints.append(
            SelectionPoint(
              law: law,
              reason: "with \(law.n) draws in the mean more than the \(shortest) samples of the "
                + "shortest prompt are drawn too often: \(law.fewestSamples) samples are needed"))
          continue
        }
        selectionPoints.append(SelectionPoint(law: law, entry: selections.count))
        selections.append(law)
      }
    }
  }

  private static func ns(
    _ request: FrontierRequest, scan: MatrixScan, overview: MatrixOverview
  ) throws(EsscherError) -> [Int] {
    guard let requested = request.bestOf else {
      var powers: [Int] = []
      var n = 1
      while n < overview.shortest {
        powers.append(n)
        n *= 2
      }
      return powers + [overview.shortest]
    }
    if let largest = requested.last, largest > overview.shortest {
      let row = overview.shortestRow
      let name = scan.table.promptIDs.map { " (prompt \($0[row]))" } ?? ""
      throw EsscherError(
        .badInput,
        "n = \(largest) exceeds the \(overview.shortest) samples of the shortest prompt\(name); "
          + "best of n is estimated only up to the number of samples: leave out such n from --ns, "
          + "or score more samples",
        at: EsscherError.Location(
          file: scan.table.inputs.first?.name ?? scan.table.label, row: row))
    }
    return requested
  }
}

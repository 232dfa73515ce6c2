// SPDX-License-Identifier: Apache-2.0
// The frontier of gold itself: what a policy that knew gold could have at the KL that the proxy's spends.

internal import EsscherCore

/// Gold's own tilt over the range of KL that the proxy's spends.
struct GoldFrontier {
  private let interpolation: FrontierInterpolation
  /// Gain at the KLs that were asked for.
  private let solved: [Double: Double]
  /// KL and gain of the points in each replicate, and how many replicates there are to compare.
  private let lambdas: [Double]
  private let replicateKLs: [[Double]]
  private let replicateGains: [[Double]]
  private let replicateCount: Int
  private let reach: Double
  /// Gain at the lambdas that were asked for.
  private let equalBeta: [Double: Double]
  /// KL and mean χ² of gold's tilts, ascending.
  private let divergences: [(kl: Double, chiSquared: Double)]
  /// Root mean variance of gold less the best multiple of the proxy; nil with importance weights.
  private let residual: Double?

  /// Scope of gold's own passes.
  static let scope = "gold"

  /// Largest step in log lambda between points.
  private static let step = 0.12
  private static let fewestPoints = 16
  private static let mostPoints = 200
  /// Points of a range of three decades of lambda, by which memory is planned.
  static let usualPoints = 60

  /// Nil where gold or the proxy is constant, or no KL is spent.
  init?(
    covering kls: [Double], lambdas asked: [Double], scan: MatrixScan, request: FrontierRequest,
    covariance: Double, proxyVariance: Double
  ) throws(EsscherError) {
    guard let goldScan = Self.scan(scan), let lowest = kls.min(), let highest = kls.max()
    else { return nil }
    let table = goldScan.table
    let overview = try MatrixOverview(goldScan, missing: request.missing)
    let ceiling = overview.ceiling * (1 - 1e-9)
    guard overview.standardDeviation > 0, ceiling > 0 else { return nil }
    // Wider than asked, for the replicates.
    let ends = [min(lowest / 2, ceiling / 4), min(2 * highest, ceiling * (1 - 1e-3))]
    let range = try goldScan.solve(
      budgets: ends, overview: overview, tolerance: 1e-3, missing: request.missing,
      stage: "placing gold's grid"
    ).solutions.compactMap { $0?.lambda }
    guard let first = range.first, let end = range.last, first < end else { return nil }
    let span = Elementary.log(end / first)
    let count = min(
      max(Int((span / Self.step).rounded(.up)) + 1, Self.fewestPoints), Self.mostPoints)
    let lambdas = (0..<count).map {
      first * Elementary.exp(span * Double($0) / Double(count - 1))
    }
    var grid = PointGrid(lambdas: lambdas, isWeighted: table.logWeights != nil)
    // Corrected gains come out of the whole round only.
    if request.biasCorrect { grid.add(asked) }
    let lines = grid.lambdas.map {
      BootstrapLine(entry: grid.entry(of: $0), quantities: [.kl, .gain])
    }
    let round = MainRound(scan: goldScan, request: request, promptCount: overview.promptCount)
    let accumulator = try round.run(grid, lines: lines, stage: "computing gold's frontier")
    let means = grid.lambdas.map { accumulator.points[grid.entry(of: $0)].means }
    var isWaiting = false
    if request.biasCorrect {
      equalBeta = Dictionary(
        uniqueKeysWithValues: Set(asked).map {
          ($0, accumulator.points[grid.entry(of: $0)].means.gain)
        })
    } else {
      let distinct = Array(Set(asked)).sorted()
      let evaluations = try scan.attempt { () throws(EsscherError) in
        try goldScan.evaluate(
          distinct, missing: request.missing, stage: "comparing equal betas")
      }
      isWaiting = evaluations == nil
      equalBeta = Dictionary(
        uniqueKeysWithValues: zip(distinct, (evaluations ?? []).map(\.gain)))
    }
    interpolation = FrontierInterpolation(
      zip(grid.lambdas, means).map { lambda, means in
        FrontierInterpolation.Node(
          lambda: lambda, kl: means.kl, gain: means.gain, variance: means.spread)
      }, largestGain: overview.largestGain)
    solved = try Self.gains(
      atKLs: kls, scan: goldScan, overview: overview, missing: request.missing,
      known: zip(grid.lambdas, means).map { lambda, means in
        KLBudgetSolver.Evaluation(
          lambda: lambda, kl: means.empiricalKL, variance: means.spread,
          gain: means.empiricalGain)
      }, corrected: request.biasCorrect)
    if isWaiting { throw Sweep.suspension }
    replicateKLs = lines.indices.map { accumulator.replicates(line: $0, .kl) }
    replicateGains = lines.indices.map { accumulator.replicates(line: $0, .gain) }
    // Of one prompt every replicate is the same.
    replicateCount = overview.promptCount > 1 ? replicateKLs.first?.count ?? 0 : 0
    self.lambdas = lambdas
    // The last point is nearly all that there is to gain, in each replicate by about the same share.
    let top = means[lambdas.count - 1].gain
    reach = top > 0 ? max(1, overview.largestGain / top) : 1
    divergences = means.map { ($0.kl, $0.chiSquared) }
    // The policy is the same for every multiple of the proxy, so the bound may use the one nearest to gold; for
    // a negative covariance none is better than 0.
    let goldVariance = overview.standardDeviation * overview.standardDeviation
    let explained =
      covariance > 0 && proxyVariance > 0 ? covariance * covariance / proxyVariance : 0
    // Both are means of squares, good to a few units in the last place: less than that is nothing, as for a gold
    // reward that is an affine function of the proxy.
    let rest = goldVariance - explained
    residual =
      table.logWeights == nil
      ? (rest > 32 * goldVariance.ulp ? rest.squareRoot() : 0) : nil
  }

  /// The scan with gold and proxy exchanged; nil without gold.
  static func scan(_ scan: MatrixScan) -> MatrixScan? {
    guard let gold = scan.table.gold, case .cells(let proxy) = scan.table.rewards else {
      return nil
    }
    var table = RewardTable(label: gold.name, rewards: .cells(gold))
    // The proxy goes along, so that a sample that lacks either is dropped here as there.
    table.gold = proxy
    table.logWeights = scan.table.logWeights
    return scan.with(table, scope: scope, isWatched: false)
  }

  /// Gain in gold of the best policy at a mean KL.
  func gain(atKL kl: Double) -> Double { solved[kl] ?? interpolation.gain(atKL: kl) }

  /// Gains solved for, where the interpolation's error would show: near the ceiling the frontier bends fast.
  ///
  /// A tangent leads from the nearest KL to the one asked for, so that an error of 1e-5 there leaves 1e-10.
  private static func gains(
    atKLs kls: [Double], scan: MatrixScan, overview: MatrixOverview, missing: MissingPolicy,
    known: [KLBudgetSolver.Evaluation], corrected: Bool
  ) throws(EsscherError) -> [Double: Double] {
    // Corrected gains are no tilt's of these samples.
    guard !corrected else { return [:] }
    let limit = overview.ceiling * (1 - 1e-12)
    let targets = Array(Set(kls.filter { $0 < limit })).sorted()
    let solutions = try scan.solve(
      budgets: targets, overview: overview, tolerance: 1e-5, known: known, missing: missing,
      stage: "matching gold's KL"
    ).solutions
    var gains: [Double: Double] = [:]
    for kl in kls where kl >= limit { gains[kl] = overview.largestGain }
    for (kl, solution) in zip(targets, solutions) {
      gains[kl] = solution.map { min(overview.largestGain, $0.gainBound(atKL: kl)) }
    }
    return gains
  }

  /// Gain in gold of gold's own tilt at one of the lambdas asked for.
  func gain(atLambda lambda: Double) -> Double? { equalBeta[lambda] }

  /// Percentiles of the gap over the replicates, each with a gold frontier of its own; one a line.
  ///
  /// - Parameter lines: KL and gold less the base policy's in each replicate; empty without.
  func gapIntervals(
    _ lines: [(kls: [Double], gains: [Double])], confidence: Double
  ) -> [(low: Double, high: Double)?] {
    var gaps = lines.map { _ in [Double]() }
    for replicate in 0..<replicateCount {
      let frontier = FrontierInterpolation(
        lambdas.indices.map { index in
          FrontierInterpolation.Node(
            lambda: lambdas[index], kl: replicateKLs[index][replicate],
            gain: replicateGains[index][replicate])
        }, largestGain: reach * replicateGains[lambdas.count - 1][replicate])
      for (index, line) in lines.enumerated()
      where line.kls.count == replicateCount && line.gains.count == replicateCount {
        gaps[index].append(frontier.gain(atKL: line.kls[replicate]) - line.gains[replicate])
      }
    }
    return gaps.map { Percentiles.interval($0, confidence: confidence) }
  }

  /// √(mean Var₀(gold − a·proxy)) (√mean χ²(gold's tilt) + √mean χ²(proxy's tilt)) at matched KL.
  ///
  /// - Source: theory §2.2, by Cauchy and Schwarz over samples and then over prompts; χ² of gold's tilt is taken
  ///   at the next point above.
  func bound(atKL kl: Double, proxyChiSquared: Double) -> Double? {
    guard let residual, let above = divergences.first(where: { $0.kl >= kl }) else { return nil }
    return residual * (above.chiSquared.squareRoot() + proxyChiSquared.squareRoot())
  }
}

// SPDX-License-Identifier: Apache-2.0
// The frontier of each bootstrap replicate, from the replicates of its points.

internal import EsscherCPU
internal import EsscherCore

/// Percentiles of any list of replicate values.
enum Percentiles {
  /// Two-sided interval, nil of nothing.
  static func interval(_ values: [Double], confidence: Double) -> (low: Double, high: Double)? {
    let sorted = values.filter(\.isFinite).sorted()
    guard !sorted.isEmpty else { return nil }
    return (
      PoissonBootstrap.quantile(sorted, (1 - confidence) / 2),
      PoissonBootstrap.quantile(sorted, (1 + confidence) / 2)
    )
  }
}

/// Means and replicate sums of KL and gain at some lambdas.
private struct ReplicateTilts: PartialResult {
  var sums: EvaluationSums
  var bootstrap: ReplicateSums

  init(_ lambdas: [Double], request: FrontierRequest) {
    sums = EvaluationSums(lambdas)
    bootstrap = ReplicateSums(
      replicateCount: request.resamples, columnCount: 2 * lambdas.count, seed: request.seed)
  }

  mutating func merge(_ other: ReplicateTilts) {
    sums.merge(other.sums)
    bootstrap.merge(other.bootstrap)
  }

  mutating func releaseScratch() { bootstrap.releaseScratch() }

  mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.code(&sums)
    try coder.code(&bootstrap)
  }
}

/// Gain and KL of the samples' own tilts in every replicate, at lambdas that spend about best-of-n's KL.
struct ReplicateFrontier {
  private var lambdas: [Double] = []
  private var kls: [[Double]] = []
  private var gains: [[Double]] = []
  private var point: [KLBudgetSolver.Evaluation] = []

  /// Evaluates some lambdas, one pass over the rows, and keeps their replicates where any are asked for.
  ///
  /// - Returns: their means over prompts.
  mutating func evaluate(
    _ added: [Double], scan: MatrixScan, request: FrontierRequest
  ) throws(EsscherError) -> [KLBudgetSolver.Evaluation] {
    let backend = scan.backend
    let empty = ReplicateTilts(added, request: request)
    let result = try scan.pass("replicate tilts", by: added, from: empty) {
      (tilts) throws(EsscherError) in
      try scan.run(
        StatisticsPlan(lambdas: added, squared: false, missing: request.missing),
        stage: "comparing best-of-n"
      ) { (table) throws(EsscherError) in
        let columns = tilts.sums.add(table, threads: backend.threads)
        guard request.resamples > 0 else { return }
        let kept = table.summaries.indices.filter { table.summaries[$0].sampleCount > 0 }
        try backend.accumulate(
          &tilts.bootstrap, indices: kept.map { table.rows.lowerBound + $0 }, values: columns)
      }
    }
    let (means, bootstrap) = (result.sums.means, result.bootstrap)
    for (index, mean) in means.enumerated() {
      lambdas.append(mean.lambda)
      point.append(mean)
      kls.append(bootstrap.replicates(column: 2 * index))
      gains.append(bootstrap.replicates(column: 2 * index + 1))
    }
    return means
  }

  /// Whether a lambda was evaluated here.
  func holds(_ lambda: Double) -> Bool { lambdas.contains(lambda) }

  /// Interval of best-of-n's efficiency.
  ///
  /// A replicate's KL lies a little off the point that the estimate was solved for; its frontier goes there along
  /// logarithms by its own slope and the estimate's curvature, which is 0 for small tilts whatever their scale.
  ///
  /// - Parameters:
  ///   - value: the estimate.
  ///   - lambda: spends about the KL of `means`.
  ///   - means: best-of-n's point.
  ///   - bestGains, bestKLs: its gain and KL with replacement in each replicate.
  func efficiency(
    _ value: Double, lambda: Double, point means: PromptValues, gains bestGains: [Double],
    kls bestKLs: [Double], confidence: Double
  ) -> (low: Double, high: Double)? {
    guard let line = lambdas.firstIndex(of: lambda), !bestGains.isEmpty,
      bestGains.count == bestKLs.count
    else { return nil }
    let solved = point[line]
    let node = FrontierInterpolation.Node(
      lambda: lambda, kl: solved.kl, gain: solved.gain, variance: solved.variance)
    let curvature = FrontierInterpolation.logarithmicCurvature(node) ?? 0
    let own = FrontierInterpolation.gain(
      atKL: means.replacementKL, alongLogarithmsFrom: node, curvature: curvature)
    guard own > 0, means.spread > 0 else { return nil }
    let scale = value * own / means.spread
    let ratios = bestGains.indices.map { replicate -> Double in
      let frontier = FrontierInterpolation.gain(
        atKL: bestKLs[replicate],
        alongLogarithmsFrom: FrontierInterpolation.Node(
          lambda: lambda, kl: kls[line][replicate], gain: gains[line][replicate]),
        curvature: curvature)
      return frontier > 0 ? min(1, scale * bestGains[replicate] / frontier) : .nan
    }
    return Percentiles.interval(ratios, confidence: confidence)
  }
}

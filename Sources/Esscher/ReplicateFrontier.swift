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

/// Gain and KL of the samples' own tilts in every replicate, at the lambdas that spend best-of-n's KL.
struct ReplicateFrontier {
  private let lambdas: [Double]
  private var kls: [[Double]] = []
  private var gains: [[Double]] = []
  private var point: [(kl: Double, gain: Double)] = []

  /// Evaluates some lambdas once more, one pass over the rows.
  init(
    _ lambdas: [Double], scan: MatrixScan, request: FrontierRequest
  ) throws(EsscherError) {
    self.lambdas = lambdas
    var bootstrap = PoissonBootstrap(
      replicateCount: request.resamples, columnCount: 2 * lambdas.count, seed: request.seed)
    var sums = (0..<2 * lambdas.count).map { _ in CompensatedSum() }
    var count = 0.0
    let backend = scan.backend
    try scan.run(
      StatisticsPlan(lambdas: lambdas, missing: request.missing), stage: "comparing best-of-n"
    ) { (table) throws(EsscherError) in
      let rows = ParallelTiles.map(count: table.rows.count, threads: backend.threads) { offset in
        lambdas.indices.flatMap { index in
          let estimate = TiltEstimate(
            lambda: lambdas[index], sums: table.tilts[offset * lambdas.count + index],
            summary: table.summaries[offset])
          return [estimate.kl, estimate.gain]
        }
      }
      let kept = table.summaries.indices.filter { table.summaries[$0].sampleCount > 0 }
      count += Double(kept.count)
      for offset in kept {
        for (column, value) in rows[offset].enumerated() { sums[column].add(value) }
      }
      try backend.accumulate(
        &bootstrap, indices: kept.map { table.rows.lowerBound + $0 },
        values: kept.flatMap { rows[$0] })
    }
    for index in lambdas.indices {
      point.append((sums[2 * index].value / count, sums[2 * index + 1].value / count))
      kls.append(bootstrap.replicates(column: 2 * index))
      gains.append(bootstrap.replicates(column: 2 * index + 1))
    }
  }

  /// Interval of best-of-n's efficiency.
  ///
  /// A replicate's KL lies a little off the point that the estimate was solved for; the tangent there, which
  /// touches the frontier from above (theory §1.2, DUAL), is off by the square of that.
  ///
  /// - Parameters:
  ///   - value: the estimate.
  ///   - lambda: spends the KL of `means`.
  ///   - means: best-of-n's point.
  ///   - bestGains, bestKLs: its gain and KL with replacement in each replicate.
  func efficiency(
    _ value: Double, lambda: Double, point means: PromptValues, gains bestGains: [Double],
    kls bestKLs: [Double], confidence: Double
  ) -> (low: Double, high: Double)? {
    guard let line = lambdas.firstIndex(of: lambda), !bestGains.isEmpty,
      bestGains.count == bestKLs.count
    else { return nil }
    let own = point[line].gain + (means.replacementKL - point[line].kl) / lambda
    guard own > 0, means.spread > 0 else { return nil }
    let scale = value * own / means.spread
    let ratios = bestGains.indices.map { replicate -> Double in
      let frontier =
        gains[line][replicate] + (bestKLs[replicate] - kls[line][replicate]) / lambda
      return frontier > 0 ? min(1, scale * bestGains[replicate] / frontier) : .nan
    }
    return Percentiles.interval(ratios, confidence: confidence)
  }
}

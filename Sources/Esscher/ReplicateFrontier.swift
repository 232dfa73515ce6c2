// SPDX-License-Identifier: Apache-2.0
// The frontier of each bootstrap replicate, from the replicates of its points.

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

/// Gain and KL along the tilt in every replicate, at the lambdas of the grid.
struct ReplicateFrontier {
  private let lambdas: [Double]
  private let kls: [[Double]]
  private let gains: [[Double]]
  private let point: [(kl: Double, gain: Double)]
  private let largestGain: Double

  init(_ accumulator: FrontierAccumulator, largestGain: Double) {
    let grid = accumulator.grid
    let lines = grid.lambdas.indices.filter { grid.lambdas[$0] > 0 }
    lambdas = lines.map { grid.lambdas[$0] }
    kls = lines.map { accumulator.replicates(line: $0, .kl) }
    gains = lines.map { accumulator.replicates(line: $0, .gain) }
    point = lines.map { line in
      let means = accumulator.points[grid.entry(of: grid.lambdas[line])].means
      return (means.kl, means.gain)
    }
    self.largestGain = largestGain
  }

  /// The least of the tangents' values at a KL, which touch the frontier (theory §1.2, DUAL).
  private func bound(_ kl: Double, _ value: (_ line: Int) -> (kl: Double, gain: Double)) -> Double {
    var bound = largestGain
    for line in lambdas.indices {
      let here = value(line)
      bound = min(bound, here.gain + (kl - here.kl) / lambdas[line])
    }
    return bound
  }

  /// Interval of best-of-n's efficiency.
  ///
  /// The grid's tangents lie a little above the frontier between them, in each replicate by about as much as
  /// in the estimate, so that their ratio to the estimate's own is what varies.
  func efficiency(
    _ value: Double, point means: PromptValues, gains bestGains: [Double], kls bestKLs: [Double],
    confidence: Double
  ) -> (low: Double, high: Double)? {
    guard !lambdas.isEmpty, !bestGains.isEmpty, bestGains.count == bestKLs.count else {
      return nil
    }
    let own = bound(means.replacementKL) { point[$0] }
    guard own > 0, means.spread > 0 else { return nil }
    let scale = value * own / means.spread
    let ratios = bestGains.indices.map { replicate -> Double in
      let frontier = bound(bestKLs[replicate]) { (kls[$0][replicate], gains[$0][replicate]) }
      return frontier > 0 ? min(1, scale * bestGains[replicate] / frontier) : .nan
    }
    return Percentiles.interval(ratios, confidence: confidence)
  }
}

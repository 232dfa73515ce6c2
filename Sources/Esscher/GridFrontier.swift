// SPDX-License-Identifier: Apache-2.0
// The frontier between the points of the main round, where they lie so near that no further round is needed.

internal import EsscherCPU
internal import EsscherCore

/// The plug-in frontier and its replicates, read off the tilts of the report.
struct GridFrontier {
  private let accumulator: FrontierAccumulator
  private let frontier: FrontierInterpolation
  private let largestChange: Double

  /// Neighbours closer than this in KL, relative, would have no digits in their differences.
  private static let smallestStep = 0.02
  /// What leaving out points may change of a gain, relative: a thousandth of the contract's error, and a hundredth.
  private static func largestChange(_ precision: Precision) -> Double {
    precision == .double ? 1e-12 : 1e-9
  }

  /// - Parameters:
  ///   - accumulator: of the main round.
  ///   - largestGain: gain as lambda goes to infinity.
  ///   - precision: of the run, the same in every process of a sweep.
  init(_ accumulator: FrontierAccumulator, largestGain: Double, precision: Precision) {
    self.accumulator = accumulator
    largestChange = Self.largestChange(precision)
    let grid = accumulator.grid
    var nodes: [FrontierInterpolation.Node] = []
    for lambda in grid.lambdas.sorted() where lambda > 0 {
      let means = accumulator.points[grid.entry(of: lambda)].means
      guard means.empiricalKL > (nodes.last?.kl ?? 0) * (1 + Self.smallestStep) else { continue }
      nodes.append(
        FrontierInterpolation.Node(
          lambda: lambda, kl: means.empiricalKL, gain: means.empiricalGain, variance: means.spread))
    }
    frontier = FrontierInterpolation(nodes, largestGain: largestGain)
  }

  /// The frontier at a KL; nil where it is not known to be right.
  func gain(atKL kl: Double) -> Double? {
    guard let estimate = frontier.estimate(atKL: kl), estimate.error <= largestChange else {
      return nil
    }
    return estimate.gain
  }

  /// The points in every replicate, for ``efficiency(_:atKL:gains:kls:lines:confidence:)``.
  func replicateLines(threads: Int) -> [ReplicateLine] {
    let lines = frontier.nodes.compactMap { node in
      accumulator.grid.lambdas.firstIndex(of: node.lambda).map { (lambda: node.lambda, line: $0) }
    }
    return ParallelTiles.map(count: lines.count, threads: threads) { index in
      ReplicateLine(
        lambda: lines[index].lambda,
        kls: accumulator.replicates(line: lines[index].line, .kl),
        gains: accumulator.replicates(line: lines[index].line, .gain))
    }
  }

  /// Interval of an efficiency whose frontier was read off.
  ///
  /// A replicate's frontier is the cubic through values and slopes of its own two points to both sides of the KL, log
  /// gain along log KL: with h between them, off by h⁴/384 of the fourth derivative, which is 0 for small tilts and
  /// elsewhere about 1: 2e-5 of the gain at h = 0.3. What it is off at the estimate is taken out. Beyond its points a
  /// replicate's frontier goes by the slope of the last.
  ///
  /// - Parameters:
  ///   - frontierGain: what was read at the KL of the estimate.
  ///   - kl: that KL.
  ///   - gains, kls: best-of-n's gain and KL with replacement in each replicate.
  ///   - lines: the points in every replicate.
  func efficiency(
    _ frontierGain: Double, atKL kl: Double, gains bestGains: [Double], kls bestKLs: [Double],
    lines: [ReplicateLine], confidence: Double
  ) -> (low: Double, high: Double)? {
    guard !bestGains.isEmpty, bestGains.count == bestKLs.count,
      lines.count == frontier.nodes.count,
      lines.allSatisfy({ $0.kls.count == bestGains.count && $0.gains.count == bestGains.count })
    else { return nil }
    let own = Self.gain(atKL: kl, count: lines.count) { frontier.nodes[$0] }
    let scale = own / frontierGain
    let ratios = bestGains.indices.map { replicate -> Double in
      let frontier = Self.gain(atKL: bestKLs[replicate], count: lines.count) {
        lines[$0].node(replicate)
      }
      return frontier > 0 ? min(1, scale * bestGains[replicate] / frontier) : .nan
    }
    return Percentiles.interval(ratios, confidence: confidence)
  }

  /// Gain at a KL by the two of some ascending points that lie to both sides of it.
  private static func gain(
    atKL kl: Double, count: Int, _ node: (_ index: Int) -> FrontierInterpolation.Node
  ) -> Double {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if node(middle).kl <= kl { low = middle + 1 } else { high = middle }
    }
    let left = node(max(0, low - 1))
    let right = node(min(low, count - 1))
    // Outside of all, and where a replicate's points have no digits between them.
    guard right.kl > left.kl * (1 + 1e-6) else {
      return FrontierInterpolation.gain(atKL: kl, alongLogarithmsFrom: left)
    }
    return FrontierInterpolation.gain(atKL: kl, alongLogarithmsFrom: left, to: right)
  }

  /// A tilt in every replicate.
  struct ReplicateLine {
    fileprivate let lambda: Double
    fileprivate let kls, gains: [Double]

    fileprivate func node(_ replicate: Int) -> FrontierInterpolation.Node {
      FrontierInterpolation.Node(lambda: lambda, kl: kls[replicate], gain: gains[replicate])
    }
  }
}

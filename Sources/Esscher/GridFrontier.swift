// SPDX-License-Identifier: Apache-2.0
// The frontier between the points of the main round, where they lie so near that no further round is needed.

internal import EsscherCore

/// The plug-in frontier and its replicates, read off the tilts of the report.
struct GridFrontier {
  private let accumulator: FrontierAccumulator
  private let frontier: FrontierInterpolation
  private let largestChange: Double

  /// Neighbours closer than this in KL, relative, would have no digits in their differences.
  private static let smallestStep = 0.02
  /// What the farthest points may change of a gain, relative: a hundredth of the contract's error, where what others
  /// still would is a tenth of that and less.
  private static func largestChange(_ precision: Precision) -> Double {
    precision == .double ? 1e-12 : 1e-8
  }

  /// - Parameters:
  ///   - accumulator: of the main round.
  ///   - largestGain: gain as lambda goes to infinity.
  ///   - precision: of the run.
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

  /// The frontier at a KL.
  struct Reading {
    let gain: Double
    /// The last of the nodes whose KL is not above.
    fileprivate let left: Int
  }

  /// Reads the gain at a KL; nil where it is not known to be right.
  func reading(atKL kl: Double) -> Reading? {
    guard let estimate = frontier.estimate(atKL: kl), estimate.error <= largestChange else {
      return nil
    }
    return Reading(gain: estimate.gain, left: estimate.left)
  }

  /// Interval of an efficiency whose frontier was read off.
  ///
  /// A replicate's frontier is the cubic through values and slopes of its own points to both sides of the KL, log
  /// gain along log KL: with h between them, off by h⁴/384 of the fourth derivative, which is 0 for small tilts and
  /// elsewhere about 1: 2e-5 of the gain at h = 0.3. Replicates lie apart by that much where an interval has four
  /// digits.
  ///
  /// - Parameters:
  ///   - reading: at best-of-n's KL.
  ///   - gains, kls: best-of-n's gain and KL with replacement in each replicate.
  func efficiency(
    at reading: Reading, gains bestGains: [Double], kls bestKLs: [Double], confidence: Double
  ) -> (low: Double, high: Double)? {
    // A replicate's KL may lie between the next two points.
    let range = max(0, reading.left - 1)..<min(frontier.nodes.count, reading.left + 3)
    let lines = frontier.nodes[range].compactMap { node in
      accumulator.grid.lambdas.firstIndex(of: node.lambda).map { line in
        ReplicateLine(
          lambda: node.lambda, kls: accumulator.replicates(line: line, .kl),
          gains: accumulator.replicates(line: line, .gain))
      }
    }
    guard !bestGains.isEmpty, bestGains.count == bestKLs.count, lines.count == range.count,
      lines.allSatisfy({ $0.kls.count == bestGains.count })
    else { return nil }
    let ratios = bestGains.indices.map { replicate -> Double in
      let kl = bestKLs[replicate]
      var left = 0
      while left + 2 < lines.count, lines[left + 1].kls[replicate] <= kl { left += 1 }
      let frontier = FrontierInterpolation.gain(
        atKL: kl, alongLogarithmsFrom: lines[left].node(replicate),
        to: lines[left + 1].node(replicate))
      return frontier > 0 ? min(1, bestGains[replicate] / frontier) : .nan
    }
    return Percentiles.interval(ratios, confidence: confidence)
  }

  /// A tilt in every replicate.
  private struct ReplicateLine {
    let lambda: Double
    let kls, gains: [Double]

    func node(_ replicate: Int) -> FrontierInterpolation.Node {
      FrontierInterpolation.Node(lambda: lambda, kl: kls[replicate], gain: gains[replicate])
    }
  }
}

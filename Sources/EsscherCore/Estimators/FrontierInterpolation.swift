// SPDX-License-Identifier: Apache-2.0

/// The frontier between points at which it is known: gain as a function of mean KL.
///
/// In y = log KL, with g' = beta·KL and g'' = beta·KL − beta³·KL²/v (from dg/dδ = beta and
/// d²g/dδ² = −beta³/v, v the mean variance under the tilt): a quintic through value, slope and curvature at both
/// ends, or a cubic through value and slope where v is not known.
///
/// - Units: KL in nats, gain in the reward's.
/// - Edge cases: below the first point the gain goes as √KL; beyond the last it follows the tangent, up to the
///   largest gain.
/// - Precision: h the step in y: h⁶/46080 of the sixth derivative (about 1/64 of the gain) with v, h⁴/384 of the
///   fourth (1/16) without: at h = 0.25, 1e-10 and 1e-6 of the gain.
/// - Complexity: O(log points).
/// - Source: theory §1.2 (frontier).
public struct FrontierInterpolation: Sendable {
  /// The frontier at one lambda.
  public struct Node: Sendable {
    /// Inverse temperature, above 0.
    public var lambda: Double
    /// Mean KL, nats, above 0.
    public var kl: Double
    /// Mean gain.
    public var gain: Double
    /// Mean variance of the reward under the tilt, nil where it is not known.
    public var variance: Double?

    /// A point of the frontier.
    public init(lambda: Double, kl: Double, gain: Double, variance: Double? = nil) {
      self.lambda = lambda
      self.kl = kl
      self.gain = gain
      self.variance = variance
    }
  }

  /// The points, ascending.
  package let nodes: [Node]
  private let largestGain: Double

  /// - Parameters:
  ///   - nodes: points; those whose KL does not exceed the one's before are left out.
  ///   - largestGain: gain as lambda goes to infinity.
  public init(_ nodes: [Node], largestGain: Double) {
    var kept: [Node] = []
    for node in nodes where node.lambda > 0 && node.kl > (kept.last?.kl ?? 0) { kept.append(node) }
    self.nodes = kept
    self.largestGain = largestGain
  }

  /// Index of the last node whose KL is not above `target`; nil below the first.
  private func index(_ target: Double) -> Int? {
    var low = 0
    var high = nodes.count
    while low < high {
      let middle = (low + high) / 2
      if nodes[middle].kl <= target { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? low - 1 : nil
  }

  /// Gain of the frontier at a mean KL.
  public func gain(atKL kl: Double) -> Double {
    guard let first = nodes.first, kl > 0 else { return 0 }
    guard let at = index(kl) else { return first.gain * (kl / first.kl).squareRoot() }
    let left = nodes[at]
    guard at + 1 < nodes.count else {
      return min(largestGain, left.gain + (kl - left.kl) / left.lambda)
    }
    let right = nodes[at + 1]
    let start = Elementary.log(left.kl)
    let width = Elementary.log(right.kl) - start
    let t = (Elementary.log(kl) - start) / width
    let slopes = (left.kl / left.lambda * width, right.kl / right.lambda * width)
    guard let a = Self.curvature(left), let b = Self.curvature(right) else {
      return Self.cubic(t, left.gain, right.gain, slopes.0, slopes.1)
    }
    return Self.quintic(
      t, (left.gain, right.gain), slopes, (a * width * width, b * width * width))
  }

  /// Gain at a KL between those of two points, by the cubic in the logarithms of both; NaN where there is none.
  package static func gain(
    atKL kl: Double, alongLogarithmsFrom left: Node, to right: Node
  ) -> Double {
    let width = Elementary.log(right.kl / left.kl)
    let t = Elementary.log(kl / left.kl) / width
    let slopes = (left.kl / left.lambda / left.gain, right.kl / right.lambda / right.gain)
    return left.gain
      * Elementary.exp(
        cubic(
          t, 0, Elementary.log(right.gain / left.gain), slopes.0 * width, slopes.1 * width))
  }

  /// What the second order may add to the logarithm of a gain; beyond, next to the ceiling, the first stands alone.
  private static let largestBend = 0.05

  /// Gain at a KL next to that of one point, by the slope of the logarithms there and a curvature of them.
  package static func gain(
    atKL kl: Double, alongLogarithmsFrom node: Node, curvature: Double = 0
  ) -> Double {
    let step = Elementary.log(kl / node.kl)
    let bend = curvature * step * step / 2
    return node.gain
      * Elementary.exp(
        node.kl / node.lambda / node.gain * step
          + (bend.magnitude <= largestBend ? bend : 0))
  }

  /// d² log g/d(log KL)² at a point, nil where its variance is not known.
  package static func logarithmicCurvature(_ node: Node) -> Double? { logarithmic(node)?.curvature }

  /// Points that ``estimate(atKL:)`` takes, and the largest step between them in log KL.
  private static let window = 6
  private static let largestStep = 0.5

  /// Gain at a KL with a measure of how well it is known: the logarithm of the gain along that of the KL, by the
  /// polynomial of degree 17 through value, slope and curvature of the six nearest points.
  ///
  /// - Returns: the gain, and the largest of what leaving out the first point, the last, or the two farthest changes of
  ///   it, relative: one difference alone may vanish by accident. Nil outside the points, where there are fewer than six
  ///   with a variance, where steps are above ½, and where the gain is above a tangent or below a chord, as no frontier
  ///   is.
  /// - Precision: measured in docs/design/002.
  package func estimate(atKL kl: Double) -> (gain: Double, error: Double)? {
    guard nodes.count >= Self.window, kl > 0, let at = index(kl), at + 1 < nodes.count else {
      return nil
    }
    let start = max(0, min(at + 1 - Self.window / 2, nodes.count - Self.window))
    let near = nodes[start..<start + Self.window].compactMap(Self.logarithmic)
    guard near.count == Self.window,
      zip(near, near.dropFirst()).allSatisfy({ $1.x - $0.x <= Self.largestStep })
    else { return nil }
    // Without the two that are farthest away.
    let below = at + 1 - start
    let first = below > Self.window / 2 ? 2 : below == Self.window / 2 ? 1 : 0
    let x = Elementary.log(kl)
    guard let fine = HermiteInterpolation.value(at: x, near[...]) else { return nil }
    var error = 0.0
    for range in [0..<Self.window - 1, 1..<Self.window, first..<first + Self.window - 2] {
      guard let coarse = HermiteInterpolation.value(at: x, near[range]) else { return nil }
      error = max(error, (fine - coarse).magnitude)
    }
    let gain = Elementary.exp(fine)
    guard gain.isFinite, error.isFinite, gain <= largestGain, isConcave(gain, atKL: kl, after: at)
    else { return nil }
    return (gain, error)
  }

  /// Whether a gain lies between the chord and the tangents of the points to both sides, up to rounding.
  private func isConcave(_ gain: Double, atKL kl: Double, after at: Int) -> Bool {
    let (left, right) = (nodes[at], nodes[at + 1])
    let chord =
      left.gain + (right.gain - left.gain) * (kl - left.kl) / (right.kl - left.kl)
    let tangent = min(
      left.gain + (kl - left.kl) / left.lambda, right.gain + (kl - right.kl) / right.lambda)
    return gain >= chord * (1 - 1e-12) && gain <= tangent * (1 + 1e-12)
  }

  /// log g along log KL, its slope and curvature.
  private static func logarithmic(_ node: Node) -> HermiteInterpolation.Node? {
    guard let curvature = curvature(node), node.gain > 0 else { return nil }
    let slope = node.kl / node.lambda / node.gain
    return HermiteInterpolation.Node(
      x: Elementary.log(node.kl), value: Elementary.log(node.gain), slope: slope,
      curvature: curvature / node.gain - slope * slope)
  }

  /// d²g/dy².
  private static func curvature(_ node: Node) -> Double? {
    guard let variance = node.variance, variance > 0 else { return nil }
    let slope = node.kl / node.lambda
    return slope - slope * slope / (node.lambda * variance)
  }

  private static func cubic(
    _ t: Double, _ left: Double, _ right: Double, _ leftSlope: Double, _ rightSlope: Double
  ) -> Double {
    let rise = right - left
    let s = 1 - t
    // left + t·rise + what the slopes add, which vanishes at both ends.
    return left + t * rise + t * s * (s * (leftSlope - rise) - t * (rightSlope - rise))
  }

  private static func quintic(
    _ t: Double, _ values: (Double, Double), _ slopes: (Double, Double),
    _ curvatures: (Double, Double)
  ) -> Double {
    let rise = values.1 - values.0 - slopes.0 - curvatures.0 / 2
    let slope = slopes.1 - slopes.0 - curvatures.0
    let curvature = curvatures.1 - curvatures.0
    let third = 10 * rise - 4 * slope + curvature / 2
    let fourth = -15 * rise + 7 * slope - curvature
    let fifth = 6 * rise - 3 * slope + curvature / 2
    return values.0 + t
      * (slopes.0 + t * (curvatures.0 / 2 + t * (third + t * (fourth + t * fifth))))
  }
}

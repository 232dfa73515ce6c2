// SPDX-License-Identifier: Apache-2.0

/// The polynomial through values and slopes at several places, of degree 2·places − 1; where curvatures are known, too,
/// of degree 3·places − 1.
///
/// - Precision: with h the spacing of n places, about h^{2n}/(2n)!·(n!/2)² of the derivative of order 2n, or
///   h^{3n}/(3n)!·(n!/2)³ of that of order 3n, and rounding errors of the values over the smallest spacing.
/// - Complexity: O(places²).
/// - Source: Newton's divided differences with repeated places.
package enum HermiteInterpolation {
  /// A place with its value and slope.
  package struct Node {
    /// The place, its value, and the slope there.
    package var x, value, slope: Double
    /// The second derivative there, nil where it is not known.
    package var curvature: Double?

    /// A place with its value, slope and curvature.
    package init(x: Double, value: Double, slope: Double, curvature: Double? = nil) {
      self.x = x
      self.value = value
      self.slope = slope
      self.curvature = curvature
    }
  }

  /// The polynomial's value at `x`, nil of no nodes.
  ///
  /// - Precondition: the places differ.
  package static func value(at x: Double, _ nodes: ArraySlice<Node>) -> Double? {
    guard let first = nodes.first else { return nil }
    // Each place as often as something is known there, and half its curvature.
    var places: [Double] = []
    var halves: [Double] = []
    // Differences of order 1: slopes at the places, quotients between them.
    var differences: [Double] = []
    var previous: Node?
    for node in nodes {
      if let previous {
        differences.append((node.value - previous.value) / (node.x - previous.x))
      }
      let times = node.curvature == nil ? 2 : 3
      places.append(contentsOf: repeatElement(node.x, count: times))
      halves.append(contentsOf: repeatElement((node.curvature ?? 0) / 2, count: times))
      differences.append(contentsOf: repeatElement(node.slope, count: times - 1))
      previous = node
    }
    var result = first.value
    var product = x - places[0]
    for order in 1..<places.count {
      result += product * differences[0]
      product *= x - places[order]
      for index in 0..<differences.count - 1 {
        let width = places[index + order + 1] - places[index]
        differences[index] =
          width == 0 ? halves[index] : (differences[index + 1] - differences[index]) / width
      }
      differences.removeLast()
    }
    return result
  }
}

// SPDX-License-Identifier: Apache-2.0

/// The polynomial through values and slopes at several places, of degree 2·places − 1.
///
/// - Precision: with h the spacing of n places, about h^{2n}/(2n)!·(n!/2)² of the derivative of order 2n, and
///   rounding errors of the values over the smallest spacing.
/// - Complexity: O(places²).
/// - Source: Newton's divided differences with repeated places.
package enum HermiteInterpolation {
  /// A place with its value and slope.
  package struct Node {
    /// The place, its value, and the slope there.
    package var x, value, slope: Double

    /// A place with its value and slope.
    package init(x: Double, value: Double, slope: Double) {
      self.x = x
      self.value = value
      self.slope = slope
    }
  }

  /// The polynomial's value at `x`, nil of no nodes.
  ///
  /// - Precondition: the places differ.
  package static func value(at x: Double, _ nodes: ArraySlice<Node>) -> Double? {
    guard let first = nodes.first else { return nil }
    let places = nodes.flatMap { [$0.x, $0.x] }
    // Differences of order 1: slopes at the places, quotients between them.
    var differences: [Double] = [first.slope]
    var previous = first
    for node in nodes.dropFirst() {
      differences.append((node.value - previous.value) / (node.x - previous.x))
      differences.append(node.slope)
      previous = node
    }
    var result = first.value
    var product = x - places[0]
    for order in 1..<places.count {
      result += product * differences[0]
      product *= x - places[order]
      for index in 0..<differences.count - 1 {
        differences[index] =
          (differences[index + 1] - differences[index])
          / (places[index + order + 1] - places[index])
      }
      differences.removeLast()
    }
    return result
  }
}

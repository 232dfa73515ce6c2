// SPDX-License-Identifier: Apache-2.0

/// Weighted mean and sum of squared deviations of a stream of numbers, about a shift that keeps the digits
/// of numbers far from zero.
///
/// - Precision: relative to the spread about the shift, a few ulps times the square root of the count; the
///   shift should be one of the numbers.
/// - Complexity: O(1) a number.
/// - Source: West (1979).
package struct ShiftedMoments: Sendable {
  package let shift: Double
  /// Sum of the weights.
  package private(set) var weight = 0.0
  /// Weighted mean of x − shift.
  private var centre = 0.0
  /// Σ w·(x − mean)².
  private var squares = 0.0

  package init(shift: Double) { self.shift = shift }

  /// Adds a number; its weight is positive.
  @inline(__always)
  package mutating func add(_ value: Double, weight added: Double = 1) {
    weight += added
    let x = value - shift
    let difference = x - centre
    centre += difference * (added / weight)
    squares += added * difference * (x - centre)
  }

  /// Weighted mean; the shift where nothing was added.
  package var mean: Double { shift + centre }
  /// Population variance: Σ w·(x − mean)² / Σ w; 0 where nothing was added.
  package var variance: Double { weight > 0 ? max(0, squares / weight) : 0 }
  /// Root of the population variance.
  package var standardDeviation: Double { variance.squareRoot() }
}

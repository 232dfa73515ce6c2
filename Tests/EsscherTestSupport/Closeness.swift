// SPDX-License-Identifier: Apache-2.0

package import Testing

/// Relative error of a value against the oracle's, with the scale the accuracy contract allows.
///
/// An expected zero (below 1e-45) must be met exactly.
package func relativeError(_ got: Double?, _ want: String?, scale: Double = 0) -> Double {
  guard let want, let expected = Double(want) else { return got == nil ? 0 : .infinity }
  guard let got, got.isFinite else { return .infinity }
  if expected.magnitude < 1e-45 && scale == 0 { return got == 0 ? 0 : .infinity }
  let reference = max(expected.magnitude, scale)
  return reference == 0 ? (got == 0 ? 0 : .infinity) : (got - expected).magnitude / reference
}

/// Expects a value within a relative tolerance of the oracle's, and says what it was.
package func expectClose(
  _ got: Double?, _ want: String?, tolerance: Double, scale: Double = 0, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let error = relativeError(got, want, scale: scale)
  #expect(
    error <= tolerance,
    "\(what): got \(got.map { "\($0)" } ?? "nothing"), want \(want ?? "nothing"), error \(error)",
    sourceLocation: sourceLocation)
}

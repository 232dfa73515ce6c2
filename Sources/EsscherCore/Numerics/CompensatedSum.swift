// SPDX-License-Identifier: Apache-2.0
// Sums over prompts. There may be a million of them, with offsets that cancel.

/// A running sum with the rounding errors kept beside it (Neumaier's variant of Kahan's sum).
///
/// - Precision: relative to Σ|x|, 2^-53 + O(n·2^-106).
/// - Source: Neumaier, ZAMM 54 (1974).
public struct CompensatedSum: Sendable, Equatable {
  private var high = 0.0
  private var low = 0.0

  /// Zero.
  public init() {}

  /// Adds a number.
  public mutating func add(_ x: Double) {
    let sum = high + x
    low += high.magnitude >= x.magnitude ? (high - sum) + x : (x - sum) + high
    high = sum
  }

  /// The sum.
  public var value: Double { high + low }
}

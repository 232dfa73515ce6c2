// SPDX-License-Identifier: Apache-2.0
// Sums over prompts that are the same bits in whatever order, and on whatever machines, their terms were added.

/// The exact sum of any doubles: a fixed-point number as wide as the range of doubles.
///
/// 2^-1074 times an integer in limbs of 32 bits, each kept in 64 so that carries wait. A term touches three of
/// them. Addition of integers is associative, so order and grouping change nothing.
///
/// - Edge cases: an infinite or undefined term makes the value that of the plain sum of such terms.
/// - Precision: exact; ``value`` is the nearest double, ties to even.
/// - Complexity: O(1) a term, about a dozen integer operations; 560 bytes.
/// - Source: Kulisch and Miranker, Computer Arithmetic in Theory and Practice (1981), the long accumulator.
public struct ExactSum: Sendable {
  /// 2,098 bits of doubles, and room for 2^64 terms of the largest.
  static let limbCount = 68
  private static let limbMask = Int64(0xFFFF_FFFF)
  /// Terms after which carries are taken care of: fewer than 2^31 numbers below 2^32 fit a limb.
  private static let mostWaiting = Int32(1 << 30)

  private var limbs = InlineArray<68, Int64>(repeating: 0)
  private var waiting: Int32 = 0
  /// Sum of the terms that are not finite.
  private var special = 0.0

  /// Zero.
  public init() {}

  /// Adds a number.
  @inline(__always)
  public mutating func add(_ x: Double) {
    let bits = x.bitPattern
    // Much of what is added says 0 for what is not there.
    guard bits &<< 1 != 0 else { return }
    let exponent = Int(bits >> 52) & 0x7FF
    guard exponent != 0x7FF else {
      special += x
      return
    }
    let normal: UInt64 = exponent == 0 ? 0 : 1
    let significand = bits & 0xF_FFFF_FFFF_FFFF | normal << 52
    let position = exponent &- Int(normal)
    let limb = position &>> 5
    let shift = UInt64(truncatingIfNeeded: position & 31)
    // All ones for negative numbers: (v ^ sign) - sign is then -v.
    let sign = Int64(bitPattern: bits) &>> 63
    let low = Int64(bitPattern: significand &<< shift) & Self.limbMask
    let middle = Int64(bitPattern: significand &>> (32 &- shift)) & Self.limbMask
    let high = Int64(bitPattern: (significand &>> 32) &>> (32 &- shift))
    // A position is at most 2,045, its limb 63.
    unsafe limbs[unchecked: limb] &+= (low ^ sign) &- sign
    unsafe limbs[unchecked: limb &+ 1] &+= (middle ^ sign) &- sign
    unsafe limbs[unchecked: limb &+ 2] &+= (high ^ sign) &- sign
    waiting &+= 1
    if waiting == Self.mostWaiting { carry() }
  }

  /// Adds the exact square of a number.
  ///
  /// - Precision: exact unless the square leaves the range of normal doubles.
  public mutating func addSquare(of x: Double) {
    let square = x * x
    add(square)
    if square.isFinite { add((-square).addingProduct(x, x)) }
  }

  /// Adds another sum.
  public mutating func add(_ other: ExactSum) {
    var other = other
    if other.waiting > 1 { other.carry() }
    if waiting > 1 { carry() }
    var index = 0
    while index < Self.limbCount {
      unsafe limbs[unchecked: index] &+= other.limbs[unchecked: index]
      index += 1
    }
    waiting = 2
    special += other.special
  }

  /// Brings all limbs but the last into 0..<2^32.
  private mutating func carry() {
    var index = 0
    while index < Self.limbCount - 1 {
      unsafe limbs[unchecked: index + 1] &+= limbs[unchecked: index] &>> 32
      unsafe limbs[unchecked: index] &= Self.limbMask
      index += 1
    }
    waiting = 1
  }

  /// Sign and magnitude: limbs from the lowest on, each below 2^32.
  var magnitude: (isNegative: Bool, limbs: [UInt32]) {
    var sum = self
    sum.carry()
    let isNegative = sum.limbs[Self.limbCount - 1] < 0
    if isNegative {
      for index in 0..<Self.limbCount { sum.limbs[index] = -sum.limbs[index] }
      sum.carry()
    }
    return (
      isNegative,
      (0..<Self.limbCount).map { UInt32(truncatingIfNeeded: sum.limbs[$0]) }
    )
  }

  /// The nearest double, ties to even; infinite beyond the largest.
  public var value: Double {
    guard special == 0 else { return special }
    let (isNegative, limbs) = magnitude
    guard let top = limbs.lastIndex(where: { $0 != 0 }) else { return 0 }
    // The top 64 bits, aligned so that the first is 1, and whether anything lies below them.
    let space = limbs[top].leadingZeroBitCount
    func limb(_ index: Int) -> UInt64 { index >= 0 ? UInt64(limbs[index]) : 0 }
    var window = limb(top) << 32 | limb(top - 1)
    if space > 0 { window = window << UInt64(space) | limb(top - 2) >> UInt64(32 - space) }
    let below = space > 0 ? limb(top - 2) << UInt64(32 + space) : limb(top - 2)
    let rest = below != 0 || (top > 2 && limbs[..<(top - 2)].contains { $0 != 0 })
    // Exponent of the window's first bit, above 2^-1074.
    let exponent = 32 * top + 31 - space
    // A subnormal has fewer bits: all of them are in the window, and nothing is below.
    let kept = min(53, exponent + 1)
    let dropped = UInt64(64 - kept)
    var significand = dropped < 64 ? window >> dropped : 0
    let half = UInt64(1) << (dropped - 1)
    let remainder = window & (half << 1 &- 1)
    if remainder > half || remainder == half && (rest || significand & 1 == 1) { significand += 1 }
    return Double(
      sign: isNegative ? .minus : .plus, exponent: exponent - kept + 1 - 1074,
      significand: Double(significand))
  }

  /// The sum to about 107 bits: the nearest double, and the nearest double to what is left.
  public var parts: (high: Double, low: Double) {
    let high = value
    guard high.isFinite else { return (high, 0) }
    var rest = self
    rest.add(-high)
    return (high, rest.value)
  }
}

extension ExactSum {
  /// Σ(x − x̄)² = (n·Σx² − (Σx)²)/n, from both sums to 107 bits: where the mean is far from 0, their first digits cancel.
  ///
  /// - Parameters:
  ///   - sum: Σx.
  ///   - squares: Σx².
  ///   - count: n, at least 1.
  /// - Edge cases: at least 0; infinite where a square is.
  package static func squaredDeviations(
    sum: ExactSum, squares: ExactSum, count: Int
  ) -> Double {
    let n = Double(count)
    let (sum, squares) = (sum.parts, squares.parts)
    let (first, second) = (n * squares.high, sum.high * sum.high)
    guard first.isFinite, second.isFinite else { return .infinity }
    let firstRest = (-first).addingProduct(n, squares.high) + n * squares.low
    let secondRest = (-second).addingProduct(sum.high, sum.high) + 2 * sum.high * sum.low
    return max(0, (first - second) + (firstRest - secondRest)) / n
  }
}

extension ExactSum: Equatable {
  /// Whether two sums are equal as numbers.
  public static func == (one: ExactSum, other: ExactSum) -> Bool {
    let (a, b) = (one.magnitude, other.magnitude)
    return a == b && (one.special == other.special || one.special.isNaN && other.special.isNaN)
  }
}

extension ExactSum {
  /// Writes or reads the sum: sign, and the limbs between the first and the last that is not 0.
  package mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.code(&special)
    var (isNegative, limbs) = coder.isReading ? (false, []) : magnitude
    let first = limbs.firstIndex { $0 != 0 } ?? 0
    let end = (limbs.lastIndex { $0 != 0 } ?? -1) + 1
    try coder.code(&isNegative)
    var start = first
    try coder.code(&start)
    var kept = limbs[first..<max(first, end)].map { Int($0) }
    try coder.code(&kept)
    guard coder.isReading else { return }
    guard start >= 0, start + kept.count <= Self.limbCount,
      kept.allSatisfy({ (0...0xFFFF_FFFF).contains($0) })
    else { throw StateCoder.damaged }
    self.limbs = InlineArray(repeating: 0)
    for (offset, limb) in kept.enumerated() {
      self.limbs[start + offset] = isNegative ? -Int64(limb) : Int64(limb)
    }
    waiting = 1
  }
}

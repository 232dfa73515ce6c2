// SPDX-License-Identifier: Apache-2.0
// Natural logarithms of eight doubles at a time, and running products that never leave the normal numbers.

/// log(m·2^e).
///
/// - Domain: 1 ≤ m < 2, e a whole number.
/// - Precision: relative error below 4·2^-53, also next to 1. With s = (m − 1)/(m + 1), |s| < 0.172, the series of
///   2 artanh s to s²¹ leaves 0.172²²/23 < 7e-19 of it.
@inline(__always)
func scaledLogarithm(_ mantissa: Lanes, _ exponent: Lanes) -> Lanes {
  // Between √½ and √2, so that nothing cancels next to 1.
  let isHigh = mantissa .> Lanes(repeating: 0x1.6a09e667f3bcdp0)
  let m = mantissa.replacing(with: mantissa * 0.5, where: isHigh)
  let e = exponent.replacing(with: exponent + 1, where: isHigh)
  let s = (m - 1) / (m + 1)
  let square = s * s
  var series = Lanes(repeating: 1.0 / 21)
  series = multiplyAdd(series, square, Lanes(repeating: 1.0 / 19))
  series = multiplyAdd(series, square, Lanes(repeating: 1.0 / 17))
  series = multiplyAdd(series, square, Lanes(repeating: 1.0 / 15))
  series = multiplyAdd(series, square, Lanes(repeating: 1.0 / 13))
  series = multiplyAdd(series, square, Lanes(repeating: 1.0 / 11))
  series = multiplyAdd(series, square, Lanes(repeating: 1.0 / 9))
  series = multiplyAdd(series, square, Lanes(repeating: 1.0 / 7))
  series = multiplyAdd(series, square, Lanes(repeating: 1.0 / 5))
  series = multiplyAdd(series, square, Lanes(repeating: 1.0 / 3))
  let double = s + s
  // ln 2 in two parts, the high one with 21 trailing zero bits.
  let rest = multiplyAdd(
    e, Lanes(repeating: 0x1.a39ef35793c76p-33), double * square * series)
  return multiplyAdd(e, Lanes(repeating: 0x1.62e42feep-1), double + rest)
}

/// log x of positive normal numbers; of anything else, some number.
@inline(__always)
func logarithm(_ x: Lanes) -> Lanes {
  var product = Product()
  product.value = x
  product.normalise()
  return product.logarithm
}

/// Eight running products of positive numbers, each a number and a power of 2 taken out of it.
struct Product {
  var value = Lanes(repeating: 1)
  var exponent = SIMD8<Int64>(repeating: 0)

  /// Moves the powers of 2 out, so that `value` is in [1, 2).
  @inline(__always)
  mutating func normalise() {
    let bits = unsafe unsafeBitCast(value, to: SIMD8<Int64>.self)
    exponent &+= (bits &>> 52) &- 1023
    value = unsafe unsafeBitCast(
      bits & 0x000F_FFFF_FFFF_FFFF | 0x3FF0_0000_0000_0000, to: Lanes.self)
  }

  /// Its logarithm, once normalised.
  @inline(__always)
  var logarithm: Lanes {
    // An integer below 2^51 in the low bits of 1.5·2^52 is that number more.
    let shifted = unsafe unsafeBitCast(
      exponent &+ SIMD8<Int64>(repeating: 0x4338_0000_0000_0000), to: Lanes.self)
    return scaledLogarithm(value, shifted - Lanes(repeating: 0x1.8p52))
  }
}

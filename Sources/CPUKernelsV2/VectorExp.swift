// SPDX-License-Identifier: Apache-2.0
// exp and expm1 on eight doubles at a time, with one set of operations for every variant.
//
// Hot-loop rules (docs/design/003-cpu-dispatch.md): only pointers, SIMD types and always-inlined
// free functions, so that no symbol of one instruction-set variant can stand in for another's.

@usableFromInline typealias Lanes = SIMD8<Double>

/// `a·b + c`, fused where the variant has the instruction.
///
/// Without hardware FMA Swift would call the C library once a lane, eighty times slower.
@inline(__always)
func multiplyAdd(_ a: Lanes, _ b: Lanes, _ c: Lanes) -> Lanes {
  #if ESSCHER_NO_FMA
    return a * b + c
  #else
    return c.addingProduct(a, b)
  #endif
}

/// 2^k − 1 and 2^k · expm1(f) of one argument, from which exp and expm1 both follow without loss.
struct ExpParts {
  /// 2^k.
  var scale: Lanes
  /// 2^k·(e^f − 1), |f| ≤ ln 2 / 2.
  var scaledExpm1: Lanes

  /// e^x.
  @inline(__always) var exp: Lanes { scaledExpm1 + scale }
  /// e^x − 1, with full relative accuracy where x is small (then k = 0 and the sum is exact).
  @inline(__always) var expm1: Lanes { scaledExpm1 + (scale - 1) }
}

/// Splits e^x into 2^k and 2^k·expm1(f), x = k·ln 2 + f.
///
/// - Domain: x ≤ 700; smaller than −700 is treated as −700, where e^x < 1e-304.
/// - Precision: (e^f − 1 − f)/f² is interpolated by degree 9 at Chebyshev points of [−ln 2/2, ln 2/2], which leaves
///   4.1e-17 relative to e^f − 1, coefficients rounded to doubles; k·ln 2 is subtracted in two parts (Cody and Waite), the high one with 21 trailing zero bits, so that
///   k·high is exact for |k| < 2^20.
@inline(__always)
func expParts(_ argument: Lanes) -> ExpParts {
  let lowest = Lanes(repeating: -700)
  let x = argument.replacing(with: lowest, where: argument .< lowest)
  // Adding 1.5·2^52 rounds to the nearest integer and leaves it in the low mantissa bits.
  let magic = Lanes(repeating: 0x1.8p52)
  let shifted = multiplyAdd(x, Lanes(repeating: 0x1.71547652b82fep0), magic)
  let k = shifted - magic
  let high = multiplyAdd(k, Lanes(repeating: -0x1.62e42feep-1), x)
  let f = multiplyAdd(k, Lanes(repeating: -0x1.a39ef35793c76p-33), high)
  var series = Lanes(repeating: 0x1.af38a9b0ec855p-26)
  series = multiplyAdd(series, f, Lanes(repeating: 0x1.289185613a3d6p-22))
  series = multiplyAdd(series, f, Lanes(repeating: 0x1.71de0dae63bb3p-19))
  series = multiplyAdd(series, f, Lanes(repeating: 0x1.a019b90d2ae7ap-16))
  series = multiplyAdd(series, f, Lanes(repeating: 0x1.a01a01a7c41d5p-13))
  series = multiplyAdd(series, f, Lanes(repeating: 0x1.6c16c1788bd90p-10))
  series = multiplyAdd(series, f, Lanes(repeating: 0x1.11111111109b3p-7))
  series = multiplyAdd(series, f, Lanes(repeating: 0x1.5555555553d63p-5))
  series = multiplyAdd(series, f, Lanes(repeating: 0x1.5555555555556p-3))
  series = multiplyAdd(series, f, Lanes(repeating: 0x1.0000000000001p-1))
  let expm1 = multiplyAdd(f * f, series, f)
  let bits = unsafe unsafeBitCast(shifted, to: SIMD8<Int64>.self)
  let scaleBits = (bits &<< 52) &+ SIMD8<Int64>(repeating: 0x3FF0_0000_0000_0000)
  let scale = unsafe unsafeBitCast(scaleBits, to: Lanes.self)
  return ExpParts(scale: scale, scaledExpm1: expm1 * scale)
}

/// Eight consecutive doubles; any alignment.
@inline(__always)
func load(_ pointer: UnsafePointer<Double>, _ index: Int) -> Lanes {
  unsafe UnsafeRawPointer(pointer + index).loadUnaligned(as: Lanes.self)
}

/// The first `count` < 8 of eight doubles, the rest 0; never reads past them.
@inline(__always)
func loadTail(_ pointer: UnsafePointer<Double>, _ index: Int, _ count: Int) -> Lanes {
  var lanes = Lanes(repeating: 0)
  var lane = 0
  while lane < count {
    lanes[lane] = unsafe pointer[index &+ lane]
    lane &+= 1
  }
  return lanes
}

/// Stores eight consecutive doubles; any alignment.
@inline(__always)
func store(_ lanes: Lanes, _ pointer: UnsafeMutablePointer<Double>, _ index: Int) {
  unsafe UnsafeMutableRawPointer(pointer + index).storeBytes(of: lanes, as: Lanes.self)
}

/// The sums of the lanes of four vectors, each in the tree of ``total(_:)``.
@inline(__always)
func totals(_ a: Lanes, _ b: Lanes, _ c: Lanes, _ d: Lanes) -> SIMD4<Double> {
  let a4 = a.lowHalf + a.highHalf
  let b4 = b.lowHalf + b.highHalf
  let c4 = c.lowHalf + c.highHalf
  let d4 = d.lowHalf + d.highHalf
  let ab = SIMD4(lowHalf: a4.lowHalf + a4.highHalf, highHalf: b4.lowHalf + b4.highHalf)
  let cd = SIMD4(lowHalf: c4.lowHalf + c4.highHalf, highHalf: d4.lowHalf + d4.highHalf)
  return SIMD4(lowHalf: ab.evenHalf + ab.oddHalf, highHalf: cd.evenHalf + cd.oddHalf)
}

/// Sum of the lanes in a fixed tree.
@inline(__always)
func total(_ lanes: Lanes) -> Double {
  let four = lanes.lowHalf + lanes.highHalf
  let two = four.lowHalf + four.highHalf
  return two[0] + two[1]
}

// SPDX-License-Identifier: Apache-2.0
// What this instruction set allows at best: reading, multiplying and adding, exponentials. Only benchmarks
// call these. Results go through pointers, so that nothing can be left out as unused.

/// Single-precision lanes of the same width as `Lanes`.
typealias FloatLanes = SIMD16<Float>

/// Reads `count` doubles once and leaves their sum in `result`.
///
/// - Complexity: O(count), four chains of additions, so that memory is what one waits for.
public func readAll(
  _ values: UnsafePointer<Double>, _ count: Int, _ result: UnsafeMutablePointer<Double>
) {
  var a = Lanes(repeating: 0)
  var b = a
  var c = a
  var d = a
  var index = 0
  while index &+ 32 <= count {
    unsafe a += load(values, index)
    unsafe b += load(values, index &+ 8)
    unsafe c += load(values, index &+ 16)
    unsafe d += load(values, index &+ 24)
    index &+= 32
  }
  unsafe result[0] = total((a + b) + (c + d))
}

/// `rounds` multiply-adds on each of 4 chains of 8 doubles: as many as 16 registers hold.
///
/// - Parameter seed: factor and addend of every chain.
public func multiplyAddFew(
  _ seed: UnsafePointer<Double>, _ rounds: Int, _ result: UnsafeMutablePointer<Double>
) {
  let factor = unsafe Lanes(repeating: seed[0])
  let addend = unsafe Lanes(repeating: seed[1])
  var (a, b, c, d) = (addend, addend + 1, addend + 2, addend + 3)
  var round = 0
  while round < rounds {
    a = multiplyAdd(a, factor, addend)
    b = multiplyAdd(b, factor, addend)
    c = multiplyAdd(c, factor, addend)
    d = multiplyAdd(d, factor, addend)
    round &+= 1
  }
  unsafe result[0] = total((a + b) + (c + d))
}

/// As `multiplyAddFew` with 12 chains, where there are 32 registers of 8 doubles.
public func multiplyAddMany(
  _ seed: UnsafePointer<Double>, _ rounds: Int, _ result: UnsafeMutablePointer<Double>
) {
  let factor = unsafe Lanes(repeating: seed[0])
  let addend = unsafe Lanes(repeating: seed[1])
  var (a, b, c, d) = (addend, addend + 1, addend + 2, addend + 3)
  var (e, f, g, h) = (addend + 4, addend + 5, addend + 6, addend + 7)
  var (i, j, k, l) = (addend + 8, addend + 9, addend + 10, addend + 11)
  var round = 0
  while round < rounds {
    a = multiplyAdd(a, factor, addend)
    b = multiplyAdd(b, factor, addend)
    c = multiplyAdd(c, factor, addend)
    d = multiplyAdd(d, factor, addend)
    e = multiplyAdd(e, factor, addend)
    f = multiplyAdd(f, factor, addend)
    g = multiplyAdd(g, factor, addend)
    h = multiplyAdd(h, factor, addend)
    i = multiplyAdd(i, factor, addend)
    j = multiplyAdd(j, factor, addend)
    k = multiplyAdd(k, factor, addend)
    l = multiplyAdd(l, factor, addend)
    round &+= 1
  }
  let sum = ((a + b) + (c + d)) + ((e + f) + (g + h)) + ((i + j) + (k + l))
  unsafe result[0] = total(sum)
}

/// `a·b + c` in single precision, fused where the variant has the instruction.
@inline(__always)
private func multiplyAdd(_ a: FloatLanes, _ b: FloatLanes, _ c: FloatLanes) -> FloatLanes {
  #if ESSCHER_NO_FMA
    return a * b + c
  #else
    return c.addingProduct(a, b)
  #endif
}

/// Sum of the lanes.
@inline(__always)
private func total(_ lanes: FloatLanes) -> Double {
  let eight = lanes.lowHalf + lanes.highHalf
  let four = eight.lowHalf + eight.highHalf
  let two = four.lowHalf + four.highHalf
  return Double(two[0] + two[1])
}

/// As `multiplyAddFew` on 16 floats.
public func floatMultiplyAddFew(
  _ seed: UnsafePointer<Double>, _ rounds: Int, _ result: UnsafeMutablePointer<Double>
) {
  let factor = unsafe FloatLanes(repeating: Float(seed[0]))
  let addend = unsafe FloatLanes(repeating: Float(seed[1]))
  var (a, b, c, d) = (addend, addend + 1, addend + 2, addend + 3)
  var round = 0
  while round < rounds {
    a = multiplyAdd(a, factor, addend)
    b = multiplyAdd(b, factor, addend)
    c = multiplyAdd(c, factor, addend)
    d = multiplyAdd(d, factor, addend)
    round &+= 1
  }
  unsafe result[0] = total((a + b) + (c + d))
}

/// As `multiplyAddMany` on 16 floats.
public func floatMultiplyAddMany(
  _ seed: UnsafePointer<Double>, _ rounds: Int, _ result: UnsafeMutablePointer<Double>
) {
  let factor = unsafe FloatLanes(repeating: Float(seed[0]))
  let addend = unsafe FloatLanes(repeating: Float(seed[1]))
  var (a, b, c, d) = (addend, addend + 1, addend + 2, addend + 3)
  var (e, f, g, h) = (addend + 4, addend + 5, addend + 6, addend + 7)
  var (i, j, k, l) = (addend + 8, addend + 9, addend + 10, addend + 11)
  var round = 0
  while round < rounds {
    a = multiplyAdd(a, factor, addend)
    b = multiplyAdd(b, factor, addend)
    c = multiplyAdd(c, factor, addend)
    d = multiplyAdd(d, factor, addend)
    e = multiplyAdd(e, factor, addend)
    f = multiplyAdd(f, factor, addend)
    g = multiplyAdd(g, factor, addend)
    h = multiplyAdd(h, factor, addend)
    i = multiplyAdd(i, factor, addend)
    j = multiplyAdd(j, factor, addend)
    k = multiplyAdd(k, factor, addend)
    l = multiplyAdd(l, factor, addend)
    round &+= 1
  }
  let sum = ((a + b) + (c + d)) + ((e + f) + (g + h)) + ((i + j) + (k + l))
  unsafe result[0] = total(sum)
}

/// Σ e^x over `count` doubles, `rounds` times; `count` is a multiple of 16.
public func sumExponentials(
  _ values: UnsafePointer<Double>, _ count: Int, _ rounds: Int,
  _ result: UnsafeMutablePointer<Double>
) {
  var even = Lanes(repeating: 0)
  var odd = Lanes(repeating: 0)
  var round = 0
  while round < rounds {
    var index = 0
    while index &+ 16 <= count {
      unsafe even += expParts(load(values, index)).exp
      unsafe odd += expParts(load(values, index &+ 8)).exp
      index &+= 16
    }
    round &+= 1
  }
  unsafe result[0] = total(even + odd)
}

// SPDX-License-Identifier: Apache-2.0
// Σ log(1 − θx) and likelihoods of a Pareto fit (ParetoFitKernel.swift), eight θ at a time.

/// What the likelihoods of a tail are made of.
@unsafe
struct FittedTail {
  let excess: UnsafePointer<Double>
  let count: Int
  let coefficients: UnsafePointer<Double>
  let groups: Int
  /// Factors after which the powers of 2 are taken out of a product.
  let block: Int
}

/// The coefficients, from the lowest, of the quartic Π (1 − x + xz) of each group of four, its members a quarter of the whole
/// apart; five doubles a group.
@inline(__always)
func quartics(
  _ excess: UnsafePointer<Double>, _ groups: Int, _ coefficients: UnsafeMutablePointer<Double>
) {
  let one = Lanes(repeating: 1)
  var group = 0
  while group < groups {
    let a = unsafe load(excess, group)
    let b = unsafe load(excess, groups &+ group)
    let c = unsafe load(excess, 2 &* groups &+ group)
    let d = unsafe load(excess, 3 &* groups &+ group)
    let e = one - a
    let f = one - b
    let g = one - c
    let h = one - d
    let low = e * f
    let middle = multiplyAdd(a, f, e * b)
    let high = a * b
    let otherLow = g * h
    let otherMiddle = multiplyAdd(c, h, g * d)
    let otherHigh = c * d
    let base = unsafe coefficients + 5 &* group
    unsafe store(low * otherLow, base, 0)
    unsafe store(multiplyAdd(low, otherMiddle, middle * otherLow), base, 8)
    unsafe store(
      multiplyAdd(low, otherHigh, multiplyAdd(middle, otherMiddle, high * otherLow)), base, 16)
    unsafe store(multiplyAdd(middle, otherHigh, high * otherMiddle), base, 24)
    unsafe store(high * otherHigh, base, 32)
    group &+= 8
  }
}

/// The quartic of a group at eight numbers; `base` is where the lowest coefficient is.
@inline(__always)
private func quartic(_ base: UnsafePointer<Double>, _ z: Lanes) -> Lanes {
  var value = unsafe multiplyAdd(Lanes(repeating: base[32]), z, Lanes(repeating: base[24]))
  value = unsafe multiplyAdd(value, z, Lanes(repeating: base[16]))
  value = unsafe multiplyAdd(value, z, Lanes(repeating: base[8]))
  return unsafe multiplyAdd(value, z, Lanes(repeating: base[0]))
}

/// Multiplies the quartics of all groups, at three vectors of numbers: three chains of dependent products hide each
/// other's latency.
@inline(__always)
private func multiply(
  _ tail: FittedTail, _ x: Lanes, _ y: Lanes, _ z: Lanes, _ a: inout Product, _ b: inout Product,
  _ c: inout Product
) {
  let groups = unsafe tail.groups
  let block = unsafe tail.block / 4
  var start = 0
  while start < groups {
    let end = start &+ block < groups ? start &+ block : groups
    var group = start
    while group < end {
      // Groups lie in blocks of eight, coefficient by coefficient.
      let base = unsafe tail.coefficients + (5 &* (group & ~7) &+ (group & 7))
      a.value *= unsafe quartic(base, x)
      b.value *= unsafe quartic(base, y)
      c.value *= unsafe quartic(base, z)
      group &+= 1
    }
    a.normalise()
    b.normalise()
    c.normalise()
    start = end
  }
}

/// As for three, at one.
@inline(__always)
private func multiply(_ tail: FittedTail, _ x: Lanes, _ a: inout Product) {
  let groups = unsafe tail.groups
  let block = unsafe tail.block / 4
  var start = 0
  while start < groups {
    let end = start &+ block < groups ? start &+ block : groups
    var group = start
    while group < end {
      let base = unsafe tail.coefficients + (5 &* (group & ~7) &+ (group & 7))
      a.value *= unsafe quartic(base, x)
      group &+= 1
    }
    a.normalise()
    start = end
  }
}

/// Writes Σ log(1 − θx) at vectors of z, from the quartics.
@inline(__always)
func logarithms(
  _ tail: FittedTail, _ points: UnsafePointer<Double>, _ vectors: Int,
  _ sums: UnsafeMutablePointer<Double>
) {
  var vector = 0
  while vector < vectors {
    var a = Product()
    let x = unsafe load(points, 8 &* vector)
    guard vector &+ 3 <= vectors else {
      unsafe multiply(tail, x, &a)
      unsafe store(a.logarithm, sums, 8 &* vector)
      vector &+= 1
      continue
    }
    var b = Product()
    var c = Product()
    let y = unsafe load(points, 8 &* vector &+ 8)
    let z = unsafe load(points, 8 &* vector &+ 16)
    unsafe multiply(tail, x, y, z, &a, &b, &c)
    unsafe store(a.logarithm, sums, 8 &* vector)
    unsafe store(b.logarithm, sums, 8 &* vector &+ 8)
    unsafe store(c.logarithm, sums, 8 &* vector &+ 16)
    vector &+= 3
  }
}

/// In place of Σ log(1 − θx) writes log(−θ/k) − k, an n-th of the likelihood's logarithm less a constant; −∞ where it is no
/// number. Points descend.
@inline(__always)
func likelihoods(
  _ tail: FittedTail, _ points: UnsafePointer<Double>, _ vectors: Int,
  _ values: UnsafeMutablePointer<Double>
) {
  let counts = unsafe Lanes(repeating: Double(tail.count))
  let none = Lanes(repeating: -Double.infinity)
  var vector = 0
  while vector < vectors {
    let opposite = unsafe load(points, 8 &* vector) - Lanes(repeating: 1)
    let k = unsafe load(values, 8 &* vector) / counts
    let ratio = opposite / k
    var value = none.replacing(
      with: logarithm(ratio) - k, where: ratio .> Lanes(repeating: 0x1p-1021))
    value.replace(with: none, where: ratio .> Lanes(repeating: 0x1p1023))
    unsafe store(value, values, 8 &* vector)
    if opposite[0] > -nearness && opposite[7] < nearness {
      unsafe mendNearZero(tail, points + 8 &* vector, values + 8 &* vector)
    }
    vector &+= 1
  }
}

/// Nearer to 0 than this, k is so small that −θ/k is all rounding.
private let nearness = 0x1p-9

/// Writes the likelihoods of one vector anew where θ is next to 0, if it is anywhere, with
/// k/(−θ) = mean (x − tx²/2 + t²x³/3 − …), t = −θ: six terms leave 2^-54/7 of it.
@inline(never)
private func mendNearZero(
  _ tail: FittedTail, _ points: UnsafePointer<Double>, _ values: UnsafeMutablePointer<Double>
) {
  let t = unsafe load(points, 0) - Lanes(repeating: 1)
  var lane = 0
  while lane < 8 && t[lane].magnitude >= nearness { lane &+= 1 }
  guard lane < 8 else { return }
  let zero = Lanes(repeating: 0)
  var first = zero
  var second = zero
  var third = zero
  var fourth = zero
  var fifth = zero
  var sixth = zero
  var index = 0
  while unsafe index < tail.count {
    let x = unsafe load(tail.excess, index)
    let square = x * x
    let cube = square * x
    first += x
    second += square
    third += cube
    fourth = multiplyAdd(square, square, fourth)
    fifth = multiplyAdd(cube, square, fifth)
    sixth = multiplyAdd(cube, cube, sixth)
    index &+= 8
  }
  var slope = Lanes(repeating: total(sixth) / -6)
  slope = multiplyAdd(slope, t, Lanes(repeating: total(fifth) / 5))
  slope = multiplyAdd(slope, t, Lanes(repeating: total(fourth) / -4))
  slope = multiplyAdd(slope, t, Lanes(repeating: total(third) / 3))
  slope = multiplyAdd(slope, t, Lanes(repeating: total(second) / -2))
  slope = multiplyAdd(slope, t, Lanes(repeating: total(first)))
  slope = unsafe slope / Lanes(repeating: Double(tail.count))
  let isNear = t * t .< Lanes(repeating: nearness * nearness)
  unsafe store(
    load(values, 0).replacing(with: zero - logarithm(slope) - slope * t, where: isNear), values, 0)
}

/// The likelihoods of guesses from those of nodes.
@inline(__always)
func interpolate(
  _ matrix: UnsafePointer<Double>, _ nodes: Int, _ values: UnsafePointer<Double>, _ vectors: Int,
  _ likelihoods: UnsafeMutablePointer<Double>
) {
  var vector = 0
  while vector < vectors {
    let columns = unsafe matrix + 8 &* nodes &* vector
    // Two chains of dependent sums hide each other's latency.
    var even = Lanes(repeating: 0)
    var odd = Lanes(repeating: 0)
    var node = 0
    while node < nodes {
      even = unsafe multiplyAdd(Lanes(repeating: values[node]), load(columns, 8 &* node), even)
      odd = unsafe multiplyAdd(
        Lanes(repeating: values[node &+ 1]), load(columns, 8 &* node &+ 8), odd)
      node &+= 2
    }
    unsafe store(even + odd, likelihoods, 8 &* vector)
    vector &+= 1
  }
}

/// Writes Σ log(1 − θx) at one vector of any z, factor by factor.
@inline(__always)
func directly(
  _ tail: FittedTail, _ points: UnsafePointer<Double>, _ vector: Int,
  _ sums: UnsafeMutablePointer<Double>
) {
  let (excess, count, block) = unsafe (tail.excess, tail.count, tail.block)
  let opposite = unsafe load(points, 8 &* vector) - Lanes(repeating: 1)
  let one = Lanes(repeating: 1)
  // Three chains of dependent products hide each other's latency.
  var a = Product()
  var b = Product()
  var c = Product()
  let third = count / 3
  var start = 0
  while start < third {
    let end = start &+ block < third ? start &+ block : third
    var index = start
    while index < end {
      a.value *= unsafe multiplyAdd(opposite, Lanes(repeating: excess[index]), one)
      b.value *= unsafe multiplyAdd(opposite, Lanes(repeating: excess[third &+ index]), one)
      c.value *= unsafe multiplyAdd(opposite, Lanes(repeating: excess[2 &* third &+ index]), one)
      index &+= 1
    }
    a.normalise()
    b.normalise()
    c.normalise()
    start = end
  }
  // The one or two that are left.
  start = 3 &* third
  while start < count {
    a.value *= unsafe multiplyAdd(opposite, Lanes(repeating: excess[start]), one)
    a.normalise()
    start &+= 1
  }
  unsafe store(a.logarithm + b.logarithm + c.logarithm, sums, 8 &* vector)
}

/// Writes eight numbers that make up Σ log(1 − θx), sixteen samples at a time; behind `count` samples sixteen zeros follow.
/// Not inlined: the logarithm would be taken in quarters, which is what the sum of its lanes begins with.
@inline(never)
func logarithms(
  _ tail: FittedTail, _ theta: Double, _ sums: UnsafeMutablePointer<Double>
) {
  let (excess, count, block) = unsafe (tail.excess, tail.count, tail.block)
  let negated = Lanes(repeating: -theta)
  let one = Lanes(repeating: 1)
  // Two chains of dependent products hide each other's latency; what lies behind the excesses is 0.
  var a = Product()
  var b = Product()
  var start = 0
  while start < count {
    let end = start &+ 16 &* block < count ? start &+ 16 &* block : count
    var index = start
    while index < end {
      a.value *= unsafe multiplyAdd(negated, load(excess, index), one)
      b.value *= unsafe multiplyAdd(negated, load(excess, index &+ 8), one)
      index &+= 16
    }
    a.normalise()
    b.normalise()
    start = end
  }
  a.value *= b.value
  a.exponent &+= b.exponent
  a.normalise()
  unsafe store(a.logarithm, sums, 0)
}

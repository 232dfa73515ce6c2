// SPDX-License-Identifier: Apache-2.0
// The generalised Pareto fit of Zhang and Stephens (2009), eight of their guesses of θ at a time.
//
// Everything is in units of the largest excess, x in (0, 1]. The likelihood of a guess needs k = mean log(1 − θx),
// taken of products of all 1 − θx. Four factors at once are a quartic in θ whose coefficients all guesses share:
// five operations in place of eight. For θ < 0 it is a quartic in −θ, for θ > 0
//     1 − θx = (1 − θ)(1 + τ(1 − x)), τ = θ/(1 − θ),
// one in τ: no coefficient is negative, so nothing cancels, and no factor is below 1. A little above 0 the first form
// loses two digits and a half at most, which it can.

/// k̂ with the prior of PSIS, (n k + 5)/(n + 10); NaN where fewer than five weights lie above the cutoff, or all of
/// those are equal.
///
/// - Parameters:
///   - distances, weights: r_i − r_0 and e^{λ(r_i − r_0)}, the largest first.
///   - fitted: entries, the last of them the cutoff.
///   - shares: (j + ½)^-½.
///   - scratch: four doubles an entry and two a guess, with 128 more.
@inline(__always)
func paretoShape(
  _ distances: UnsafePointer<Double>, _ weights: UnsafePointer<Double>, _ fitted: Int,
  _ shares: UnsafePointer<Double>, _ scratch: UnsafeMutablePointer<Double>
) -> Double {
  guard fitted > 5 else { return Double.nan }
  let last = unsafe distances[fitted &- 1]
  // Exponents below the smallest normal weight count as that.
  let lowest = unsafe weights[fitted &- 1] > 0x1p-1021 ? weights[fitted &- 1] : 0x1p-1021
  var count = fitted &- 1
  while unsafe count > 0 && !(distances[count &- 1] > last && weights[count &- 1] > lowest) {
    count &-= 1
  }
  guard count >= 5 else { return Double.nan }
  let highest = unsafe weights[0]
  let largest = highest - lowest
  guard unsafe largest > weights[count &- 1] - lowest else { return Double.nan }
  // The prior's scale: a third of the lower quartile.
  let quartile = unsafe weights[count &- Int(Double(count) / 4 + 0.5)] - lowest
  let unit = 1 / largest
  let inverseScale = largest / (3 * quartile)

  let groups = (count &+ 3) / 4
  let room = 4 &* groups &+ 24
  let excess = unsafe scratch
  let coefficients = unsafe scratch + room
  let thetas = unsafe coefficients + (room &+ 32)
  let guesses = 30 &+ Int(Double(count).squareRoot())
  let vectors = (guesses &+ 7) / 8
  let means = unsafe thetas + 8 &* vectors

  // Ascending; what fills the last vector repeats the last guess.
  let root = Lanes(repeating: Double(guesses).squareRoot())
  var vector = 0
  while vector < vectors {
    let share = unsafe load(shares, 8 &* vector) * root
    unsafe store(
      multiplyAdd(1 - share, Lanes(repeating: inverseScale), Lanes(repeating: 1)), thetas,
      8 &* vector)
    vector &+= 1
  }
  var filler = guesses
  while filler < 8 &* vectors {
    unsafe thetas[filler] = thetas[guesses &- 1]
    filler &+= 1
  }
  let bound = unsafe exponent(of: 1 - thetas[0])
  // Quartics of larger factors would overflow; and a NaN of a scale of 0 ends here too.
  let isWide = !(bound <= 224)
  var negative = 0
  var positive = vectors
  if isWide {
    unsafe scaled(weights, count, lowest, unit, excess, room)
  } else {
    while unsafe negative < vectors && thetas[8 &* negative &+ 7] <= 0.625 { negative &+= 1 }
    while unsafe positive > negative && thetas[8 &* positive &- 8] > 0 { positive &-= 1 }
    if positive < vectors {
      unsafe scaled(weights, count, highest, -unit, excess, room)
      unsafe quartics(excess, groups, coefficients)
      let steepest = unsafe exponent(of: 1 / (1 - thetas[guesses &- 1]))
      unsafe aboveZero(
        coefficients, groups, 900 / (4 &* (steepest &+ 1)), thetas, positive, vectors,
        Double(count), means)
    }
    unsafe scaled(weights, count, lowest, unit, excess, room)
    if negative > 0 {
      unsafe quartics(excess, groups, coefficients)
      unsafe belowZero(
        coefficients, groups, 900 / (4 &* (bound &+ 1)), thetas, negative, Double(count), means)
    }
  }
  // No factor is above 2^bound, and none below 1/(6·guesses)·largest/quartile > 1e-4.
  let block = isWide ? 1 : 900 / (bound > 13 ? bound &+ 1 : 14)
  vector = isWide ? 0 : negative
  let end = isWide ? vectors : positive
  while vector < end {
    unsafe directly(excess, count, block, thetas, vector, Double(count), means)
    vector &+= 1
  }
  let theta = unsafe posteriorMean(thetas, means, guesses, vectors, Double(count))
  let k = unsafe meanLogarithm(excess, count, block, theta)
  let n = Double(count)
  return (n * k + 5) / (n + 10)
}

@inline(__always)
private func opposite(_ x: Lanes) -> Lanes { Lanes(repeating: 0) - x }

/// An e with |x| < 2^e; large where x is not finite.
@inline(__always)
private func exponent(of x: Double) -> Int {
  Int(truncatingIfNeeded: (x.bitPattern &>> 52) & 0x7FF) &- 1022
}

/// Writes (w_i − cutoff)·unit, and zeros up to `room`.
@inline(__always)
private func scaled(
  _ weights: UnsafePointer<Double>, _ count: Int, _ cutoff: Double, _ unit: Double,
  _ excess: UnsafeMutablePointer<Double>, _ room: Int
) {
  var index = count & ~7
  while index < room {
    unsafe store(Lanes(repeating: 0), excess, index)
    index &+= 8
  }
  index = 0
  while index &+ 8 <= count {
    let w = unsafe load(weights, index)
    unsafe store((w - Lanes(repeating: cutoff)) * Lanes(repeating: unit), excess, index)
    index &+= 8
  }
  while index < count {
    unsafe excess[index] = (weights[index] - cutoff) * unit
    index &+= 1
  }
}

/// The elementary symmetric polynomials of each group of four, its members a quarter of the whole apart; four
/// doubles a group.
@inline(__always)
private func quartics(
  _ excess: UnsafePointer<Double>, _ groups: Int, _ coefficients: UnsafeMutablePointer<Double>
) {
  var group = 0
  while group < groups {
    let a = unsafe load(excess, group)
    let b = unsafe load(excess, groups &+ group)
    let c = unsafe load(excess, 2 &* groups &+ group)
    let d = unsafe load(excess, 3 &* groups &+ group)
    let (sum, product) = (a + b, a * b)
    let (otherSum, otherProduct) = (c + d, c * d)
    let base = unsafe coefficients + 4 &* group
    unsafe store(sum + otherSum, base, 0)
    unsafe store(multiplyAdd(sum, otherSum, product + otherProduct), base, 8)
    unsafe store(multiplyAdd(product, otherSum, sum * otherProduct), base, 16)
    unsafe store(product * otherProduct, base, 24)
    group &+= 8
  }
}

/// The quartic of a group at eight numbers; `base` is where the coefficient of the first power is.
@inline(__always)
private func quartic(_ base: UnsafePointer<Double>, _ x: Lanes) -> Lanes {
  var value = unsafe multiplyAdd(Lanes(repeating: base[24]), x, Lanes(repeating: base[16]))
  value = unsafe multiplyAdd(value, x, Lanes(repeating: base[8]))
  value = unsafe multiplyAdd(value, x, Lanes(repeating: base[0]))
  return multiplyAdd(value, x, Lanes(repeating: 1))
}

/// Multiplies the quartics of all groups, at three vectors of numbers: three chains of dependent products hide each
/// other's latency.
///
/// - Parameter block: groups after which the powers of 2 are taken out.
@inline(__always)
private func multiply(
  _ coefficients: UnsafePointer<Double>, _ groups: Int, _ block: Int, _ x: Lanes, _ y: Lanes,
  _ z: Lanes, _ a: inout Product, _ b: inout Product, _ c: inout Product
) {
  var start = 0
  while start < groups {
    let end = start &+ block < groups ? start &+ block : groups
    var group = start
    while group < end {
      // Groups lie in blocks of eight, coefficient by coefficient.
      let base = unsafe coefficients + (4 &* (group & ~7) &+ (group & 7))
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
private func multiply(
  _ coefficients: UnsafePointer<Double>, _ groups: Int, _ block: Int, _ x: Lanes,
  _ a: inout Product
) {
  var start = 0
  while start < groups {
    let end = start &+ block < groups ? start &+ block : groups
    var group = start
    while group < end {
      let base = unsafe coefficients + (4 &* (group & ~7) &+ (group & 7))
      a.value *= unsafe quartic(base, x)
      group &+= 1
    }
    a.normalise()
    start = end
  }
}

/// k of the vectors before `end`, all of whose θ are at most 5/8: there a quartic's terms are together at most
/// (13/3)⁴ = 353 times its value, so that k is known to 1e-13.
@inline(__always)
private func belowZero(
  _ coefficients: UnsafePointer<Double>, _ groups: Int, _ block: Int,
  _ thetas: UnsafePointer<Double>, _ end: Int, _ count: Double,
  _ means: UnsafeMutablePointer<Double>
) {
  let counts = Lanes(repeating: count)
  var vector = 0
  while vector < end {
    var a = Product()
    let x = unsafe opposite(load(thetas, 8 &* vector))
    guard vector &+ 3 <= end else {
      unsafe multiply(coefficients, groups, block, x, &a)
      unsafe store(a.logarithm / counts, means, 8 &* vector)
      vector &+= 1
      continue
    }
    var b = Product()
    var c = Product()
    let y = unsafe opposite(load(thetas, 8 &* vector &+ 8))
    let z = unsafe opposite(load(thetas, 8 &* vector &+ 16))
    unsafe multiply(coefficients, groups, block, x, y, z, &a, &b, &c)
    unsafe store(a.logarithm / counts, means, 8 &* vector)
    unsafe store(b.logarithm / counts, means, 8 &* vector &+ 8)
    unsafe store(c.logarithm / counts, means, 8 &* vector &+ 16)
    vector &+= 3
  }
}

/// k of the vectors from `start` on, all of whose θ are above 0.
@inline(__always)
private func aboveZero(
  _ coefficients: UnsafePointer<Double>, _ groups: Int, _ block: Int,
  _ thetas: UnsafePointer<Double>, _ start: Int, _ end: Int, _ count: Double,
  _ means: UnsafeMutablePointer<Double>
) {
  let one = Lanes(repeating: 1)
  let counts = Lanes(repeating: count)
  var vector = start
  while vector < end {
    var a = Product()
    let x = unsafe load(thetas, 8 &* vector)
    guard vector &+ 3 <= end else {
      unsafe multiply(coefficients, groups, block, x / (one - x), &a)
      unsafe store(a.logarithm / counts + logarithm(one - x), means, 8 &* vector)
      vector &+= 1
      continue
    }
    var b = Product()
    var c = Product()
    let y = unsafe load(thetas, 8 &* vector &+ 8)
    let z = unsafe load(thetas, 8 &* vector &+ 16)
    let (u, v, w) = (x / (one - x), y / (one - y), z / (one - z))
    unsafe multiply(coefficients, groups, block, u, v, w, &a, &b, &c)
    unsafe store(a.logarithm / counts + logarithm(one - x), means, 8 &* vector)
    unsafe store(b.logarithm / counts + logarithm(one - y), means, 8 &* vector &+ 8)
    unsafe store(c.logarithm / counts + logarithm(one - z), means, 8 &* vector &+ 16)
    vector &+= 3
  }
}

/// k of one vector of any θ, factor by factor.
@inline(__always)
private func directly(
  _ excess: UnsafePointer<Double>, _ count: Int, _ block: Int, _ thetas: UnsafePointer<Double>,
  _ vector: Int, _ number: Double, _ means: UnsafeMutablePointer<Double>
) {
  let theta = unsafe opposite(load(thetas, 8 &* vector))
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
      a.value *= unsafe multiplyAdd(theta, Lanes(repeating: excess[index]), one)
      b.value *= unsafe multiplyAdd(theta, Lanes(repeating: excess[third &+ index]), one)
      c.value *= unsafe multiplyAdd(theta, Lanes(repeating: excess[2 &* third &+ index]), one)
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
    a.value *= unsafe multiplyAdd(theta, Lanes(repeating: excess[start]), one)
    a.normalise()
    start &+= 1
  }
  let logarithms = a.logarithm + b.logarithm + c.logarithm
  unsafe store(logarithms / Lanes(repeating: number), means, 8 &* vector)
}

/// Mean log(1 − θx), sixteen samples at a time; behind `count` samples sixteen zeros follow.
@inline(__always)
private func meanLogarithm(
  _ excess: UnsafePointer<Double>, _ count: Int, _ block: Int, _ theta: Double
) -> Double {
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
  return (total(a.logarithm) + total(b.logarithm)) / Double(count)
}

/// The mean of the guesses, each weighed by its likelihood n(log(−θ/k) − k − 1); NaN where none has one.
@inline(__always)
private func posteriorMean(
  _ thetas: UnsafePointer<Double>, _ means: UnsafeMutablePointer<Double>, _ guesses: Int,
  _ vectors: Int, _ count: Double
) -> Double {
  let none = Lanes(repeating: -Double.infinity)
  var best = none
  var vector = 0
  while vector < vectors {
    let k = unsafe load(means, 8 &* vector)
    let ratio = unsafe opposite(load(thetas, 8 &* vector)) / k
    let value = (logarithm(ratio) - k) * Lanes(repeating: count)
    // Not of θ = 0 or k = 0, nor of what is no number.
    var likelihood = none.replacing(with: value, where: ratio .> Lanes(repeating: 0x1p-1021))
    likelihood.replace(with: none, where: ratio .> Lanes(repeating: 0x1p1023))
    var lane = guesses &- 8 &* vector
    while lane < 8 {
      likelihood[lane] = -Double.infinity
      lane &+= 1
    }
    best.replace(with: likelihood, where: likelihood .> best)
    unsafe store(likelihood, means, 8 &* vector)
    vector &+= 1
  }
  var highest = best[0]
  var lane = 1
  while lane < 8 {
    highest = best[lane] > highest ? best[lane] : highest
    lane &+= 1
  }
  guard highest > -Double.infinity else { return Double.nan }
  var mass = Lanes(repeating: 0)
  var sum = Lanes(repeating: 0)
  vector = 0
  while vector < vectors {
    // What lies 700 below the best still weighs 1e-304, which is nothing.
    let weight = unsafe expParts(load(means, 8 &* vector) - Lanes(repeating: highest)).exp
    mass += weight
    sum = unsafe multiplyAdd(weight, load(thetas, 8 &* vector), sum)
    vector &+= 1
  }
  return total(sum) / total(mass)
}

// SPDX-License-Identifier: Apache-2.0
// The inner loops of the Pareto fit: weights of a tail, and mean logarithms taken of products.

/// Writes e^{λ(r_i − r_0)}, i < count; r_0 is the largest.
public func tailWeights(
  _ rewards: UnsafePointer<Double>, _ count: Int, _ lambda: Double,
  _ weights: UnsafeMutablePointer<Double>
) {
  guard count > 0 else { return }
  let first = unsafe Lanes(repeating: rewards[0])
  let lambdas = Lanes(repeating: lambda)
  var index = 0
  while index &+ 8 <= count {
    let e = unsafe expParts((load(rewards, index) - first) * lambdas).exp
    unsafe UnsafeMutableRawPointer(weights + index).storeBytes(of: e, as: Lanes.self)
    index &+= 8
  }
  if index < count {
    let e = unsafe expParts((loadTail(rewards, index, count &- index) - first) * lambdas).exp
    var lane = 0
    while index < count {
      unsafe weights[index] = e[lane]
      index &+= 1
      lane &+= 1
    }
  }
}

/// Π_i (1 − θ_j x_i) as a mantissa in [1, 2) and a power of 2, for each of `groups`·8 values of θ.
///
/// - Parameter block: factors after which the exponents are taken out, so few that no product leaves the
///   normal numbers meanwhile.
public func logProducts(
  _ excess: UnsafePointer<Double>, _ count: Int, _ theta: UnsafePointer<Double>, _ groups: Int,
  _ block: Int, _ mantissas: UnsafeMutablePointer<Double>,
  _ exponents: UnsafeMutablePointer<Double>
) {
  var group = 0
  while group < groups {
    // Three chains of dependent products at once hide each other's latency.
    let second = group &+ 1 < groups ? group &+ 1 : group
    let third = group &+ 2 < groups ? group &+ 2 : group
    let thetaA = unsafe load(theta, 8 &* group)
    let thetaB = unsafe load(theta, 8 &* second)
    let thetaC = unsafe load(theta, 8 &* third)
    var a = Product()
    var b = Product()
    var c = Product()
    var start = 0
    while start < count {
      let end = start &+ block < count ? start &+ block : count
      var index = start
      while index < end {
        let x = unsafe Lanes(repeating: -excess[index])
        a.value *= multiplyAdd(thetaA, x, Lanes(repeating: 1))
        b.value *= multiplyAdd(thetaB, x, Lanes(repeating: 1))
        c.value *= multiplyAdd(thetaC, x, Lanes(repeating: 1))
        index &+= 1
      }
      a.normalise()
      b.normalise()
      c.normalise()
      start = end
    }
    unsafe a.store(8 &* group, mantissas, exponents)
    if second > group { unsafe b.store(8 &* second, mantissas, exponents) }
    if third > group { unsafe c.store(8 &* third, mantissas, exponents) }
    group &+= 3
  }
}

/// Eight running products, each a mantissa and a power of 2.
struct Product {
  var value = Lanes(repeating: 1)
  var exponent = SIMD8<Int64>(repeating: 0)

  @inline(__always)
  mutating func normalise() {
    let bits = unsafe unsafeBitCast(value, to: SIMD8<Int64>.self)
    exponent &+= (bits &>> 52) &- 1023
    value = unsafe unsafeBitCast(
      bits & 0x000F_FFFF_FFFF_FFFF | 0x3FF0_0000_0000_0000, to: Lanes.self)
  }

  @inline(__always)
  func store(
    _ index: Int, _ mantissas: UnsafeMutablePointer<Double>,
    _ exponents: UnsafeMutablePointer<Double>
  ) {
    var lane = 0
    while lane < 8 {
      unsafe mantissas[index &+ lane] = value[lane]
      unsafe exponents[index &+ lane] = Double(exponent[lane])
      lane &+= 1
    }
  }
}

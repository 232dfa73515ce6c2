// SPDX-License-Identifier: Apache-2.0
// Power moments of a row under one tilt, from which the lambdas around it follow at no further cost a sample.

/// Adds Σ e^x x^k, x = anchor·d and k = 0…36, of some samples.
///
/// - Parameters:
///   - values: d ≤ 0.
///   - scratch: `count` doubles in whole vectors.
///   - moments: `powerRow` doubles.
/// - Precision: each within 2^-53·(60 + count/8) of the sum of its terms' sizes, and each exponential 2^-53·|x| of its
///   own.
/// - Complexity: O(count): an exponential and 47 multiplications a sample; no allocation.
public func tiltPowers(
  values: UnsafePointer<Double>, count: Int, anchor: Double,
  scratch: UnsafeMutablePointer<Double>, moments: UnsafeMutablePointer<Double>
) {
  let anchors = Lanes(repeating: anchor)
  var mass = Lanes(repeating: 0)
  var lanes = PowerLanes()
  var index = 0
  while index &+ 8 <= count {
    let x = unsafe within(load(values, index) * anchors)
    let e = expParts(x).exp
    mass += e
    unsafe store(lanes.add(e, x), scratch, index)
    index &+= 8
  }
  let rest = count &- index
  if rest > 0 {
    let x = unsafe within(loadTail(values, index, rest) * anchors)
    var e = expParts(x).exp
    // The empty lanes add nothing.
    var lane = rest
    while lane < 8 {
      e[lane] = 0
      lane &+= 1
    }
    mass += e
    unsafe store(lanes.add(e, x), scratch, index)
  }
  unsafe moments[0] += total(mass)
  unsafe lanes.store(moments + 1)
  unsafe furtherPass(values, anchors, true, count, scratch, moments + 13)
  unsafe furtherPass(values, anchors, true, count, scratch, moments + 25)
}

/// Far enough below that e^x x^36 is nothing, and near enough that x^36 is finite.
@inline(__always)
func within(_ x: Lanes) -> Lanes {
  let lowest = Lanes(repeating: -700)
  return x.replacing(with: lowest, where: x .< lowest)
}

/// Writes the first four sums of ``tiltSweep``'s records for lambdas near an anchor.
///
/// Σ e^{λd} = Σ_k t^k/k! Σ e^x x^k with t = λ/anchor − 1, and likewise for the others, one and two powers further on.
///
/// - Parameters:
///   - moments: of ``tiltPowers``.
///   - samples: how many samples the row has; Σ (e^x − 1) is Σ e^x less that.
///   - lambdas: `lambdaCount` of them with |t| ≤ 0.36.
///   - inverses: 1/k, k = 0…35 (the first is not read).
///   - sums: `lambdaCount` records of `tiltSweepStride` doubles.
/// - Precision: the k-th term of a sample at x = −y is e^{−y} (ty)^k/k!, at most |t|^k/√(2πk): the 35 terms leave out
///   3e-17 a sample of Σ e^x at |t| = 0.36, and 1.5e-15 of λΣ(−d)e^x.
/// - Complexity: O(lambdaCount).
public func tiltPowerSums(
  _ moments: UnsafePointer<Double>, anchor: Double, samples: Double,
  lambdas: UnsafePointer<Double>, lambdaCount: Int, inverses: UnsafePointer<Double>,
  sums: UnsafeMutablePointer<Double>
) {
  let inverse = Lanes(repeating: 1 / anchor)
  let zero = Lanes(repeating: 0)
  var group = 0
  while group < lambdaCount {
    let rest = lambdaCount &- group
    let lambda = unsafe rest >= 8 ? load(lambdas, group) : loadTail(lambdas, group, rest)
    let step = (lambda - Lanes(repeating: anchor)) * inverse
    var s0 = zero
    var s1 = zero
    var s2 = zero
    var power = powerRow &- 3
    var next = unsafe Lanes(repeating: moments[power &+ 1])
    var after = unsafe Lanes(repeating: moments[power &+ 2])
    while power >= 0 {
      let ratio = unsafe step * Lanes(repeating: inverses[power &+ 1])
      let own = unsafe Lanes(repeating: moments[power])
      s0 = multiplyAdd(s0, ratio, own)
      s1 = multiplyAdd(s1, ratio, next)
      s2 = multiplyAdd(s2, ratio, after)
      after = next
      next = own
      power &-= 1
    }
    let e1 = s0 - Lanes(repeating: samples)
    s1 *= inverse
    s2 *= inverse * inverse
    var lane = 0
    while lane < 8 && lane < rest {
      let record = unsafe sums + (group &+ lane) &* tiltSweepStride
      unsafe record[0] = s0[lane]
      unsafe record[1] = e1[lane]
      unsafe record[2] = s1[lane]
      unsafe record[3] = s2[lane]
      lane &+= 1
    }
    group &+= 8
  }
}

// SPDX-License-Identifier: Apache-2.0
// The tilt's sums at small lambdas from the power moments of a row, eight lambdas at once.

/// Writes the records of ``tiltSweep`` for lambdas with τ = lambda·scale ≤ ½.
///
/// With moments m_k = Σ q u^k, u = d/scale: Σ q (e^x − 1) = Σ_{k≥2} τ^k/k! m_k, and likewise for the others. m_1 is
/// the centring's rounding error and stays out.
///
/// - Parameters:
///   - moments: m_k, k = 0…12, then Σ q a u^k, Σ q b u^k, Σ q² u^k and Σ q² b u^k.
///   - sets: how many of those there are payloads for: 1, 2 or 3 (no payload, ranks, ranks and gold).
///   - scale: max|d|.
///   - inverses: 1/k, k = 0…12 (the first is not read).
///   - sums: `lambdaCount` records of `tiltSweepStride` doubles.
/// - Precision: the series stops after t^12/12!; relative to its first term the rest is below
///   2·τ^11/13! ≤ 1.6e-13.
/// - Complexity: O(lambdaCount).
public func powerSums(
  _ moments: UnsafePointer<Double>, sets: Int, scale: Double, lambdas: UnsafePointer<Double>,
  lambdaCount: Int, inverses: UnsafePointer<Double>, sums: UnsafeMutablePointer<Double>
) {
  let count = powerCount &+ 1
  let ranks = unsafe moments + count
  let golds = unsafe ranks + count
  let squares = unsafe golds + count
  let squaredGolds = unsafe squares + count
  let scales = Lanes(repeating: scale)
  let zero = Lanes(repeating: 0)
  var group = 0
  while group < lambdaCount {
    let rest = lambdaCount &- group
    let lambda = unsafe rest >= 8 ? load(lambdas, group) : loadTail(lambdas, group, rest)
    let step = lambda * scales
    // Terms from the last to the first, so that small ones are added first: s ← (s + m_k)·τ/k.
    var e1 = zero
    var s1 = zero
    var s2 = zero
    var q2 = zero
    var q2d = zero
    var a = zero
    var b = zero
    var bd = zero
    var q2b = zero
    var power = powerCount
    while power > 0 {
      let ratio = unsafe step * Lanes(repeating: inverses[power])
      let doubled = ratio + ratio
      let own = unsafe power > 1 ? Lanes(repeating: moments[power]) : zero
      e1 = (e1 + own) * ratio
      q2 = unsafe (q2 + Lanes(repeating: squares[power])) * doubled
      if power < powerCount {
        s1 = unsafe (s1 + Lanes(repeating: moments[power &+ 1])) * ratio
        q2d = unsafe (q2d + Lanes(repeating: squares[power &+ 1])) * doubled
      }
      if power &+ 1 < powerCount {
        s2 = unsafe (s2 + Lanes(repeating: moments[power &+ 2])) * ratio
      }
      if sets > 1 { a = unsafe (a + Lanes(repeating: ranks[power])) * ratio }
      if sets > 2 {
        b = unsafe (b + Lanes(repeating: golds[power])) * ratio
        q2b = unsafe (q2b + Lanes(repeating: squaredGolds[power])) * doubled
        if power < powerCount {
          bd = unsafe (bd + Lanes(repeating: golds[power &+ 1])) * ratio
        }
      }
      power &-= 1
    }
    let all = unsafe Lanes(repeating: moments[0]) + e1
    s1 *= scales
    s2 = unsafe (s2 + Lanes(repeating: moments[2])) * (scales * scales)
    q2 += unsafe Lanes(repeating: squares[0])
    q2d = unsafe (q2d + Lanes(repeating: squares[1])) * scales
    if sets > 2 {
      q2b += unsafe Lanes(repeating: squaredGolds[0])
      bd = unsafe (bd + Lanes(repeating: golds[1])) * scales
    }
    var lane = 0
    while lane < 8 && lane < rest {
      let record = unsafe sums + (group &+ lane) &* tiltSweepStride
      unsafe record[0] = all[lane]
      unsafe record[1] = e1[lane]
      unsafe record[2] = s1[lane]
      unsafe record[3] = s2[lane]
      unsafe record[4] = q2[lane]
      unsafe record[5] = a[lane]
      unsafe record[6] = b[lane]
      unsafe record[7] = q2d[lane]
      unsafe record[8] = q2b[lane]
      unsafe record[9] = bd[lane]
      lane &+= 1
    }
    group &+= 8
  }
}

// SPDX-License-Identifier: Apache-2.0
// Power moments of one segment of a scaled row, from which every small lambda follows at no further
// cost a sample (theory: φ(t) = Σ_{k≥2} t^k/k!; EsscherCore/Statistics/PowerMoments.swift sums it).
//
// With |u_i| ≤ 1 and weights q_i (1 where there are none), a record holds, k = 1…powerCount:
//   [1, 13)  Σ q u^k    [14, 26)  Σ q a u^k    [27, 39)  Σ q b u^k
// and leaves the places of k = 0 to the caller.

/// Highest power taken.
public var powerCount: Int { 12 }

/// Adds one segment's power sums to `sums` (3·(`powerCount` + 1) doubles; unused thirds are left alone).
///
/// - Complexity: O(count·powerCount), no allocation.
public func powerMoments(
  values: UnsafePointer<Double>, scale: Double, rank: UnsafePointer<Double>?,
  gold: UnsafePointer<Double>?, weights: UnsafePointer<Double>?, count: Int,
  sums: UnsafeMutablePointer<Double>
) {
  let scales = Lanes(repeating: scale)
  unsafe powers(values, scales, nil, weights, count, sums + 1)
  if let rank = unsafe rank { unsafe powers(values, scales, rank, weights, count, sums + 14) }
  if let gold = unsafe gold { unsafe powers(values, scales, gold, weights, count, sums + 27) }
}

/// Σ p u^k with p the product of payload and weight, each 1 where absent.
@inline(__always)
private func powers(
  _ values: UnsafePointer<Double>, _ scale: Lanes, _ payload: UnsafePointer<Double>?,
  _ weights: UnsafePointer<Double>?, _ count: Int, _ sums: UnsafeMutablePointer<Double>
) {
  let zero = Lanes(repeating: 0)
  var m1 = zero
  var m2 = zero
  var m3 = zero
  var m4 = zero
  var m5 = zero
  var m6 = zero
  var m7 = zero
  var m8 = zero
  var m9 = zero
  var m10 = zero
  var m11 = zero
  var m12 = zero
  var index = 0
  while index < count {
    let rest = count &- index
    let u: Lanes
    var p = Lanes(repeating: 1)
    if rest >= 8 {
      u = unsafe load(values, index) * scale
      if let payload = unsafe payload { p = unsafe load(payload, index) }
      if let weights = unsafe weights { p = unsafe p * load(weights, index) }
    } else {
      u = unsafe loadTail(values, index, rest) * scale
      if let payload = unsafe payload { p = unsafe loadTail(payload, index, rest) }
      if let weights = unsafe weights { p = unsafe p * loadTail(weights, index, rest) }
    }
    let u2 = u * u
    let u4 = u2 * u2
    let pu = p * u
    let pu2 = p * u2
    m1 += pu
    m2 += pu2
    m3 = multiplyAdd(pu, u2, m3)
    m4 = multiplyAdd(pu2, u2, m4)
    let pu5 = pu * u4
    let pu6 = pu2 * u4
    m5 += pu5
    m6 += pu6
    m7 = multiplyAdd(pu5, u2, m7)
    m8 = multiplyAdd(pu6, u2, m8)
    let pu9 = pu5 * u4
    let pu10 = pu6 * u4
    m9 += pu9
    m10 += pu10
    m11 = multiplyAdd(pu9, u2, m11)
    m12 = multiplyAdd(pu10, u2, m12)
    index &+= 8
  }
  unsafe sums[0] += total(m1)
  unsafe sums[1] += total(m2)
  unsafe sums[2] += total(m3)
  unsafe sums[3] += total(m4)
  unsafe sums[4] += total(m5)
  unsafe sums[5] += total(m6)
  unsafe sums[6] += total(m7)
  unsafe sums[7] += total(m8)
  unsafe sums[8] += total(m9)
  unsafe sums[9] += total(m10)
  unsafe sums[10] += total(m11)
  unsafe sums[11] += total(m12)
}

// SPDX-License-Identifier: Apache-2.0
// Power moments of one segment of a scaled row, from which every small lambda follows at no further
// cost a sample (theory: φ(t) = Σ_{k≥2} t^k/k!; EsscherCore/Statistics/PowerMoments.swift sums it).
//
// With |u_i| ≤ 1 and weights q_i (1 where there are none), a record holds sets of `powerRow` doubles, the k-th of each
//   Σ q u^k    Σ q a u^k    Σ q b u^k
// and the places of k = 0 are left to the caller.

/// Powers taken in one pass over the samples, and of a row's blocks.
public var powerCount: Int { 12 }
/// Doubles of a set: powers 0 to 36.
public var powerRow: Int { 37 }

/// Adds one segment's power sums to `sums` (3·`powerRow` doubles; unused thirds are left alone).
///
/// - Parameters:
///   - powers: a multiple of `powerCount`, at most 36.
///   - scratch: `count` doubles in whole vectors; not touched where `powers` is `powerCount`.
/// - Complexity: O(count·powers), no allocation.
public func powerMoments(
  values: UnsafePointer<Double>, scale: Double, rank: UnsafePointer<Double>?,
  gold: UnsafePointer<Double>?, weights: UnsafePointer<Double>?, count: Int, powers: Int,
  scratch: UnsafeMutablePointer<Double>, sums: UnsafeMutablePointer<Double>
) {
  let scales = Lanes(repeating: scale)
  unsafe addPowers(values, scales, nil, weights, count, powers, scratch, sums)
  if let rank = unsafe rank {
    unsafe addPowers(values, scales, rank, weights, count, powers, scratch, sums + powerRow)
  }
  if let gold = unsafe gold {
    unsafe addPowers(values, scales, gold, weights, count, powers, scratch, sums + 2 &* powerRow)
  }
}

/// Σ p u^k with p the product of payload and weight, each 1 where absent. A pass leaves p u^12 for the next.
@inline(__always)
private func addPowers(
  _ values: UnsafePointer<Double>, _ scale: Lanes, _ payload: UnsafePointer<Double>?,
  _ weights: UnsafePointer<Double>?, _ count: Int, _ powers: Int,
  _ scratch: UnsafeMutablePointer<Double>, _ sums: UnsafeMutablePointer<Double>
) {
  unsafe firstPass(
    values, scale, payload, weights, count, powers > powerCount ? scratch : nil, sums + 1)
  var done = powerCount
  while done < powers {
    unsafe furtherPass(values, scale, count, scratch, sums + (done &+ 1))
    done &+= powerCount
  }
}

/// Running sums of p u, p u², …, p u^12, eight lanes each.
struct PowerLanes {
  var m1 = Lanes(repeating: 0)
  var m2 = Lanes(repeating: 0)
  var m3 = Lanes(repeating: 0)
  var m4 = Lanes(repeating: 0)
  var m5 = Lanes(repeating: 0)
  var m6 = Lanes(repeating: 0)
  var m7 = Lanes(repeating: 0)
  var m8 = Lanes(repeating: 0)
  var m9 = Lanes(repeating: 0)
  var m10 = Lanes(repeating: 0)
  var m11 = Lanes(repeating: 0)
  var m12 = Lanes(repeating: 0)

  /// Adds eight samples and gives their p u^12.
  @inline(__always)
  mutating func add(_ p: Lanes, _ u: Lanes) -> Lanes {
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
    let pu12 = pu10 * u2
    m12 += pu12
    return pu12
  }

  /// Adds the sums of the lanes to twelve doubles.
  @inline(__always)
  func store(_ sums: UnsafeMutablePointer<Double>) {
    unsafe addFour(totals(m1, m2, m3, m4), sums, 0)
    unsafe addFour(totals(m5, m6, m7, m8), sums, 4)
    unsafe addFour(totals(m9, m10, m11, m12), sums, 8)
  }
}

/// Adds Σ p u^k, k = 1…12, and writes p u^12 to `next`, whole vectors with zeros at the end.
@inline(__always)
private func firstPass(
  _ values: UnsafePointer<Double>, _ scale: Lanes, _ payload: UnsafePointer<Double>?,
  _ weights: UnsafePointer<Double>?, _ count: Int, _ next: UnsafeMutablePointer<Double>?,
  _ sums: UnsafeMutablePointer<Double>
) {
  var lanes = PowerLanes()
  var index = 0
  while index &+ 8 <= count {
    var p = Lanes(repeating: 1)
    if let payload = unsafe payload { p = unsafe load(payload, index) }
    if let weights = unsafe weights { p = unsafe p * load(weights, index) }
    let further = unsafe lanes.add(p, load(values, index) * scale)
    if let next = unsafe next { unsafe store(further, next, index) }
    index &+= 8
  }
  let rest = count &- index
  if rest > 0 {
    // The empty lanes have u = 0.
    var p = Lanes(repeating: 1)
    if let payload = unsafe payload { p = unsafe loadTail(payload, index, rest) }
    if let weights = unsafe weights { p = unsafe p * loadTail(weights, index, rest) }
    let further = unsafe lanes.add(p, loadTail(values, index, rest) * scale)
    if let next = unsafe next { unsafe store(further, next, index) }
  }
  unsafe lanes.store(sums)
}

/// Adds Σ p u^k, k = 1…12, of the p that a pass before left, and leaves p u^12 for the next.
@inline(__always)
private func furtherPass(
  _ values: UnsafePointer<Double>, _ scale: Lanes, _ count: Int,
  _ carried: UnsafeMutablePointer<Double>, _ sums: UnsafeMutablePointer<Double>
) {
  var lanes = PowerLanes()
  var index = 0
  while index &+ 8 <= count {
    let u = unsafe load(values, index) * scale
    unsafe store(lanes.add(load(carried, index), u), carried, index)
    index &+= 8
  }
  let rest = count &- index
  if rest > 0 {
    let u = unsafe loadTail(values, index, rest) * scale
    unsafe store(lanes.add(load(carried, index), u), carried, index)
  }
  unsafe lanes.store(sums)
}

/// Adds four doubles to those that are there.
@inline(__always)
func addFour(_ four: SIMD4<Double>, _ sums: UnsafeMutablePointer<Double>, _ index: Int) {
  let place = unsafe UnsafeMutableRawPointer(sums + index)
  unsafe place.storeBytes(
    of: place.loadUnaligned(as: SIMD4<Double>.self) + four, as: SIMD4<Double>.self)
}

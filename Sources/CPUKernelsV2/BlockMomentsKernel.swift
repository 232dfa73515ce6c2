// SPDX-License-Identifier: Apache-2.0
// Power moments of the blocks of a sorted row: the samples between two neighbouring edges of a grid that
// starts at the largest sample. EsscherCPU/BlockSweep.swift says what they are for.
//
// Block b holds d in (top − (b+1)·width, top − b·width], with u = (d − centre)·2/width in [−1, 1]. Moments
// lie by set, power and block:
//   moments[k·stride + b] = Σ u^k, k = 0…17, then Σ a u^k (a: rank), then Σ g u^k (g: gold).

/// Powers of a block, from the zeroth on.
public var blockPowers: Int { 18 }
/// Blocks of a level, and doubles between the powers of a block.
public var blockStride: Int { 48 }

/// Takes the moments of blocks `first ..< end`, from the sample `start` on.
///
/// - Parameters:
///   - values: d, descending; eight doubles below every edge follow the last, so that whole vectors may be
///     read.
///   - rank, gold: payloads or nil; eight more may be read than there are samples.
///   - ends: at a block's index, how many samples of the row lie above its lower edge. `values` then descend from
///     block to block only, have no payloads, and anything may follow the last. Nil where they all descend.
///   - mean, correction: of values with `ends`, which are d + correction + mean.
///   - count: samples of the row.
///   - moments: 18·``blockStride`` doubles a set; blocks before the range are left alone, those beyond it are
///     made empty.
/// - Returns: index of the first sample below the last block.
/// - Precision: each moment's error is below 2^-53·(6 + n/8) of the n samples of its block.
/// - Complexity: O(samples + blocks), no allocation.
public func blockMoments(
  values: UnsafePointer<Double>, rank: UnsafePointer<Double>?, gold: UnsafePointer<Double>?,
  ends: UnsafePointer<Int>?, mean: Double, correction: Double,
  start: Int, count: Int, top: Double, width: Double, first: Int, end: Int,
  moments: UnsafeMutablePointer<Double>
) -> Int {
  let stride = blockStride
  let scale = Lanes(repeating: 2 / width)
  let set = blockPowers &* stride
  var index = start
  var block = first
  while block < end {
    let edge = top - Double(block &+ 1) * width
    let centre = Lanes(repeating: top - (Double(block) + 0.5) * width)
    let begin = index
    var length = 0
    let target = unsafe moments + block
    if let ends = unsafe ends {
      length = unsafe ends[block] &- begin
      unsafe blockGroup(
        values + begin, length, Lanes(repeating: mean), Lanes(repeating: correction), centre, scale,
        target, stride)
    } else {
      unsafe blockPlain(
        values + begin, count &- begin, edge, centre, scale, &length, target, stride)
    }
    index = begin &+ length
    if let rank = unsafe rank {
      unsafe blockPayload(
        values + begin, rank + begin, length, centre, scale, target + set, stride)
    }
    if let gold = unsafe gold {
      unsafe blockPayload(
        values + begin, gold + begin, length, centre, scale, target + 2 &* set, stride)
    }
    block &+= 1
  }
  let sets = unsafe 1 &+ (rank == nil ? 0 : 1) &+ (gold == nil ? 0 : 1)
  var row = 0
  while row < sets &* blockPowers {
    block = end
    while block < stride {
      unsafe moments[row &* stride &+ block] = 0
      block &+= 1
    }
    row &+= 1
  }
  return index
}

/// Σ u^k of the samples above `edge`, and how many they are.
@inline(__always)
private func blockPlain(
  _ values: UnsafePointer<Double>, _ limit: Int, _ edge: Double, _ centre: Lanes, _ scale: Lanes,
  _ length: inout Int, _ target: UnsafeMutablePointer<Double>, _ stride: Int
) {
  var sums = BlockPowers()
  var index = 0
  while true {
    let d = unsafe load(values, index)
    if d[7] > edge {
      sums.add((d - centre) * scale, Lanes(repeating: 1), false)
      index &+= 8
      continue
    }
    // The last vector of the block, perhaps empty: what lies below the edge counts as u = 0.
    var rest = 0
    while unsafe rest < 8 && values[index &+ rest] > edge { rest &+= 1 }
    if rest > 0 {
      let u = ((d - centre) * scale).replacing(
        with: Lanes(repeating: 0), where: d .<= Lanes(repeating: edge))
      sums.add(u, Lanes(repeating: 1), false)
    }
    index &+= rest
    break
  }
  length = index < limit ? index : limit
  unsafe sums.store(Double(length), target, stride)
}

/// Σ u^k of `length` samples.
@inline(__always)
private func blockGroup(
  _ values: UnsafePointer<Double>, _ length: Int, _ mean: Lanes, _ correction: Lanes,
  _ centre: Lanes, _ scale: Lanes, _ target: UnsafeMutablePointer<Double>, _ stride: Int
) {
  var sums = BlockPowers()
  let one = Lanes(repeating: 1)
  var index = 0
  while index &+ 8 <= length {
    sums.add(unsafe (load(values, index) - mean - correction - centre) * scale, one, false)
    index &+= 8
  }
  if index < length {
    // Samples of the next blocks, and what follows the row, count as u = 0.
    let rest = Lanes(repeating: Double(length &- index))
    let d = unsafe load(values, index) - mean - correction
    let u = ((d - centre) * scale).replacing(
      with: Lanes(repeating: 0), where: Lanes(0, 1, 2, 3, 4, 5, 6, 7) .>= rest)
    sums.add(u, one, false)
  }
  unsafe sums.store(Double(length), target, stride)
}

/// Σ p u^k of `length` samples.
@inline(__always)
private func blockPayload(
  _ values: UnsafePointer<Double>, _ payload: UnsafePointer<Double>, _ length: Int,
  _ centre: Lanes, _ scale: Lanes, _ target: UnsafeMutablePointer<Double>, _ stride: Int
) {
  var sums = BlockPowers()
  var total0 = Lanes(repeating: 0)
  var index = 0
  while index &+ 8 <= length {
    let p = unsafe load(payload, index)
    total0 += p
    sums.add(unsafe (load(values, index) - centre) * scale, p, true)
    index &+= 8
  }
  if index < length {
    let p = unsafe loadTail(payload, index, length &- index)
    total0 += p
    let d = unsafe load(values, index)
    let zero = Lanes(repeating: 0)
    // Samples of the next blocks have no payload here, and may lie far away.
    let u = ((d - centre) * scale).replacing(with: zero, where: p .== zero)
    sums.add(u, p, true)
  }
  unsafe sums.store(total(total0), target, stride)
}

/// Running sums of u, u², …, u¹⁷, each times a payload.
struct BlockPowers {
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
  var m13 = Lanes(repeating: 0)
  var m14 = Lanes(repeating: 0)
  var m15 = Lanes(repeating: 0)
  var m16 = Lanes(repeating: 0)
  var m17 = Lanes(repeating: 0)

  /// Half the powers are made by a product, which the sum then adds; the others ride on a fused one.
  @inline(__always)
  mutating func add(_ u: Lanes, _ payload: Lanes, _ isWeighted: Bool) {
    let u2 = u * u
    let u4 = u2 * u2
    let u8 = u4 * u4
    let p1 = isWeighted ? payload * u : u
    let p2 = isWeighted ? payload * u2 : u2
    let p3 = p1 * u2
    let p4 = isWeighted ? p2 * u2 : u4
    m1 += p1
    m2 += p2
    m3 += p3
    m4 += p4
    m5 = multiplyAdd(p1, u4, m5)
    m6 = multiplyAdd(p2, u4, m6)
    m7 = multiplyAdd(p3, u4, m7)
    m8 = multiplyAdd(p4, u4, m8)
    m9 = multiplyAdd(p1, u8, m9)
    m10 = multiplyAdd(p2, u8, m10)
    m11 = multiplyAdd(p3, u8, m11)
    m12 = multiplyAdd(p4, u8, m12)
    let u12 = u8 * u4
    m13 = multiplyAdd(p1, u12, m13)
    m14 = multiplyAdd(p2, u12, m14)
    m15 = multiplyAdd(p3, u12, m15)
    m16 = multiplyAdd(p4, u12, m16)
    m17 = multiplyAdd(p1, u8 * u8, m17)
  }

  @inline(__always)
  func store(_ zeroth: Double, _ target: UnsafeMutablePointer<Double>, _ stride: Int) {
    unsafe target[0] = zeroth
    let t1 = totals(m1, m2, m3, m4)
    unsafe target[stride] = t1[0]
    unsafe target[2 &* stride] = t1[1]
    unsafe target[3 &* stride] = t1[2]
    unsafe target[4 &* stride] = t1[3]
    let t5 = totals(m5, m6, m7, m8)
    unsafe target[5 &* stride] = t5[0]
    unsafe target[6 &* stride] = t5[1]
    unsafe target[7 &* stride] = t5[2]
    unsafe target[8 &* stride] = t5[3]
    let t9 = totals(m9, m10, m11, m12)
    unsafe target[9 &* stride] = t9[0]
    unsafe target[10 &* stride] = t9[1]
    unsafe target[11 &* stride] = t9[2]
    unsafe target[12 &* stride] = t9[3]
    let t13 = totals(m13, m14, m15, m16)
    unsafe target[13 &* stride] = t13[0]
    unsafe target[14 &* stride] = t13[1]
    unsafe target[15 &* stride] = t13[2]
    unsafe target[16 &* stride] = t13[3]
    unsafe target[17 &* stride] = total(m17)
  }
}

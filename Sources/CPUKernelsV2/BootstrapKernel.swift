// SPDX-License-Identifier: Apache-2.0
// Poisson counts of prompts in replicates, sixteen replicates at a time, and counts times statistics in
// register blocks.
//
// Counts come from word 0 of Philox4x32-10 (EsscherCore/Numerics/Philox.swift). The sum of a replicate and
// column takes its prompts one by one in their order, whatever the blocks, so that blocks change no bits.
//
// Memory, r a replicate of a group of eight, c a column of a panel of eight:
//   counts[group][prompt][r]      panels[panel][prompt][c], zeros behind the last column

/// Draws the counts of some prompts in sixteen replicates: two groups of eight, one behind the other.
///
/// - Complexity: about 90 vector operations for sixteen counts, no branches.
/// - Parameters:
///   - indices: the prompts' indices.
///   - count: number of prompts.
///   - first: the first of the sixteen replicates.
///   - seed: key of the counts.
///   - thresholds: smallest words of the counts 1, 2, 3, …
///   - thresholdCount: number of thresholds.
///   - stride: doubles from one group's counts to the next one's.
///   - counts: receives the counts.
///   - totals: sixteen totals of counts, added to.
public func poissonCounts(
  indices: UnsafePointer<UInt64>, count: Int, first: UInt32, seed: UInt64,
  thresholds: UnsafePointer<UInt32>, thresholdCount: Int, stride: Int,
  counts: UnsafeMutablePointer<Double>, totals: UnsafeMutablePointer<Double>
) {
  let lower = SIMD8<UInt64>(repeating: 0xFFFF_FFFF)
  // Replicate numbers are 32-bit words and wrap as such.
  let steps = SIMD8<UInt64>(0, 1, 2, 3, 4, 5, 6, 7)
  let low = (SIMD8(repeating: UInt64(first)) &+ steps) & lower
  let high = (SIMD8(repeating: UInt64(first &+ 8)) &+ steps) & lower
  var lowTotal = unsafe load(UnsafePointer(totals), 0)
  var highTotal = unsafe load(UnsafePointer(totals), 8)
  var prompt = 0
  while prompt < count {
    let index = unsafe indices[prompt]
    // Two 32-bit words a lane, so that one comparison serves sixteen replicates.
    let words =
      (philoxWord(index, low, seed) & lower) | (philoxWord(index, high, seed) &<< 32)
    let drawn = unsafe poisson(
      unsafeBitCast(words, to: SIMD16<UInt32>.self), thresholds, thresholdCount)
    let pairs = unsafe unsafeBitCast(drawn, to: SIMD8<UInt64>.self)
    let lowCounts = smallInteger(pairs & lower)
    let highCounts = smallInteger(pairs &>> 32)
    unsafe writeLanes(lowCounts, counts, 8 &* prompt)
    unsafe writeLanes(highCounts, counts, stride &+ 8 &* prompt)
    lowTotal += lowCounts
    highTotal += highCounts
    prompt &+= 1
  }
  unsafe writeLanes(lowTotal, totals, 0)
  unsafe writeLanes(highTotal, totals, 8)
}

/// Adds counts times statistics to the sums of up to eight replicates.
///
/// - Parameters:
///   - counts: the group's counts.
///   - panels: the prompts' statistics.
///   - count: number of prompts.
///   - panelStride: doubles from one panel to the next.
///   - columns: columns of the statistics; a row of `sums` has as many.
///   - replicates: replicates of the group that exist, at least 1.
///   - sums: the group's first row of sums.
///   - spare: a row that stands in for the replicates that do not exist; never shared by threads.
public func addCounted(
  counts: UnsafePointer<Double>, panels: UnsafePointer<Double>, count: Int, panelStride: Int,
  columns: Int, replicates: Int, sums: UnsafeMutablePointer<Double>,
  spare: UnsafeMutablePointer<Double>
) {
  let s0 = unsafe sums
  let s1 = unsafe replicates > 1 ? sums + columns : spare
  let s2 = unsafe replicates > 2 ? sums + 2 &* columns : spare
  let s3 = unsafe replicates > 3 ? sums + 3 &* columns : spare
  let s4 = unsafe replicates > 4 ? sums + 4 &* columns : spare
  let s5 = unsafe replicates > 5 ? sums + 5 &* columns : spare
  let s6 = unsafe replicates > 6 ? sums + 6 &* columns : spare
  let s7 = unsafe replicates > 7 ? sums + 7 &* columns : spare
  var column = 0
  var panel = unsafe panels
  #if ESSCHER_WIDE_REGISTERS
    // Sixteen sums of eight columns fill half of 32 registers, enough to hide the latency of both multipliers.
    while column &+ 8 < columns {
      unsafe addBlock(
        counts, panel, panel + panelStride, count, column, columns &- column,
        s0, s1, s2, s3, s4, s5, s6, s7)
      unsafe panel += 2 &* panelStride
      column &+= 16
    }
  #endif
  while column < columns {
    let rest = columns &- column
    unsafe addBlock(counts, panel, count, column, rest, s0, s1, s2, s3)
    if replicates > 4 {
      unsafe addBlock(counts + 4, panel, count, column, rest, s4, s5, s6, s7)
    }
    unsafe panel += panelStride
    column &+= 8
  }
}

/// Word 0 of Philox4x32-10 in the lower half of each lane, of counters (index low, index high, replicate, 0).
///
/// The upper halves hold what multiplication left there.
@inline(__always)
private func philoxWord(
  _ index: UInt64, _ replicates: SIMD8<UInt64>, _ seed: UInt64
) -> SIMD8<UInt64> {
  let lower = SIMD8<UInt64>(repeating: 0xFFFF_FFFF)
  let factor0 = SIMD8<UInt64>(repeating: 0xD251_1F53)
  let factor1 = SIMD8<UInt64>(repeating: 0xCD9E_8D57)
  var key0 = seed & 0xFFFF_FFFF
  var key1 = seed &>> 32
  var c0 = SIMD8(repeating: index & 0xFFFF_FFFF)
  var c1 = SIMD8(repeating: index &>> 32)
  var c2 = replicates
  var c3 = SIMD8<UInt64>(repeating: 0)
  var round = 0
  while round < 10 {
    let product0 = (c0 & lower) &* factor0
    let product1 = (c2 & lower) &* factor1
    c0 = (product1 &>> 32) ^ c1 ^ SIMD8(repeating: key0)
    c2 = (product0 &>> 32) ^ c3 ^ SIMD8(repeating: key1)
    c1 = product1
    c3 = product0
    key0 = (key0 &+ 0x9E37_79B9) & 0xFFFF_FFFF
    key1 = (key1 &+ 0xBB67_AE85) & 0xFFFF_FFFF
    round &+= 1
  }
  return c0
}

/// How many thresholds each word reaches.
@inline(__always)
private func poisson(
  _ words: SIMD16<UInt32>, _ thresholds: UnsafePointer<UInt32>, _ thresholdCount: Int
) -> SIMD16<UInt32> {
  var counts = SIMD16<UInt32>(repeating: 0)
  var k = 0
  while k < thresholdCount {
    let reached = unsafe words .>= SIMD16<UInt32>(repeating: thresholds[k])
    counts.replace(with: counts &+ SIMD16<UInt32>(repeating: 1), where: reached)
    k &+= 1
  }
  return counts
}

/// Integers below 2^52 as doubles: they are the low bits of 2^52 plus themselves.
@inline(__always)
private func smallInteger(_ value: SIMD8<UInt64>) -> Lanes {
  let bits = value | SIMD8<UInt64>(repeating: 0x4330_0000_0000_0000)
  return unsafe unsafeBitCast(bits, to: Lanes.self) - Lanes(repeating: 0x1p52)
}

/// Eight consecutive doubles; any alignment.
@inline(__always)
private func writeLanes(_ lanes: Lanes, _ pointer: UnsafeMutablePointer<Double>, _ index: Int) {
  unsafe UnsafeMutableRawPointer(pointer + index).storeBytes(of: lanes, as: Lanes.self)
}

/// The first `rest` of eight sums, none where `rest` ≤ 0.
@inline(__always)
private func loadSums(
  _ pointer: UnsafeMutablePointer<Double>, _ index: Int, _ rest: Int
) -> Lanes {
  unsafe rest >= 8
    ? load(UnsafePointer(pointer), index) : loadTail(UnsafePointer(pointer), index, rest)
}

/// Writes the first `rest` of eight sums.
@inline(__always)
private func storeSums(
  _ lanes: Lanes, _ pointer: UnsafeMutablePointer<Double>, _ index: Int, _ rest: Int
) {
  if rest >= 8 {
    unsafe writeLanes(lanes, pointer, index)
    return
  }
  var lane = 0
  while lane < rest {
    unsafe pointer[index &+ lane] = lanes[lane]
    lane &+= 1
  }
}

/// A count for every column.
@inline(__always)
private func spread(_ counts: UnsafePointer<Double>, _ index: Int) -> Lanes {
  unsafe Lanes(repeating: counts[index])
}

/// Four replicates by eight columns.
@inline(__always)
private func addBlock(
  _ counts: UnsafePointer<Double>, _ panel: UnsafePointer<Double>, _ count: Int, _ column: Int,
  _ rest: Int, _ s0: UnsafeMutablePointer<Double>, _ s1: UnsafeMutablePointer<Double>,
  _ s2: UnsafeMutablePointer<Double>, _ s3: UnsafeMutablePointer<Double>
) {
  var a0 = unsafe loadSums(s0, column, rest)
  var a1 = unsafe loadSums(s1, column, rest)
  var a2 = unsafe loadSums(s2, column, rest)
  var a3 = unsafe loadSums(s3, column, rest)
  var index = 0
  let end = 8 &* count
  while index < end {
    let x = unsafe load(panel, index)
    a0 = unsafe multiplyAdd(spread(counts, index), x, a0)
    a1 = unsafe multiplyAdd(spread(counts, index &+ 1), x, a1)
    a2 = unsafe multiplyAdd(spread(counts, index &+ 2), x, a2)
    a3 = unsafe multiplyAdd(spread(counts, index &+ 3), x, a3)
    index &+= 8
  }
  // Rows that stand in for missing replicates are written as well, and never read for a result.
  unsafe storeSums(a0, s0, column, rest)
  unsafe storeSums(a1, s1, column, rest)
  unsafe storeSums(a2, s2, column, rest)
  unsafe storeSums(a3, s3, column, rest)
}

#if ESSCHER_WIDE_REGISTERS
  /// Eight replicates by sixteen columns.
  @inline(__always)
  private func addBlock(
    _ counts: UnsafePointer<Double>, _ left: UnsafePointer<Double>,
    _ right: UnsafePointer<Double>, _ count: Int, _ column: Int, _ rest: Int,
    _ s0: UnsafeMutablePointer<Double>, _ s1: UnsafeMutablePointer<Double>,
    _ s2: UnsafeMutablePointer<Double>, _ s3: UnsafeMutablePointer<Double>,
    _ s4: UnsafeMutablePointer<Double>, _ s5: UnsafeMutablePointer<Double>,
    _ s6: UnsafeMutablePointer<Double>, _ s7: UnsafeMutablePointer<Double>
  ) {
    let next = column &+ 8
    let nextRest = rest &- 8
    var a0 = unsafe loadSums(s0, column, rest)
    var a1 = unsafe loadSums(s1, column, rest)
    var a2 = unsafe loadSums(s2, column, rest)
    var a3 = unsafe loadSums(s3, column, rest)
    var a4 = unsafe loadSums(s4, column, rest)
    var a5 = unsafe loadSums(s5, column, rest)
    var a6 = unsafe loadSums(s6, column, rest)
    var a7 = unsafe loadSums(s7, column, rest)
    var b0 = unsafe loadSums(s0, next, nextRest)
    var b1 = unsafe loadSums(s1, next, nextRest)
    var b2 = unsafe loadSums(s2, next, nextRest)
    var b3 = unsafe loadSums(s3, next, nextRest)
    var b4 = unsafe loadSums(s4, next, nextRest)
    var b5 = unsafe loadSums(s5, next, nextRest)
    var b6 = unsafe loadSums(s6, next, nextRest)
    var b7 = unsafe loadSums(s7, next, nextRest)
    var index = 0
    let end = 8 &* count
    while index < end {
      let x = unsafe load(left, index)
      let y = unsafe load(right, index)
      let c0 = unsafe spread(counts, index)
      a0 = multiplyAdd(c0, x, a0)
      b0 = multiplyAdd(c0, y, b0)
      let c1 = unsafe spread(counts, index &+ 1)
      a1 = multiplyAdd(c1, x, a1)
      b1 = multiplyAdd(c1, y, b1)
      let c2 = unsafe spread(counts, index &+ 2)
      a2 = multiplyAdd(c2, x, a2)
      b2 = multiplyAdd(c2, y, b2)
      let c3 = unsafe spread(counts, index &+ 3)
      a3 = multiplyAdd(c3, x, a3)
      b3 = multiplyAdd(c3, y, b3)
      let c4 = unsafe spread(counts, index &+ 4)
      a4 = multiplyAdd(c4, x, a4)
      b4 = multiplyAdd(c4, y, b4)
      let c5 = unsafe spread(counts, index &+ 5)
      a5 = multiplyAdd(c5, x, a5)
      b5 = multiplyAdd(c5, y, b5)
      let c6 = unsafe spread(counts, index &+ 6)
      a6 = multiplyAdd(c6, x, a6)
      b6 = multiplyAdd(c6, y, b6)
      let c7 = unsafe spread(counts, index &+ 7)
      a7 = multiplyAdd(c7, x, a7)
      b7 = multiplyAdd(c7, y, b7)
      index &+= 8
    }
    unsafe storeSums(a0, s0, column, rest)
    unsafe storeSums(a1, s1, column, rest)
    unsafe storeSums(a2, s2, column, rest)
    unsafe storeSums(a3, s3, column, rest)
    unsafe storeSums(a4, s4, column, rest)
    unsafe storeSums(a5, s5, column, rest)
    unsafe storeSums(a6, s6, column, rest)
    unsafe storeSums(a7, s7, column, rest)
    unsafe storeSums(b0, s0, next, nextRest)
    unsafe storeSums(b1, s1, next, nextRest)
    unsafe storeSums(b2, s2, next, nextRest)
    unsafe storeSums(b3, s3, next, nextRest)
    unsafe storeSums(b4, s4, next, nextRest)
    unsafe storeSums(b5, s5, next, nextRest)
    unsafe storeSums(b6, s6, next, nextRest)
    unsafe storeSums(b7, s7, next, nextRest)
  }
#endif

// SPDX-License-Identifier: Apache-2.0
// Sums of eight sorted rows under the weights of one law, and the mid-ranks of a row without ties.

/// Samples of a row in one block: eight rows of rewards take 16 KiB, and as much of gold, and stay in the
/// first-level cache while every law's weights pass over them once.
@inline(__always)
private var stride: Int { 256 }

/// Adds Σ u x, Σ v x and Σ u g of a block of eight rows to their lanes.
///
/// Each row's sums depend on that row alone, so the rows beside it do not change a bit.
///
/// - Parameters:
///   - block: eight rows of 256 values, 0 from `count` to the next multiple of 8.
///   - gold: as many gold rewards, or nil.
///   - unbiased: u.
///   - replacement: v.
///   - count: weights of the block.
///   - lanes: eight lanes of Σ u x for each row, then of Σ v x, then of Σ u g.
public func selectionSums(
  _ block: UnsafePointer<Double>, _ gold: UnsafePointer<Double>?, _ unbiased: UnsafePointer<Double>,
  _ replacement: UnsafePointer<Double>, _ count: Int, _ lanes: UnsafeMutablePointer<Double>
) {
  var u0 = unsafe load(lanes, 0)
  var u1 = unsafe load(lanes, 8)
  var u2 = unsafe load(lanes, 16)
  var u3 = unsafe load(lanes, 24)
  var u4 = unsafe load(lanes, 32)
  var u5 = unsafe load(lanes, 40)
  var u6 = unsafe load(lanes, 48)
  var u7 = unsafe load(lanes, 56)
  var v0 = unsafe load(lanes, 64)
  var v1 = unsafe load(lanes, 72)
  var v2 = unsafe load(lanes, 80)
  var v3 = unsafe load(lanes, 88)
  var v4 = unsafe load(lanes, 96)
  var v5 = unsafe load(lanes, 104)
  var v6 = unsafe load(lanes, 112)
  var v7 = unsafe load(lanes, 120)
  var index = 0
  while index < count {
    let rest = count &- index
    let u = unsafe rest >= 8 ? load(unbiased, index) : loadTail(unbiased, index, rest)
    let v = unsafe rest >= 8 ? load(replacement, index) : loadTail(replacement, index, rest)
    let x0 = unsafe load(block, index)
    u0 = multiplyAdd(u, x0, u0)
    v0 = multiplyAdd(v, x0, v0)
    let x1 = unsafe load(block, index &+ stride)
    u1 = multiplyAdd(u, x1, u1)
    v1 = multiplyAdd(v, x1, v1)
    let x2 = unsafe load(block, index &+ 2 &* stride)
    u2 = multiplyAdd(u, x2, u2)
    v2 = multiplyAdd(v, x2, v2)
    let x3 = unsafe load(block, index &+ 3 &* stride)
    u3 = multiplyAdd(u, x3, u3)
    v3 = multiplyAdd(v, x3, v3)
    let x4 = unsafe load(block, index &+ 4 &* stride)
    u4 = multiplyAdd(u, x4, u4)
    v4 = multiplyAdd(v, x4, v4)
    let x5 = unsafe load(block, index &+ 5 &* stride)
    u5 = multiplyAdd(u, x5, u5)
    v5 = multiplyAdd(v, x5, v5)
    let x6 = unsafe load(block, index &+ 6 &* stride)
    u6 = multiplyAdd(u, x6, u6)
    v6 = multiplyAdd(v, x6, v6)
    let x7 = unsafe load(block, index &+ 7 &* stride)
    u7 = multiplyAdd(u, x7, u7)
    v7 = multiplyAdd(v, x7, v7)
    index &+= 8
  }
  unsafe store(u0, lanes, 0)
  unsafe store(u1, lanes, 8)
  unsafe store(u2, lanes, 16)
  unsafe store(u3, lanes, 24)
  unsafe store(u4, lanes, 32)
  unsafe store(u5, lanes, 40)
  unsafe store(u6, lanes, 48)
  unsafe store(u7, lanes, 56)
  unsafe store(v0, lanes, 64)
  unsafe store(v1, lanes, 72)
  unsafe store(v2, lanes, 80)
  unsafe store(v3, lanes, 88)
  unsafe store(v4, lanes, 96)
  unsafe store(v5, lanes, 104)
  unsafe store(v6, lanes, 112)
  unsafe store(v7, lanes, 120)
  guard let gold = unsafe gold else { return }
  u0 = unsafe load(lanes, 128)
  u1 = unsafe load(lanes, 136)
  u2 = unsafe load(lanes, 144)
  u3 = unsafe load(lanes, 152)
  u4 = unsafe load(lanes, 160)
  u5 = unsafe load(lanes, 168)
  u6 = unsafe load(lanes, 176)
  u7 = unsafe load(lanes, 184)
  index = 0
  while index < count {
    let rest = count &- index
    let u = unsafe rest >= 8 ? load(unbiased, index) : loadTail(unbiased, index, rest)
    u0 = unsafe multiplyAdd(u, load(gold, index), u0)
    u1 = unsafe multiplyAdd(u, load(gold, index &+ stride), u1)
    u2 = unsafe multiplyAdd(u, load(gold, index &+ 2 &* stride), u2)
    u3 = unsafe multiplyAdd(u, load(gold, index &+ 3 &* stride), u3)
    u4 = unsafe multiplyAdd(u, load(gold, index &+ 4 &* stride), u4)
    u5 = unsafe multiplyAdd(u, load(gold, index &+ 5 &* stride), u5)
    u6 = unsafe multiplyAdd(u, load(gold, index &+ 6 &* stride), u6)
    u7 = unsafe multiplyAdd(u, load(gold, index &+ 7 &* stride), u7)
    index &+= 8
  }
  unsafe store(u0, lanes, 128)
  unsafe store(u1, lanes, 136)
  unsafe store(u2, lanes, 144)
  unsafe store(u3, lanes, 152)
  unsafe store(u4, lanes, 160)
  unsafe store(u5, lanes, 168)
  unsafe store(u6, lanes, 176)
  unsafe store(u7, lanes, 184)
}

/// ``selectionSums`` of the first row alone, to the same bits.
public func selectionSumsOfOne(
  _ block: UnsafePointer<Double>, _ gold: UnsafePointer<Double>?, _ unbiased: UnsafePointer<Double>,
  _ replacement: UnsafePointer<Double>, _ count: Int, _ lanes: UnsafeMutablePointer<Double>
) {
  var sumU = unsafe load(lanes, 0)
  var sumV = unsafe load(lanes, 64)
  var sumG = unsafe load(lanes, 128)
  var index = 0
  while index < count {
    let rest = count &- index
    let u = unsafe rest >= 8 ? load(unbiased, index) : loadTail(unbiased, index, rest)
    let v = unsafe rest >= 8 ? load(replacement, index) : loadTail(replacement, index, rest)
    let x = unsafe load(block, index)
    sumU = multiplyAdd(u, x, sumU)
    sumV = multiplyAdd(v, x, sumV)
    if let gold = unsafe gold { sumG = unsafe multiplyAdd(u, load(gold, index), sumG) }
    index &+= 8
  }
  unsafe store(sumU, lanes, 0)
  unsafe store(sumV, lanes, 64)
  unsafe store(sumG, lanes, 128)
}

/// Writes ½ − (i + ½)/count, the mid-rank minus ½ of the i-th largest sample where none tie.
public func midRanks(_ count: Int, _ ranks: UnsafeMutablePointer<Double>) {
  let samples = Lanes(repeating: Double(count))
  let half = Lanes(repeating: 0.5)
  var place = Lanes(0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5)
  var index = 0
  while index &+ 8 <= count {
    unsafe store(half - place / samples, ranks, index)
    place += Lanes(repeating: 8)
    index &+= 8
  }
  while index < count {
    unsafe ranks[index] = 0.5 - (Double(index) + 0.5) / Double(count)
    index &+= 1
  }
}

// SPDX-License-Identifier: Apache-2.0
// The inner loop of the tilt sweep: for each lambda, the sums of one segment of one row.
//
// With x_i = lambda·d_i and q_i the sample's weight (1 where there are none), a segment adds to each
// lambda's record, in this order:
//   0 Σ q e^x   1 Σ q (e^x − 1)   2 Σ q d e^x   3 Σ q d² e^x   4 Σ (q e^x)²
//   5 Σ q a e^x   6 Σ q b e^x     (a, b: payloads, for example centred rank and centred gold)
//   7 Σ (q e^x)² d   8 Σ (q e^x)² b   9 Σ q b d e^x   (7 with a payload, 8 and 9 with both)
// Records are `tiltSweepStride` doubles apart.

/// Doubles between the records of neighbouring lambdas.
public var tiltSweepStride: Int { 10 }

/// Adds the sums of one segment, of at most `limit` samples, to the record of every lambda.
///
/// - Parameters:
///   - values: `d`, shifted rewards of the segment; lambda·d ≤ 700.
///   - rank, gold: payloads or nil. A gold payload needs a rank payload.
///   - weights: q or nil.
///   - lengths: how many of the row's samples count at each lambda.
///   - start: of the segment in the row.
///   - sums: `lambdaCount` records of `tiltSweepStride` doubles.
/// - Precision: relative error of each sum of same-signed terms below 2^-52·(8 + count/8).
/// - Complexity: O(count·lambdaCount), no allocation. The order of additions depends on `count` only.
public func tiltSweep(
  values: UnsafePointer<Double>, rank: UnsafePointer<Double>?, gold: UnsafePointer<Double>?,
  weights: UnsafePointer<Double>?, limit: Int, lambdas: UnsafePointer<Double>, lambdaCount: Int,
  lengths: UnsafePointer<Int>, start: Int, sums: UnsafeMutablePointer<Double>
) {
  var index = 0
  while index < lambdaCount {
    let lambda = unsafe lambdas[index]
    let record = unsafe sums + index &* tiltSweepStride
    var count = unsafe lengths[index] &- start
    if count > limit { count = limit }
    if count <= 0 {
      index &+= 1
      continue
    }
    if let rank = unsafe rank {
      if let gold = unsafe gold {
        if let weights = unsafe weights {
          unsafe sweep(values, rank, gold, weights, count, lambda, record, 2, true)
        } else {
          unsafe sweep(values, rank, gold, values, count, lambda, record, 2, false)
        }
      } else if let weights = unsafe weights {
        unsafe sweep(values, rank, values, weights, count, lambda, record, 1, true)
      } else {
        unsafe sweep(values, rank, values, values, count, lambda, record, 1, false)
      }
    } else if let weights = unsafe weights {
      unsafe sweep(values, values, values, weights, count, lambda, record, 0, true)
    } else {
      unsafe sweep(values, values, values, values, count, lambda, record, 0, false)
    }
    index &+= 1
  }
}

/// Running sums of one lambda, eight lanes each.
struct TiltLanes {
  var s0 = Lanes(repeating: 0)
  var e1 = Lanes(repeating: 0)
  var s1 = Lanes(repeating: 0)
  var s2 = Lanes(repeating: 0)
  var q2 = Lanes(repeating: 0)
  var a = Lanes(repeating: 0)
  var b = Lanes(repeating: 0)
  var q2d = Lanes(repeating: 0)
  var q2b = Lanes(repeating: 0)
  var bd = Lanes(repeating: 0)

  @inline(__always)
  mutating func add(
    _ d: Lanes, _ lambda: Lanes, rank: Lanes, gold: Lanes, weight: Lanes, _ payloads: Int,
    _ weighted: Bool
  ) {
    let parts = expParts(d * lambda)
    var e = parts.exp
    var em1 = parts.expm1
    if weighted {
      e = e * weight
      em1 = em1 * weight
    }
    s0 += e
    e1 += em1
    let de = d * e
    s1 += de
    s2 = multiplyAdd(d, de, s2)
    q2 = multiplyAdd(e, e, q2)
    if payloads > 0 {
      a = multiplyAdd(rank, e, a)
      q2d = multiplyAdd(de, e, q2d)
    }
    if payloads > 1 {
      let be = gold * e
      b += be
      q2b = multiplyAdd(be, e, q2b)
      bd = multiplyAdd(be, d, bd)
    }
  }
}

/// `payloads` and `weighted` are constants at every call, so each call becomes a loop of its own.
@_transparent
private func sweep(
  _ values: UnsafePointer<Double>, _ rank: UnsafePointer<Double>, _ gold: UnsafePointer<Double>,
  _ weights: UnsafePointer<Double>, _ count: Int, _ lambda: Double,
  _ record: UnsafeMutablePointer<Double>, _ payloads: Int, _ weighted: Bool
) {
  let lambdas = Lanes(repeating: lambda)
  var lanes = TiltLanes()
  var index = 0
  while index &+ 8 <= count {
    let d = unsafe load(values, index)
    unsafe lanes.add(
      d, lambdas, rank: payloads > 0 ? load(rank, index) : d,
      gold: payloads > 1 ? load(gold, index) : d, weight: weighted ? load(weights, index) : d,
      payloads, weighted)
    index &+= 8
  }
  let rest = count &- index
  if rest > 0 {
    // The empty lanes carry weight 0 and so add nothing.
    let d = unsafe loadTail(values, index, rest)
    var mask = Lanes(repeating: 0)
    var lane = 0
    while lane < rest {
      mask[lane] = 1
      lane &+= 1
    }
    unsafe lanes.add(
      d, lambdas, rank: payloads > 0 ? loadTail(rank, index, rest) : d,
      gold: payloads > 1 ? loadTail(gold, index, rest) : d,
      weight: weighted ? loadTail(weights, index, rest) : mask, payloads, true)
  }
  let zero = Lanes(repeating: 0)
  let first = totals(lanes.s0, lanes.e1, lanes.s1, lanes.s2)
  // Without payloads only one of the next four is there.
  let second =
    payloads > 0
    ? totals(lanes.q2, lanes.a, payloads > 1 ? lanes.b : zero, lanes.q2d)
    : SIMD4(total(lanes.q2), 0, 0, 0)
  unsafe store(load(record, 0) + Lanes(lowHalf: first, highHalf: second), record, 0)
  if payloads > 1 {
    unsafe record[8] += total(lanes.q2b)
    unsafe record[9] += total(lanes.bd)
  }
}

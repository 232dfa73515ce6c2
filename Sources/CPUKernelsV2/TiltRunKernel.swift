// SPDX-License-Identifier: Apache-2.0
// Eight equally spaced lambdas at once: e^{(lambda+h)x} = e^{lambda x}·e^{hx}, so that two exponentials a sample
// serve all eight.

/// Lambdas of a run.
public var tiltRunLength: Int { 8 }
/// Samples a call takes at most.
public var tiltRunSamples: Int { 1024 }

/// Adds one segment's sums to the records of a run of eight lambdas `first + j·step`.
///
/// The records are those of ``tiltSweep`` without gold and weights; Σ (e^x − 1) is taken as Σ e^x less the number
/// of samples, which keeps its digits where exponents are about the maximum.
///
/// - Parameters:
///   - values: d ≤ 0 of at most ``tiltRunSamples`` samples.
///   - rank: payload or nil.
///   - scratch: 2·``tiltRunSamples`` doubles.
///   - sums: eight records of `tiltSweepStride` doubles.
/// - Precision: the j-th factor carries j roundings: 2^-53·(8 + count/8) of each sum.
/// - Complexity: O(count): two exponentials and 8·5 multiplications a sample.
public func tiltRun(
  values: UnsafePointer<Double>, rank: UnsafePointer<Double>?, count: Int, first: Double,
  step: Double, scratch: UnsafeMutablePointer<Double>, sums: UnsafeMutablePointer<Double>
) {
  if let rank = unsafe rank {
    unsafe run(values, rank, count, first, step, scratch, sums, true)
  } else {
    unsafe run(values, values, count, first, step, scratch, sums, false)
  }
}

/// Running sums of one lambda of a run.
struct RunLanes {
  var s0 = Lanes(repeating: 0)
  var s1 = Lanes(repeating: 0)
  var s2 = Lanes(repeating: 0)
  var q2 = Lanes(repeating: 0)
  var a = Lanes(repeating: 0)
  var q2d = Lanes(repeating: 0)

  @inline(__always)
  mutating func add(_ e: Lanes, _ d: Lanes, _ rank: Lanes, _ ranked: Bool) {
    s0 += e
    let de = d * e
    s1 += de
    s2 = multiplyAdd(d, de, s2)
    q2 = multiplyAdd(e, e, q2)
    if ranked {
      a = multiplyAdd(rank, e, a)
      q2d = multiplyAdd(de, e, q2d)
    }
  }

  @inline(__always)
  func store(_ count: Double, _ record: UnsafeMutablePointer<Double>, _ ranked: Bool) {
    let zero = Lanes(repeating: 0)
    let low = totals(s0, s1, s2, q2)
    let high = ranked ? totals(a, q2d, zero, zero) : SIMD4<Double>(repeating: 0)
    unsafe record[0] += low[0]
    unsafe record[1] += low[0] - count
    unsafe record[2] += low[1]
    unsafe record[3] += low[2]
    unsafe record[4] += low[3]
    unsafe record[5] += high[0]
    unsafe record[7] += high[1]
  }
}

/// Four lambdas fit the registers: the second four go on from what the first leave in `scratch`.
@_transparent
private func run(
  _ values: UnsafePointer<Double>, _ rank: UnsafePointer<Double>, _ count: Int, _ first: Double,
  _ step: Double, _ scratch: UnsafeMutablePointer<Double>, _ sums: UnsafeMutablePointer<Double>,
  _ ranked: Bool
) {
  let firsts = Lanes(repeating: first)
  let steps = Lanes(repeating: step)
  let ratios = unsafe scratch + tiltRunSamples
  var half = 0
  while half < 8 {
    var l0 = RunLanes()
    var l1 = RunLanes()
    var l2 = RunLanes()
    var l3 = RunLanes()
    var index = 0
    while index < count {
      let rest = count &- index
      let d = unsafe rest >= 8 ? load(values, index) : loadTail(values, index, rest)
      let payload =
        ranked ? unsafe rest >= 8 ? load(rank, index) : loadTail(rank, index, rest) : d
      var e: Lanes
      let ratio: Lanes
      if half == 0 {
        e = expParts(d * firsts).exp
        ratio = expParts(d * steps).exp
        if rest < 8 {
          // The empty lanes add nothing.
          var lane = rest
          while lane < 8 {
            e[lane] = 0
            lane &+= 1
          }
        }
      } else {
        e = unsafe load(scratch, index)
        ratio = unsafe load(ratios, index)
      }
      l0.add(e, d, payload, ranked)
      e *= ratio
      l1.add(e, d, payload, ranked)
      e *= ratio
      l2.add(e, d, payload, ranked)
      e *= ratio
      l3.add(e, d, payload, ranked)
      if half == 0 {
        unsafe store(e * ratio, scratch, index)
        unsafe store(ratio, ratios, index)
      }
      index &+= 8
    }
    let record = unsafe sums + half &* tiltSweepStride
    unsafe l0.store(Double(count), record, ranked)
    unsafe l1.store(Double(count), record + tiltSweepStride, ranked)
    unsafe l2.store(Double(count), record + 2 &* tiltSweepStride, ranked)
    unsafe l3.store(Double(count), record + 3 &* tiltSweepStride, ranked)
    half &+= 4
  }
}

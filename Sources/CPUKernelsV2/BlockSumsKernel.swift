// SPDX-License-Identifier: Apache-2.0
// From the moments of blocks to those of pairs of blocks, and to the tilt's sums at one lambda.

/// Moments of blocks twice as wide: parent b holds the children 2b (nearer the top) and 2b + 1.
///
/// With u' = (u ± 1)/2, the parent's k-th moment is 2^-k Σ_j C(k, j) (e_j + (−1)^(k−j) o_j).
///
/// - Parameters:
///   - children: `sets` sets of 16 moments of ``blockMoments``, empty beyond `count` blocks.
///   - parents: likewise; all that have children in use are written.
///   - count: children in use.
///   - binomials: C(k, j)·2^-k at `16·k + j`.
///   - scratch: 256 doubles.
/// - Precision: no cancellation: an error of at most 2^-50 of the block's samples a level.
public func mergeBlocks(
  _ children: UnsafePointer<Double>, _ parents: UnsafeMutablePointer<Double>, sets: Int, count: Int,
  binomials: UnsafePointer<Double>, scratch: UnsafeMutablePointer<Double>
) {
  let stride = blockStride
  var set = 0
  while set < sets {
    let base = set &* blockPowers &* stride
    var block = 0
    while 2 &* block < count {
      // Sums and differences of the two children, by power.
      var power = 0
      while power < blockPowers {
        let pair = unsafe children + (base &+ power &* stride &+ 2 &* block)
        let first = unsafe load(pair, 0)
        let second = unsafe load(pair, 8)
        let even = Lanes(lowHalf: first.evenHalf, highHalf: second.evenHalf)
        let odd = Lanes(lowHalf: first.oddHalf, highHalf: second.oddHalf)
        unsafe store(even + odd, scratch, 16 &* power)
        unsafe store(even - odd, scratch, 16 &* power &+ 8)
        power &+= 1
      }
      power = 0
      while power < blockPowers {
        let row = unsafe binomials + 16 &* power
        var result = Lanes(repeating: 0)
        var index = 0
        while index <= power {
          let part = unsafe load(scratch, 16 &* index &+ 8 &* ((power &- index) & 1))
          result = unsafe multiplyAdd(part, Lanes(repeating: row[index]), result)
          index &+= 1
        }
        unsafe store(result, parents, base &+ power &* stride &+ block)
        power &+= 1
      }
      block &+= 8
    }
    set &+= 1
  }
}

/// Writes the sums of blocks `0 ..< count` at one lambda to `sums`:
///   0 Σ e^x   1 Σ (e^x − 1)   2 Σ s e^x   3 Σ s² e^x   4 Σ a e^x   5 Σ g e^x   6 Σ g s e^x   7 samples
/// with s = d − shift, x = lambda·s.
///
/// With s = o_b + h u, h = width/2 and τ = lambda·h: Σ e^x = e^(lambda·o_b) Σ_k τ^k/k!·Σ u^k, k < 14.
///
/// - Parameters:
///   - moments: of ``blockMoments``.
///   - count: blocks, which are rounded up to whole vectors.
///   - offset: o of an imagined block −½: top − shift.
///   - factors: τ^k/k!, k = 0…13.
///   - second: whether the sum 3 is wanted.
///   - hasRank, hasGold: which payloads are there.
/// - Precision: the series leaves τ^14/14!·e^τ of each block's samples, below 4.4e-13 for τ ≤ ¾.
public func blockSums(
  moments: UnsafePointer<Double>, count: Int, offset: Double, width: Double,
  lambda: Double, factors: UnsafePointer<Double>, second: Bool, hasRank: Bool, hasGold: Bool,
  sums: UnsafeMutablePointer<Double>
) {
  let stride = blockStride
  let lambdas = Lanes(repeating: lambda)
  let half = Lanes(repeating: width / 2)
  let widths = Lanes(repeating: width)
  let ranks = unsafe moments + blockPowers &* stride
  let golds = unsafe ranks + blockPowers &* stride
  var place = Lanes(0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5)
  var all = Lanes(repeating: 0)
  var s0 = Lanes(repeating: 0)
  var e1 = Lanes(repeating: 0)
  var s1 = Lanes(repeating: 0)
  var s2 = Lanes(repeating: 0)
  var a = Lanes(repeating: 0)
  var g = Lanes(repeating: 0)
  var gs = Lanes(repeating: 0)
  var block = 0
  while block < count {
    let o = Lanes(repeating: offset) - place * widths
    let parts = expParts(o * lambdas)
    let e = parts.exp
    let base = unsafe moments + block
    let samples = unsafe load(base, 0)
    all += samples
    // Terms from the last to the first, so that small ones are added first.
    let last = unsafe Lanes(repeating: factors[13])
    var next = unsafe load(base, 14 &* stride)
    var a0 = unsafe last * load(base, 13 &* stride)
    var a1 = last * next
    var a2 = unsafe second ? last * load(base, 15 &* stride) : a1
    var after = next
    next = unsafe load(base, 13 &* stride)
    var power = 12
    while power > 0 {
      let factor = unsafe Lanes(repeating: factors[power])
      let own = unsafe load(base, power &* stride)
      a0 = multiplyAdd(factor, own, a0)
      a1 = multiplyAdd(factor, next, a1)
      if second { a2 = multiplyAdd(factor, after, a2) }
      after = next
      next = own
      power &-= 1
    }
    // factors[0] = 1; `a0` so far is Σ (e^{τu} − 1).
    a1 += next
    if second { a2 += after }
    let full = a0 + samples
    s0 = multiplyAdd(e, full, s0)
    e1 = multiplyAdd(parts.expm1, samples, multiplyAdd(e, a0, e1))
    let first = multiplyAdd(o, full, half * a1)
    s1 = multiplyAdd(e, first, s1)
    if second {
      // o²A0 + 2ohA1 + h²A2 = o(oA0 + hA1) + h(oA1 + hA2)
      let tail = multiplyAdd(o, a1, half * a2) * half
      s2 = multiplyAdd(e, multiplyAdd(o, first, tail), s2)
    }
    if hasRank {
      a = unsafe multiplyAdd(e, payloadSeries(ranks + block, stride, factors, 0), a)
    }
    if hasGold {
      let own = unsafe payloadSeries(golds + block, stride, factors, 0)
      let next = unsafe payloadSeries(golds + block, stride, factors, 1)
      g = multiplyAdd(e, own, g)
      gs = multiplyAdd(e, multiplyAdd(o, own, half * next), gs)
    }
    place += Lanes(repeating: 8)
    block &+= 8
  }
  unsafe sums[0] = total(s0)
  unsafe sums[1] = total(e1)
  unsafe sums[2] = total(s1)
  unsafe sums[3] = total(s2)
  unsafe sums[4] = total(a)
  unsafe sums[5] = total(g)
  unsafe sums[6] = total(gs)
  unsafe sums[7] = total(all)
}

/// Σ_k τ^k/k!·(moment k + shift), k < 14.
@inline(__always)
private func payloadSeries(
  _ moments: UnsafePointer<Double>, _ stride: Int, _ factors: UnsafePointer<Double>, _ shift: Int
) -> Lanes {
  var result = unsafe Lanes(repeating: factors[13]) * load(moments, (13 &+ shift) &* stride)
  var power = 12
  while power >= 0 {
    result = unsafe multiplyAdd(
      Lanes(repeating: factors[power]), load(moments, (power &+ shift) &* stride), result)
    power &-= 1
  }
  return result
}

@inline(__always)
private func store(_ lanes: Lanes, _ pointer: UnsafeMutablePointer<Double>, _ index: Int) {
  unsafe UnsafeMutableRawPointer(pointer + index).storeBytes(of: lanes, as: Lanes.self)
}

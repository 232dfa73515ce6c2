// SPDX-License-Identifier: Apache-2.0
// From the moments of blocks to those of pairs of blocks, and to the tilt's sums at one lambda.

/// Moments of blocks twice as wide: parent b holds the children 2b (nearer the top) and 2b + 1.
///
/// With u' = (u ± 1)/2, the parent's k-th moment is 2^-k Σ_j C(k, j) (e_j + (−1)^(k−j) o_j).
///
/// - Parameters:
///   - children: `sets` sets of the moments of ``blockMoments``, empty beyond `count` blocks.
///   - parents: likewise; all that have children in use are written.
///   - count: children in use.
///   - binomials: C(k, j)·2^-k at `18·k + j`.
///   - scratch: 288 doubles.
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
        let row = unsafe binomials + blockPowers &* power
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

/// Writes the sums of blocks at some lambdas, eight doubles a lambda:
///   0 Σ e^x   1 Σ (e^x − 1)   2 Σ s e^x   3 Σ s² e^x   4 Σ a e^x   5 Σ g e^x   6 Σ g s e^x   7 samples
/// with s = d − shift, x = lambda·s.
///
/// With s = o_b + h u, h = width/2 and τ = lambda·h: Σ e^x = e^(lambda·o_b) Σ_k c_k(τ) Σ u^k, k < 16, with the
/// coefficients c_k(τ) of e^{τu} without its Chebyshev polynomials beyond T_15.
///
/// - Parameters:
///   - moments: of ``blockMoments``.
///   - count: blocks in use.
///   - offset: o of the upper edge of the first block: top − shift.
///   - range, cut: a lambda's blocks end where the row does, or at cut/lambda + offset below the top.
///   - lambdas: `lambdaCount` of them, with lambda·width/2 ≤ 1½.
///   - factor: lambdas are taken times this.
///   - series: 1/j, j = 0…20 (the first is not read); then for k = 0…15 the three shares of higher powers of τ in
///     c_k.
///   - second: whether the sums 1, 3, 4 and 6 are wanted; without it and payloads, 2 is not either.
///   - hasRank, hasGold: which payloads are there.
///   - scratch: 168 doubles.
/// - Precision: the polynomial is off by 2·(τ/2)^16/16!·(1 + τ/34) + 1.1·τ^21/21! of each block's samples at most,
///   1.2e-15 for τ ≤ 1½.
public func blockSums(
  moments: UnsafePointer<Double>, count: Int, offset: Double, width: Double, range: Double,
  cut: Double, lambdas: UnsafePointer<Double>, lambdaCount: Int, factor: Double,
  series: UnsafePointer<Double>, second: Bool, hasRank: Bool, hasGold: Bool,
  scratch: UnsafeMutablePointer<Double>, sums: UnsafeMutablePointer<Double>
) {
  let half = width / 2
  var group = 0
  while group < lambdaCount {
    let rest = lambdaCount &- group
    let step = unsafe rest >= 8 ? load(lambdas, group) : loadTail(lambdas, group, rest)
    unsafe blockFactors(step * Lanes(repeating: factor * half), series, scratch)
    var lane = 0
    while lane < 8 && lane < rest {
      let lambda = unsafe factor * lambdas[group &+ lane]
      let reach = cut / lambda + offset
      let across = (range < reach ? range : reach) / width
      let used = across < Double(count) ? Int(across) &+ 1 : count
      let target = unsafe sums + 8 &* (group &+ lane)
      let factors = unsafe scratch + lane
      if !second {
        if hasGold {
          unsafe blockSum(moments, used, offset, half, lambda, factors, 2, false, target)
        } else if hasRank {
          unsafe blockSum(moments, used, offset, half, lambda, factors, 1, false, target)
        } else {
          unsafe blockSum(moments, used, offset, half, lambda, factors, 0, false, target)
        }
      } else if hasGold {
        unsafe blockSum(moments, used, offset, half, lambda, factors, 2, true, target)
      } else if hasRank {
        unsafe blockSum(moments, used, offset, half, lambda, factors, 1, true, target)
      } else {
        unsafe blockSum(moments, used, offset, half, lambda, factors, 0, true, target)
      }
      lane &+= 1
    }
    group &+= 8
  }
}

/// Terms of a block's polynomial, and powers of τ in its coefficients.
private var blockTerms: Int { 16 }
private var seriesTerms: Int { 21 }

/// c_k(τ) of eight lambdas at 8·k, less 1 for k = 0.
@inline(__always)
private func blockFactors(
  _ step: Lanes, _ series: UnsafePointer<Double>, _ factors: UnsafeMutablePointer<Double>
) {
  var term = Lanes(repeating: 1)
  var power = 1
  while power < seriesTerms {
    term *= unsafe step * Lanes(repeating: series[power])
    unsafe store(term, factors, 8 &* power)
    power &+= 1
  }
  let t16 = unsafe load(factors, 128)
  let t17 = unsafe load(factors, 136)
  let t18 = unsafe load(factors, 144)
  let t19 = unsafe load(factors, 152)
  let t20 = unsafe load(factors, 160)
  power = 0
  while power < blockTerms {
    let even = unsafe series + (seriesTerms &+ 3 &* power)
    let odd = unsafe even + 3
    var c = unsafe multiplyAdd(t20, Lanes(repeating: even[2]), t18 * Lanes(repeating: even[1]))
    c = unsafe multiplyAdd(t16, Lanes(repeating: even[0]), c)
    unsafe store(power > 0 ? c + load(factors, 8 &* power) : c, factors, 8 &* power)
    var next = unsafe t19 * Lanes(repeating: odd[1])
    next = unsafe multiplyAdd(t17, Lanes(repeating: odd[0]), next)
    unsafe store(next + load(factors, 8 &* power &+ 8), factors, 8 &* power &+ 8)
    power &+= 2
  }
}

/// One lambda; `factors[8·k]` is c_k. `payloads` and `second` are constants at every call, so each call becomes a
/// loop of its own.
@inline(__always)
private func blockSum(
  _ moments: UnsafePointer<Double>, _ count: Int, _ offset: Double, _ half: Double,
  _ lambda: Double, _ factors: UnsafePointer<Double>, _ payloads: Int, _ second: Bool,
  _ sums: UnsafeMutablePointer<Double>
) {
  let stride = blockStride
  let lambdas = Lanes(repeating: lambda)
  let halves = Lanes(repeating: half)
  let ranks = unsafe moments + blockPowers &* stride
  let golds = unsafe ranks + blockPowers &* stride
  let hasFirst = second || payloads > 0
  var place = Lanes(1, 3, 5, 7, 9, 11, 13, 15)
  let zero = Lanes(repeating: 0)
  var all = zero
  var s0 = zero
  var e1 = zero
  var s1 = zero
  var s2 = zero
  var a = zero
  var g = zero
  var gs = zero
  var block = 0
  while block < count {
    let o = Lanes(repeating: offset) - place * halves
    let parts = expParts(o * lambdas)
    let e = parts.exp
    let base = unsafe moments + block
    let samples = unsafe load(base, 0)
    all += samples
    // Terms from the last to the first, so that small ones are added first.
    let last = unsafe Lanes(repeating: factors[8 &* 15])
    var after = unsafe load(base, 16 &* stride)
    var next = unsafe load(base, 15 &* stride)
    var a0 = last * next
    var a1 = hasFirst ? last * after : zero
    var a2 = unsafe second ? last * load(base, 17 &* stride) : zero
    var power = 14
    while power > 0 {
      let factor = unsafe Lanes(repeating: factors[8 &* power])
      let own = unsafe load(base, power &* stride)
      a0 = multiplyAdd(factor, own, a0)
      if hasFirst { a1 = multiplyAdd(factor, next, a1) }
      if second { a2 = multiplyAdd(factor, after, a2) }
      after = next
      next = own
      power &-= 1
    }
    // The term of k = 0; `a0` is Σ (e^{τu} − 1).
    let first = unsafe Lanes(repeating: factors[0])
    a0 = multiplyAdd(first, samples, a0)
    let full = a0 + samples
    s0 = multiplyAdd(e, full, s0)
    var own = zero
    if hasFirst {
      a1 = multiplyAdd(first, next, a1 + next)
      own = multiplyAdd(o, full, halves * a1)
      s1 = multiplyAdd(e, own, s1)
    }
    if second {
      e1 = multiplyAdd(parts.expm1, samples, multiplyAdd(e, a0, e1))
      // o²A0 + 2ohA1 + h²A2 = o(oA0 + hA1) + h(oA1 + hA2)
      a2 = multiplyAdd(first, after, a2 + after)
      let tail = multiplyAdd(o, a1, halves * a2) * halves
      s2 = multiplyAdd(e, multiplyAdd(o, own, tail), s2)
    }
    if payloads > 0 && second {
      a = unsafe multiplyAdd(e, payloadSeries(ranks + block, stride, factors, 0), a)
    }
    if payloads > 1 {
      let own = unsafe payloadSeries(golds + block, stride, factors, 0)
      g = multiplyAdd(e, own, g)
      if second {
        let next = unsafe payloadSeries(golds + block, stride, factors, 1)
        gs = multiplyAdd(e, multiplyAdd(o, own, halves * next), gs)
      }
    }
    place += Lanes(repeating: 16)
    block &+= 8
  }
  let low = totals(s0, e1, s1, s2)
  let high = totals(a, g, gs, all)
  unsafe store(Lanes(lowHalf: low, highHalf: high), sums, 0)
}

/// Σ_k c_k·(moment k + shift), k < 16.
@inline(__always)
private func payloadSeries(
  _ moments: UnsafePointer<Double>, _ stride: Int, _ factors: UnsafePointer<Double>, _ shift: Int
) -> Lanes {
  var result = unsafe Lanes(repeating: factors[8 &* 15]) * load(moments, (15 &+ shift) &* stride)
  var power = 14
  while power > 0 {
    result = unsafe multiplyAdd(
      Lanes(repeating: factors[8 &* power]), load(moments, (power &+ shift) &* stride), result)
    power &-= 1
  }
  let zeroth = unsafe load(moments, shift &* stride)
  return unsafe multiplyAdd(Lanes(repeating: factors[0]), zeroth, result + zeroth)
}

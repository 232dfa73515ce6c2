// SPDX-License-Identifier: Apache-2.0
// From the moments of blocks to the tilt's sums at some lambdas.

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
///   1.2e-15 for τ ≤ 1½. Exponentials of eight blocks are those of the eight before times one factor. With fused
///   multiply-add the rounding of both exponents is corrected: after up to five products they are off by 18·2^-53 (13
///   were measured), of blocks whose centres are not rounded; without it by 2^-53·(|λo| + 80).
/// - Complexity: O(lambdas · blocks), no allocation.
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
    unsafe blockFactors(step, Lanes(repeating: factor * half), series, scratch)
    var lane = 0
    while lane < 8 && lane < rest {
      let lambda = unsafe factor * lambdas[group &+ lane]
      // Lambdas ascend, so the second of a pair needs no more blocks than the first.
      let reach = cut / lambda + offset
      // A range of whole blocks may come out a little less, and its last sample lie in the next.
      let across = (range < reach ? range : reach) / width * (1 + 0x1p-48)
      let used = across < Double(count) ? Int(across) &+ 1 : count
      let target = unsafe sums + 8 &* (group &+ lane)
      let factors = unsafe scratch + lane
      let both = pairsLambdas && lane < 7 && lane &+ 1 < rest
      let other = both ? unsafe factor * lambdas[group &+ lane &+ 1] : lambda
      let place = BlockRow(count: used, offset: offset, half: half, lambda: lambda, next: other)
      if both {
        unsafe blockTilts(moments, place, factors, hasRank, hasGold, second, true, target)
      } else {
        unsafe blockTilts(moments, place, factors, hasRank, hasGold, second, false, target)
      }
      lane &+= both ? 2 : 1
    }
    group &+= 8
  }
}

/// Two lambdas at a time share the loads and fill each other's waits, where registers hold the sums of both.
@inline(__always)
private var pairsLambdas: Bool {
  #if ESSCHER_WIDE_REGISTERS
    return true
  #else
    return false
  #endif
}

/// Terms of a block's polynomial, and powers of τ in its coefficients.
private var blockTerms: Int { 16 }
private var seriesTerms: Int { 21 }

/// c_k(τ) of eight lambdas at 8·k, less 1 for k = 0, and e^(−16τ) at 8·16, the ratio of the exponentials of blocks eight
/// apart.
@inline(__always)
private func blockFactors(
  _ lambdas: Lanes, _ half: Lanes, _ series: UnsafePointer<Double>,
  _ factors: UnsafeMutablePointer<Double>
) {
  let step = lambdas * half
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
  let across = Lanes(repeating: -16)
  unsafe store(
    exactExp(lambdas, half, step, across), factors, 8 &* blockTerms)
}

/// e^(a·b·scale), the rounding of `product` = a·b corrected; `scale` is a power of two.
@inline(__always)
private func exactExp(_ a: Lanes, _ b: Lanes, _ product: Lanes, _ scale: Lanes) -> Lanes {
  let e = expParts(product * scale).exp
  return multiplyAdd(e, multiplyAdd(a, b, -product) * scale, e)
}

/// The blocks that two lambdas see, and where they lie.
struct BlockRow {
  var count: Int
  var offset: Double
  var half: Double
  var lambda: Double
  var next: Double
}

/// One lambda on its way over the blocks, eight at a time.
struct BlockTilt {
  var a0 = Lanes(repeating: 0)
  var a1 = Lanes(repeating: 0)
  var a2 = Lanes(repeating: 0)
  var s0 = Lanes(repeating: 0)
  var e1 = Lanes(repeating: 0)
  var s1 = Lanes(repeating: 0)
  var s2 = Lanes(repeating: 0)
  var a = Lanes(repeating: 0)
  var g = Lanes(repeating: 0)
  var gs = Lanes(repeating: 0)
  /// e^(lambda·o), and its ratio to that of the blocks before.
  var e: Lanes
  let ratio: Lanes

  @inline(__always)
  init(_ lambda: Double, _ o: Lanes, ratio: Double) {
    let lambdas = Lanes(repeating: lambda)
    e = exactExp(lambdas, o, lambdas * o, Lanes(repeating: 1))
    self.ratio = Lanes(repeating: ratio)
  }

  /// A term of A_0, A_1 and A_2, of which later ones are not always wanted; the first one begins them.
  @inline(__always)
  mutating func add(
    _ factor: Double, _ own: Lanes, _ next: Lanes, _ after: Lanes, _ isFirst: Bool,
    _ hasFirst: Bool, _ second: Bool
  ) {
    let c = Lanes(repeating: factor)
    a0 = isFirst ? c * own : multiplyAdd(c, own, a0)
    if hasFirst { a1 = isFirst ? c * next : multiplyAdd(c, next, a1) }
    if second { a2 = isFirst ? c * after : multiplyAdd(c, after, a2) }
  }

  /// The sums of these blocks, whose polynomials lack the 1 of c_0 until now; then on to the next eight.
  @inline(__always)
  mutating func finish(
    _ samples: Lanes, _ next: Lanes, _ after: Lanes, _ o: Lanes, _ halves: Lanes,
    _ hasFirst: Bool, _ second: Bool
  ) {
    // `a0` is Σ (e^{τu} − 1).
    let full = a0 + samples
    s0 = multiplyAdd(e, full, s0)
    var own = Lanes(repeating: 0)
    if hasFirst {
      a1 += next
      own = multiplyAdd(o, full, halves * a1)
      s1 = multiplyAdd(e, own, s1)
    }
    if second {
      e1 = multiplyAdd(e - Lanes(repeating: 1), samples, multiplyAdd(e, a0, e1))
      // o²A0 + 2ohA1 + h²A2 = o(oA0 + hA1) + h(oA1 + hA2)
      a2 += after
      let tail = multiplyAdd(o, a1, halves * a2) * halves
      s2 = multiplyAdd(e, multiplyAdd(o, own, tail), s2)
    }
  }

  @inline(__always)
  mutating func addPayloads(
    _ moments: UnsafePointer<Double>, _ factors: UnsafePointer<Double>, _ o: Lanes,
    _ halves: Lanes, _ payloads: Int, _ second: Bool
  ) {
    let ranks = unsafe moments + blockPowers &* blockStride
    let golds = unsafe ranks + blockPowers &* blockStride
    if payloads > 0 && second {
      a = unsafe multiplyAdd(e, payloadSeries(ranks, blockStride, factors, 0), a)
    }
    guard payloads > 1 else { return }
    let own = unsafe payloadSeries(golds, blockStride, factors, 0)
    g = multiplyAdd(e, own, g)
    if second {
      let next = unsafe payloadSeries(golds, blockStride, factors, 1)
      gs = multiplyAdd(e, multiplyAdd(o, own, halves * next), gs)
    }
  }

  @inline(__always)
  func write(_ all: Lanes, _ sums: UnsafeMutablePointer<Double>) {
    let low = totals(s0, e1, s1, s2)
    let high = totals(a, g, gs, all)
    unsafe store(Lanes(lowHalf: low, highHalf: high), sums, 0)
  }
}

/// Every combination of what is wanted becomes a loop of its own.
@_transparent
private func blockTilts(
  _ moments: UnsafePointer<Double>, _ row: BlockRow, _ factors: UnsafePointer<Double>,
  _ hasRank: Bool, _ hasGold: Bool, _ second: Bool, _ both: Bool,
  _ sums: UnsafeMutablePointer<Double>
) {
  if second {
    if hasGold {
      unsafe blockTilts(moments, row, factors, 2, true, both, sums)
    } else if hasRank {
      unsafe blockTilts(moments, row, factors, 1, true, both, sums)
    } else {
      unsafe blockTilts(moments, row, factors, 0, true, both, sums)
    }
  } else if hasGold {
    unsafe blockTilts(moments, row, factors, 2, false, both, sums)
  } else if hasRank {
    unsafe blockTilts(moments, row, factors, 1, false, both, sums)
  } else {
    unsafe blockTilts(moments, row, factors, 0, false, both, sums)
  }
}

/// One lambda or two; `factors[8·k]` is c_k of the first, beside it that of the second. `payloads`, `second` and `both`
/// are constants at every call.
@_transparent
private func blockTilts(
  _ moments: UnsafePointer<Double>, _ row: BlockRow, _ factors: UnsafePointer<Double>,
  _ payloads: Int, _ second: Bool, _ both: Bool, _ sums: UnsafeMutablePointer<Double>
) {
  let stride = blockStride
  let hasFirst = second || payloads > 0
  let halves = Lanes(repeating: row.half)
  let offsets = Lanes(repeating: row.offset)
  var place = Lanes(1, 3, 5, 7, 9, 11, 13, 15)
  let start = offsets - place * halves
  var x = unsafe BlockTilt(row.lambda, start, ratio: factors[8 &* blockTerms])
  var y = both ? unsafe BlockTilt(row.next, start, ratio: factors[8 &* blockTerms &+ 1]) : x
  var all = Lanes(repeating: 0)
  var block = 0
  while block < row.count {
    let o = offsets - place * halves
    let base = unsafe moments + block
    let samples = unsafe load(base, 0)
    all += samples
    // Terms from the last to the first, so that small ones are added first.
    var after = hasFirst ? unsafe load(base, 16 &* stride) : samples
    var next = unsafe load(base, 15 &* stride)
    let beyond = second ? unsafe load(base, 17 &* stride) : samples
    unsafe x.add(factors[8 &* 15], next, after, beyond, true, hasFirst, second)
    if both { unsafe y.add(factors[8 &* 15 &+ 1], next, after, beyond, true, hasFirst, second) }
    var power = 14
    while power > 0 {
      let own = unsafe load(base, power &* stride)
      unsafe x.add(factors[8 &* power], own, next, after, false, hasFirst, second)
      if both { unsafe y.add(factors[8 &* power &+ 1], own, next, after, false, hasFirst, second) }
      after = next
      next = own
      power &-= 1
    }
    unsafe x.add(factors[0], samples, next, after, false, hasFirst, second)
    x.finish(samples, next, after, o, halves, hasFirst, second)
    unsafe x.addPayloads(base, factors, o, halves, payloads, second)
    x.e *= x.ratio
    if both {
      unsafe y.add(factors[1], samples, next, after, false, hasFirst, second)
      y.finish(samples, next, after, o, halves, hasFirst, second)
      unsafe y.addPayloads(base, factors + 1, o, halves, payloads, second)
      y.e *= y.ratio
    }
    place += Lanes(repeating: 16)
    block &+= 8
  }
  unsafe x.write(all, sums)
  if both { unsafe y.write(all, sums + 8) }
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

// SPDX-License-Identifier: Apache-2.0
// The tilt's sums at small lambdas from the power moments of a row, eight lambdas at once.

/// Writes the records of ``tiltSweep`` for lambdas with τ = lambda·scale ≤ ½, or ≤ 5 with 36 powers.
///
/// With moments m_k = Σ q u^k, u = d/scale: Σ q (e^x − 1) = Σ_{k≥2} τ^k/k! m_k, and likewise for the others. m_1 is
/// the centring's rounding error and stays out.
///
/// - Parameters:
///   - moments: m_k, k ≤ `powers`, then Σ q a u^k, Σ q b u^k, Σ q² u^k and Σ q² b u^k, `powerRow` doubles each.
///   - powers: 12 or 36; sums take as many as the largest τ of eight lambdas needs.
///   - sets: how many of those there are payloads for: 1, 2 or 3 (no payload, ranks, ranks and gold).
///   - squared: whether the sums with squared weights are wanted, of exponents twice as large; else they are 0.
///   - scale: max|d|.
///   - lambdas: ascending.
///   - inverses: 1/k, k = 0…37 (the first is not read).
///   - sums: `lambdaCount` records of `tiltSweepStride` doubles.
/// - Precision: with 12 powers the series of e^x − 1 − x leaves 2·τ^11/13! ≤ 1.6e-13 of its first term; with more,
///   that of d² e^x leaves τ^(n−1)/(n − 1)! ≤ 3e-16 of d² a sample and a sixth of that beyond it, and roundings are of e^τ a sample at most.
/// - Complexity: O(lambdaCount·powers).
public func powerSums(
  _ moments: UnsafePointer<Double>, powers: Int, sets: Int, squared: Bool, scale: Double,
  lambdas: UnsafePointer<Double>, lambdaCount: Int, inverses: UnsafePointer<Double>,
  sums: UnsafeMutablePointer<Double>
) {
  var group = 0
  while group < lambdaCount {
    let rest = lambdaCount &- group
    let lambda = unsafe rest >= 8 ? load(lambdas, group) : loadTail(lambdas, group, rest)
    let step = lambda * Lanes(repeating: scale)
    let largest = unsafe lambdas[group &+ (rest >= 8 ? 7 : rest &- 1)] * scale
    let last = powers > powerCount ? terms(squared ? 2 * largest : largest) : powerCount
    let target = unsafe sums + group &* tiltSweepStride
    if sets > 2 {
      if squared {
        unsafe series(moments, last, step, scale, inverses, 2, true, false, rest, sums, target)
      } else {
        unsafe series(moments, last, step, scale, inverses, 2, false, false, rest, sums, target)
      }
    } else if sets > 1 {
      if squared {
        unsafe series(moments, last, step, scale, inverses, 1, true, false, rest, sums, target)
      } else {
        unsafe series(moments, last, step, scale, inverses, 1, false, false, rest, sums, target)
      }
    } else if squared {
      unsafe series(moments, last, step, scale, inverses, 0, true, false, rest, sums, target)
    } else {
      unsafe series(moments, last, step, scale, inverses, 0, false, false, rest, sums, target)
    }
    group &+= 8
  }
}

/// As ``powerSums``, of samples alone that weigh the same and with 12 powers, written as ``chebyshevSums`` does, about
/// the mean.
public func powerMeans(
  _ moments: UnsafePointer<Double>, scale: Double, lambdas: UnsafePointer<Double>,
  lambdaCount: Int, inverses: UnsafePointer<Double>, scratch: UnsafeMutablePointer<Double>,
  output: UnsafeMutablePointer<Double>
) {
  var group = 0
  while group < lambdaCount {
    let rest = lambdaCount &- group
    let lambda = unsafe rest >= 8 ? load(lambdas, group) : loadTail(lambdas, group, rest)
    let step = lambda * Lanes(repeating: scale)
    let target = unsafe output + group &* chebyshevRecord
    unsafe series(
      moments, powerCount, step, scale, inverses, 0, false, true, rest, scratch, target)
    group &+= 8
  }
}

/// Powers n with τ^(n−1)/(n − 1)! ≤ 3e-16.
@inline(__always)
private func terms(_ tau: Double) -> Int {
  if tau <= 0.59 { return 16 }
  if tau <= 1.2 { return 20 }
  if tau <= 1.98 { return 24 }
  if tau <= 2.9 { return 28 }
  return tau <= 3.9 ? 32 : 36
}

/// Nested from the last term to the first: s ← s·τ/(k + 1) + m_k. `payloads`, `squared` and `asMeans` are constants at
/// every call, so each call becomes a loop of its own.
@_transparent
private func series(
  _ moments: UnsafePointer<Double>, _ last: Int, _ step: Lanes, _ scale: Double,
  _ inverses: UnsafePointer<Double>, _ payloads: Int, _ squared: Bool, _ asMeans: Bool,
  _ rest: Int, _ scratch: UnsafeMutablePointer<Double>, _ target: UnsafeMutablePointer<Double>
) {
  let ranks = unsafe moments + powerRow
  let golds = unsafe ranks + powerRow
  let squares = unsafe golds + powerRow
  let squaredGolds = unsafe squares + powerRow
  let zero = Lanes(repeating: 0)
  // The moments one and two beyond the term's own; the first two steps know of none.
  var next = zero
  var after = zero
  var e1 = zero
  var s1 = zero
  var s2 = zero
  var nextSquare = zero
  var q2 = zero
  var q2d = zero
  var a = zero
  var b = zero
  var nextGold = zero
  var bd = zero
  var q2b = zero
  var power = last
  while power > 0 {
    let ratio = unsafe step * Lanes(repeating: inverses[power &+ 1])
    let own = unsafe Lanes(repeating: moments[power])
    e1 = multiplyAdd(e1, ratio, power > 1 ? own : zero)
    s1 = multiplyAdd(s1, ratio, next)
    s2 = multiplyAdd(s2, ratio, after)
    after = next
    next = own
    if squared {
      let doubled = ratio + ratio
      let square = unsafe Lanes(repeating: squares[power])
      q2 = multiplyAdd(q2, doubled, square)
      q2d = multiplyAdd(q2d, doubled, nextSquare)
      nextSquare = square
      if payloads > 1 {
        q2b = unsafe multiplyAdd(q2b, doubled, Lanes(repeating: squaredGolds[power]))
      }
    }
    if payloads > 0 { a = unsafe multiplyAdd(a, ratio, Lanes(repeating: ranks[power])) }
    if payloads > 1 {
      let gold = unsafe Lanes(repeating: golds[power])
      b = multiplyAdd(b, ratio, gold)
      bd = multiplyAdd(bd, ratio, nextGold)
      nextGold = gold
    }
    power &-= 1
  }
  let scales = Lanes(repeating: scale)
  e1 *= step
  s1 *= step * scales
  s2 = multiplyAdd(s2, step, after) * (scales * scales)
  if squared {
    let doubled = step + step
    q2 = unsafe multiplyAdd(q2, doubled, Lanes(repeating: squares[0]))
    q2d = multiplyAdd(q2d, doubled, nextSquare) * scales
    if payloads > 1 {
      q2b = unsafe multiplyAdd(q2b, doubled, Lanes(repeating: squaredGolds[0]))
    }
  }
  if payloads > 0 { a *= step }
  if payloads > 1 {
    b *= step
    bd = multiplyAdd(bd, step, nextGold) * scales
  }
  let all = unsafe Lanes(repeating: moments[0]) + e1
  if asMeans {
    unsafe storeMeans(0, moments[0], all, e1, s1, s2, 0, rest < 8 ? rest : 8, scratch, target)
    return
  }
  var lane = 0
  while lane < 8 && lane < rest {
    let record = unsafe target + lane &* tiltSweepStride
    unsafe record[0] = all[lane]
    unsafe record[1] = e1[lane]
    unsafe record[2] = s1[lane]
    unsafe record[3] = s2[lane]
    unsafe record[4] = q2[lane]
    unsafe record[5] = a[lane]
    unsafe record[6] = b[lane]
    unsafe record[7] = q2d[lane]
    unsafe record[8] = q2b[lane]
    unsafe record[9] = bd[lane]
    lane &+= 1
  }
}

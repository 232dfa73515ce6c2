// SPDX-License-Identifier: Apache-2.0
// The weights of best of n at ranks far above n, eight chains of neighbouring ranks at a time.
//
// Both weights fall from rank i to i − 1 by a share that is a simple function of i: the value times
// (n−1)/(i−1) for the unbiased weight, and for (i/M)^n, whose differences are the other weights, times
//     w(i) = 1 − (1 − 1/i)^n = Σ_k (−1)^(k+1) C(n, k) i^−k.
// One after the other each rank would wait for the last one's division. A chain starts from 1 instead, and is
// multiplied by what the chains before it have come down to.

/// Values at `RankChains.ranks` neighbouring ranks at a time, each the last one's less its share.
///
/// - Precision: a step's share is right to four roundings, and what it is multiplied by and the product to one each, so
///   that a value is off by at most 6·2^-53 times the logarithm of how far it has come down, which the cut at 2^-90 keeps
///   below 63, and by 7·2^-53 as it is written: 4.3e-14 at worst. The roundings go either way; 6e-16 was measured.
struct RankChains {
  /// Ranks of a chain.
  private static let length = 64
  /// Ranks of eight chains.
  static let ranks = 8 * length
  /// Terms of w(i): where i ≥ 64 n the next one is below (1/64)^8/8!·64 = 6e-18 of the sum.
  private static let terms = 7

  /// Where the next chain starts, as an unevaluated sum.
  private(set) var high: Double
  private(set) var low: Double

  /// How many of the largest samples, of `count`, lie at ranks that chains can have, i ≥ 64 n + 1.
  static func count(sampleCount: Int, n: Int, of count: Int) -> Int {
    let high = max(0, sampleCount - 64 * n)
    return min(high, count) / ranks * ranks
  }

  /// Values from a rank down, multiplied by (n−1)/(i−1) less each time.
  mutating func unbiased(from rank: Int, n: Int, to target: UnsafeMutablePointer<Double>) {
    let factor = SIMD8(repeating: Double(n - 1))
    unsafe fill(from: rank, target) { rank in
      factor / (rank - 1)
    } output: { value, _ in
      value
    }
  }

  /// Differences (i/M)^n − ((i−1)/M)^n from a rank down.
  mutating func replacement(from rank: Int, n: Int, to target: UnsafeMutablePointer<Double>) {
    // (−1)^(k+1) C(n, k), the last first.
    var terms: [Double] = []
    var term = -1.0
    for k in 1...Self.terms {
      term *= -Double(n - k + 1) / Double(k)
      terms.append(term)
    }
    let (a, b, c, d, e, f, g) = (
      terms[6], terms[5], terms[4], terms[3], terms[2], terms[1], terms[0]
    )
    unsafe fill(from: rank, target) { rank in
      let h = 1 / rank
      let tail = ((((a * h + b) * h + c) * h + d) * h + e) * h
      return ((tail + f) * h + g) * h
    } output: { value, share in
      value * share
    }
  }

  @inline(__always)
  private mutating func fill(
    from rank: Int, _ target: UnsafeMutablePointer<Double>,
    share: (SIMD8<Double>) -> SIMD8<Double>,
    output: (SIMD8<Double>, SIMD8<Double>) -> SIMD8<Double>
  ) {
    let places = SIMD8<Double>(0, 1, 2, 3, 4, 5, 6, 7)
    var ranks = Double(rank) - places * Double(Self.length)
    var value = SIMD8<Double>(repeating: 1)
    var rest = SIMD8<Double>(repeating: 0)
    for step in 0..<Self.length {
      let share = share(ranks)
      let whole = value + rest
      let written = output(whole, share)
      for lane in 0..<8 { unsafe target[lane * Self.length + step] = written[lane] }
      // value is far above drop, so what the subtraction rounds away is known exactly.
      let drop = whole * share
      let next = value - drop
      rest += (value - next) - drop
      value = next
      ranks -= 1
    }
    for lane in 0..<8 {
      let chain = unsafe target + lane * Self.length
      for step in 0..<Self.length { unsafe chain[step] *= high }
      multiply(value[lane], rest[lane])
    }
  }

  /// Multiplies where the next chain starts.
  private mutating func multiply(_ factor: Double, _ rest: Double) {
    let product = high * factor
    let error = (-product).addingProduct(high, factor) + (high * rest + low * factor)
    high = product + error
    low = error - (high - product)
  }
}

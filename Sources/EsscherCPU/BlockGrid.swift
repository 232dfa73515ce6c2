// SPDX-License-Identifier: Apache-2.0
// The grid of blocks over a sorted row, and what bounds its error.

internal import EsscherCore

/// A grid of blocks of equal width over the range of a row, from the largest sample down, in levels each of
/// which is twice as wide as the one before.
///
/// A lambda is served by the level at which τ = lambda·width/2 lies in (⅜, ¾]. There the series of e^{τu} in
/// the powers of a sample's place u in its block is cut after τ^15: what is left is at most τ^16/16!·e^τ of
/// the block, ``TiltMethods/blockErrorBound`` (docs/design/014-block-tilt.md).
struct BlockGrid {
  /// Powers kept of a block, from 0 on: 16 terms of the second moment of a tilt need 18.
  static let powers = 18
  /// Terms of the series.
  static let terms = 16
  /// Largest lambda·width/2.
  static let largestStep = 0.75
  /// Most blocks of a level; a multiple of 16.
  static let capacity = 96
  /// Rows below this are summed over samples.
  static let fewestSamples = 48
  /// Least (lambda·σ)² about the mean. The sum of e^x − 1 is (lambda·σ)²/2, of terms that blocks round to
  /// 2^-53·τ: with this bound it keeps 2^-53·¾·2·64 = 1.1e-14.
  static let leastSpread = 1.0 / 64
  /// Largest lambda·(max r − mean): exponents of blocks carry its rounding, 2^-53·1024 = 1.2e-13.
  static let largestExponent = 1024.0

  /// Largest less smallest reward.
  let range: Double
  /// Largest centred reward.
  let top: Double
  let variance: Double
  /// Exponent below the largest beyond which samples are left out.
  let cut: Double
  /// Blocks of a level that lambdas about the maximum may need.
  let size: Int

  init(summary: RowSummary) {
    range = summary.highest - summary.lowest
    top = summary.highest
    variance = summary.variance
    cut = Self.cut(sampleCount: summary.sampleCount)
    // cut/lambda over a width of 2·⅜/lambda, the narrowest that serves lambda.
    let blocks = Int(cut / Self.largestStep) + 1
    size = min(Self.capacity, (blocks + 15) / 16 * 16)
  }

  /// M^1.5·e^-cut = 1e-13.
  ///
  /// All that lies beyond adds at most M·e^-cut to Σ e^x ≥ 1, cut times that to lambda·Σ (max − r) e^x, and √M
  /// times that to a payload in units of its standard deviation: ``TiltMethods/truncationBound`` for M ≥ 9, and eight
  /// samples are never left out.
  static func cut(sampleCount: Int) -> Double {
    30 + 1.5 * Elementary.log(Double(sampleCount))
  }

  /// Where the samples that count at a lambda end, from the top down.
  func reach(lambda: Double, isTopped: Bool) -> Double {
    // About the mean Σ e^x is at least M, and a sample counts that much less.
    min(range, cut / lambda + (isTopped ? 0 : top))
  }

  /// First lambda from which on blocks can serve all.
  func firstServed(_ lambdas: UnsafePointer<Double>, plan: TiltPlan) -> Int {
    var index = plan.topped
    while index > plan.centred {
      let lambda = unsafe lambdas[index - 1]
      guard lambda * lambda * variance >= Self.leastSpread,
        reach(lambda: 2 * lambda, isTopped: false) * 2 * lambda
          <= Self.largestStep * Double(size - 2)
      else { break }
      index -= 1
    }
    return index
  }

  /// Blocks of a width, at most `size`. One more than the range needs, lest rounding leave out the last sample.
  func count(width: Double) -> Int {
    let across = range / width
    return across < Double(size) - 2 ? Int(across) + 2 : size
  }

  /// C(k, j)·2^-k at 18·k + j.
  static let binomials: [Double] = {
    var table = [Double](repeating: 0, count: powers * powers)
    table[0] = 1
    for k in 1..<powers {
      for j in 0...k {
        let left = j > 0 ? table[(k - 1) * powers + j - 1] : 0
        table[k * powers + j] = (left + table[(k - 1) * powers + j]) / 2
      }
    }
    return table
  }()

  /// 1/k, k = 1…15, at index k.
  static let reciprocals: [Double] = [0] + (1..<terms).map { 1 / Double($0) }
}

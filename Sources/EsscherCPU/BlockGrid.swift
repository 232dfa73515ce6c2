// SPDX-License-Identifier: Apache-2.0
// The grid of blocks over a sorted row, and what bounds its error.

internal import EsscherCore

/// A grid of blocks of equal width over the range of a row, from the largest sample down, in levels each of
/// which is twice as wide as the one before.
///
/// A lambda is served by the level at which τ = lambda·width/2 lies in (¾, 1½], or by the first that holds the row in
/// eight blocks, where τ may be less. There e^{τu} is a polynomial of
/// degree 15 in a sample's place u in its block, off by at most ``TiltMethods/blockErrorBound``
/// (docs/design/014-block-tilt.md).
struct BlockGrid {
  /// Powers kept of a block, from 0 on: 16 terms of the second moment of a tilt need 18.
  static let powers = 18
  /// Terms of the polynomial.
  static let terms = 16
  /// Powers of τ in its coefficients: from 0 to 20.
  static let seriesTerms = 21
  /// Largest lambda·width/2.
  static let largestStep = 1.5
  /// Most blocks of a level; a multiple of 16.
  static let capacity = 48
  /// Rows below this are summed over samples.
  static let fewestSamples = 48
  /// Least (lambda·σ)² about the mean. The sum of e^x − 1 is (lambda·σ)²/2 a sample, of terms that are off by the
  /// polynomial's 1.2e-15·e^1½ at most, where all samples lie at an edge of their block, and a few roundings: it keeps
  /// 2·1024·6e-15 = 1.2e-11, and 2e-12 about a block's centre. Power moments serve what is below wherever no sample is
  /// further than 16σ from the mean.
  static let leastSpread = 1.0 / 1024
  /// Largest max|r − mean|/σ with which the row's power moments are taken from its blocks. Their errors are 2^-48 of
  /// the samples and u = d/max|d|, beside a variance of 1/256 at least.
  static let largestReach = 16.0
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

  /// - Parameter groups: how the row is grouped, whose levels the blocks then have.
  init(summary: RowSummary, groups: RowGroups?) {
    range = summary.highest - summary.lowest
    top = summary.highest
    variance = summary.variance
    cut = Self.cut(sampleCount: summary.sampleCount)
    size =
      groups?.size ?? Self.size(sampleCount: summary.sampleCount, range: range, variance: variance)
  }

  /// Blocks of cut/lambda over a width of 2·¾/lambda, the narrowest that serves lambda, in whole vectors of pairs.
  ///
  /// Tilts about the mean, lambda·σ < 1, and their squares see the whole row, or down to cut + 2·lambda·(max r − mean)
  /// where that is less: only rows that reach far beyond σ need room for it.
  static func size(sampleCount: Int, range: Double, variance: Double) -> Int {
    let cut = cut(sampleCount: sampleCount)
    let narrow = blocks(over: cut)
    let reach = largestStep * Double(narrow - 2)
    return 4 * range * range <= reach * reach * variance ? narrow : blocks(over: cut + 8)
  }

  private static func blocks(over exponents: Double) -> Int {
    min(capacity, (Int(exponents / largestStep) + 16) / 16 * 16)
  }

  /// M^1.5·e^-cut = 1e-13.
  ///
  /// All that lies beyond adds at most M·e^-cut to Σ e^x ≥ 1, cut times that to lambda·Σ (max − r) e^x, and √M
  /// times that to a payload in units of its standard deviation: ``TiltMethods/truncationBound`` for M ≥ 9, and where
  /// fewer than eight samples may remain, there are no payloads: (M − 1)/M^1.5·1e-13·cut is 1.2e-12 at most for any M.
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
        reach(lambda: plan.multiple * lambda, isTopped: false) * plan.multiple * lambda
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

  /// What the coefficients of the polynomial are made of: 1/j, j = 1…20, at index j; and at 21 + 3·k + i the
  /// share of τ^j/j!, j the i-th of 16, 18 and 20 (17 and 19 where k is odd), in the coefficient of u^k.
  ///
  /// u^j is the sum of the Chebyshev polynomials 2^(1−j)·C(j, (j − i)/2)·T_i, of which those up to T_15 are kept.
  /// Every number here is a dyadic fraction of few digits, so the table is exact.
  static let series: [Double] = {
    var table = [Double](repeating: 0, count: seriesTerms + 3 * terms)
    for index in 1..<seriesTerms { table[index] = 1 / Double(index) }
    // Coefficients of T_i by power.
    var chebyshev = [[Double](repeating: 0, count: terms), [Double](repeating: 0, count: terms)]
    chebyshev[0][0] = 1
    chebyshev[1][1] = 1
    for degree in 2..<terms {
      chebyshev.append(
        (0..<terms).map { power in
          (power > 0 ? 2 * chebyshev[degree - 1][power - 1] : 0) - chebyshev[degree - 2][power]
        })
    }
    for j in terms..<seriesTerms {
      var binomial = 1.0
      // C(j, index), from the outermost Chebyshev polynomial T_j down.
      for index in 0...j / 2 {
        let degree = j - 2 * index
        if degree < terms {
          let half = degree == 0 ? 0.5 : 1
          let share = Double(sign: .plus, exponent: 1 - j, significand: half * binomial)
          for power in 0..<terms {
            table[seriesTerms + 3 * power + (j - terms) / 2] += share * chebyshev[degree][power]
          }
        }
        binomial = binomial * Double(j - index) / Double(index + 1)
      }
    }
    return table
  }()
}

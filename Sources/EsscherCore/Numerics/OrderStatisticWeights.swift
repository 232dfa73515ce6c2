// SPDX-License-Identifier: Apache-2.0
// Weights of the order statistics in the two estimators of best-of-n: without replacement
// (U-statistic) and with replacement (V-statistic).

/// Weights of the sorted samples of one prompt, the largest sample first.
///
/// With rank i = M − j of the j-th largest sample (j from 0), for best of n:
/// - `unbiased[j] = C(i−1, n−1) / C(M, n)`, by the ratio recurrence `u_{j+1} = u_j (i−n)/(i−1)` from
///   `u_0 = n/M`, in chains where i > 64 n, elsewhere each step carried in double-double;
/// - `replacement[j] = (i/M)^n − ((i−1)/M)^n`, likewise in chains where i > 64 n.
///
/// `OrderStatisticWeights+Relatives.swift` has those of the other laws.
///
/// - Edge cases: n = 1 gives 1/M everywhere; n = M gives 1 for the largest and 0 for the rest.
/// - Precision: relative error below 4.3e-14; 6e-16 was measured.
/// - Truncation: entries below the rank i where (i/M)^n < 2^-90 are left out; by then the weights'
///   remaining sum is below 2^-90, and no sample is more than √M standard deviations from the mean.
/// - Complexity: O(M) time; the arrays hold about M·min(1, 62/n) entries.
/// - Source: Coste et al. 2310.02743, App. B, Eq. 8 (unbiased); theory §3.5 (replacement).
public struct OrderStatisticWeights: Sendable, Equatable {
  /// M.
  public let sampleCount: Int
  /// The law the weights belong to.
  public let selection: SelectionLaw
  /// n.
  public var n: Int { selection.n }
  /// u, the weights without replacement.
  public let unbiased: [Double]
  /// v, the weights with replacement.
  public let replacement: [Double]
  /// Σ u².
  public let unbiasedSquares: Double
  /// Σ v log(M v): KL of the V-statistic's law from the empirical one, in nats, without ties.
  public let replacementDivergence: Double

  /// The weights of best of n.
  ///
  /// - Precondition: 1 ≤ n ≤ sampleCount.
  public init(sampleCount: Int, n: Int) {
    self.init(sampleCount: sampleCount, selection: .bestOf(n))
  }

  /// The weights of a law.
  ///
  /// - Parameters:
  ///   - sampleCount: M.
  ///   - selection: the law.
  /// - Precondition: n ≥ 1 and M at least the law's ``SelectionLaw/fewestSamples``.
  public init(sampleCount: Int, selection: SelectionLaw) {
    precondition(
      selection.n >= 1 && selection.fewestSamples <= sampleCount, "best of n needs 1 ≤ n ≤ M")
    self.sampleCount = sampleCount
    self.selection = selection
    let kept = Self.keptCount(sampleCount: sampleCount, selection: selection)
    switch selection {
    case .bestOf(let n):
      unbiased = Self.unbiasedWeights(sampleCount: sampleCount, n: n, count: kept)
      replacement = Self.replacementWeights(sampleCount: sampleCount, n: n, count: kept)
    case .bestOfPoisson(let n):
      unbiased = Self.poissonUnbiased(sampleCount: sampleCount, n: n, count: kept)
      replacement = Self.poissonReplacement(sampleCount: sampleCount, n: n, count: kept)
    case .rewindAndRepeat(let n):
      replacement = Self.rewindReplacement(sampleCount: sampleCount, n: n, count: kept)
      unbiased = replacement
    }
    unbiasedSquares = Self.squares(unbiased)
    replacementDivergence = selection.n == 1 ? 0 : Self.divergence(replacement, sampleCount)
  }

  /// How many of the largest samples carry a weight that counts in best of n.
  public static func keptCount(sampleCount: Int, n: Int) -> Int {
    // (1 − kept/M)^n < 2^-90  <=>  kept > M (1 − 2^(−90/n)).
    let share = -Elementary.expMinusOne(-90 * 0.6931471805599453 / Double(n))
    return keptCount(sampleCount: sampleCount, share: share)
  }

  static func keptCount(sampleCount: Int, share: Double) -> Int {
    let kept = Int((Double(sampleCount) * share).rounded(.up)) + 1
    return min(sampleCount, kept)
  }

  /// v log(M v), 0 for v = 0.
  @inlinable
  public static func divergenceTerm(_ weight: Double, _ sampleCount: Int) -> Double {
    weight > 0 ? weight * Elementary.log(weight * Double(sampleCount)) : 0
  }

  static func unbiasedWeights(sampleCount: Int, n: Int, count: Int) -> [Double] {
    unsafe [Double](unsafeUninitializedCapacity: count) { weights, written in
      written = count
      guard let start = weights.baseAddress else { return }
      // n/M is the first.
      let first = Double(n) / Double(sampleCount)
      let rest = Double(n).addingProduct(-first, Double(sampleCount)) / Double(sampleCount)
      var chains = RankChains(high: first, low: rest)
      let chained = RankChains.count(sampleCount: sampleCount, n: n, of: count)
      for j in stride(from: 0, to: chained, by: RankChains.ranks) {
        unsafe chains.unbiased(from: sampleCount - j, n: n, to: start + j)
      }
      var (high, low) = (chains.high, chains.low)
      for j in chained..<count {
        unsafe start[j] = high
        let rank = sampleCount - j
        guard rank > n else {
          // Rank n was the last sample with a weight.
          high = 0
          low = 0
          continue
        }
        let numerator = Double(rank - n)
        let denominator = Double(rank - 1)
        let product = high * numerator
        let productError = (-product).addingProduct(high, numerator) + low * numerator
        let quotient = product / denominator
        let remainder = product.addingProduct(-quotient, denominator) + productError
        let correction = remainder / denominator
        high = quotient + correction
        low = correction - (high - quotient)
      }
    }
  }

  private static func replacementWeights(sampleCount: Int, n: Int, count: Int) -> [Double] {
    unsafe [Double](unsafeUninitializedCapacity: count) { weights, written in
      written = count
      guard let start = weights.baseAddress else { return }
      let power = Double(n)
      var chains = RankChains(high: 1, low: 0)
      let chained = RankChains.count(sampleCount: sampleCount, n: n, of: count)
      for j in stride(from: 0, to: chained, by: RankChains.ranks) {
        unsafe chains.replacement(from: sampleCount - j, n: n, to: start + j)
      }
      for j in chained..<count {
        let rank = Double(sampleCount - j)
        // log(i/M) = log1p(−j/M) keeps its digits near the top.
        let logShare =
          2 * j < sampleCount
          ? Elementary.log(onePlus: -Double(j) / Double(sampleCount))
          : Elementary.log(rank / Double(sampleCount))
        let below =
          rank > 1 ? Elementary.expMinusOne(power * Elementary.log(onePlus: -1 / rank)) : -1
        unsafe start[j] = Elementary.exp(power * logShare) * -below
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Weights of the laws beside best-of-n.

extension OrderStatisticWeights {
  /// How many of the largest samples carry a weight that counts.
  ///
  /// Best of n and of Poisson: beyond it C(i/M) < 2^-90, which bounds what the unbiased weights leave out
  /// as well. Rewind and repeat: the samples in the top 1/n, exactly.
  ///
  /// - Parameters:
  ///   - sampleCount: M.
  ///   - selection: the law.
  public static func keptCount(sampleCount: Int, selection: SelectionLaw) -> Int {
    switch selection {
    case .bestOf(let n): keptCount(sampleCount: sampleCount, n: n)
    case .bestOfPoisson(let n):
      // C(u) ≤ e^{−μ(1−u)} < 2^-90  <=  1 − u > 90 log 2/μ.
      keptCount(
        sampleCount: sampleCount,
        share: n > 1 ? min(1, 90 * 0.6931471805599453 / Double(n - 1)) : 1)
    case .rewindAndRepeat(let n): (sampleCount + n - 1) / n
    }
  }

  /// Best of Poisson without replacement: the mean over 1 + Poisson(μ) draws of best of that many, draws
  /// beyond M left out and the rest divided by what remains.
  ///
  /// - Precision: relative error below 1e-13; every term is positive.
  /// - Complexity: O(M·min(1, 62/n)·√n).
  static func poissonUnbiased(sampleCount: Int, n: Int, count: Int) -> [Double] {
    guard n > 1 else { return unbiasedWeights(sampleCount: sampleCount, n: 1, count: count) }
    let draws = PoissonMasses(mean: Double(n - 1))
    let possible = draws.masses.prefix(max(0, sampleCount - draws.first))
    var total = CompensatedSum()
    for mass in possible { total.add(mass) }
    var weights = [Double](repeating: 0, count: count)
    for (offset, mass) in possible.enumerated() {
      let draw = 1 + draws.first + offset
      let kept = min(count, keptCount(sampleCount: sampleCount, n: draw))
      let best = unbiasedWeights(sampleCount: sampleCount, n: draw, count: kept)
      let share = mass / total.value
      for index in best.indices { weights[index] += share * best[index] }
    }
    return weights
  }

  /// Best of Poisson with replacement: C(b) − C(a) = e^{μ(b−1)} (p + a (1 − e^{−μp})) with b = i/M,
  /// a = b − p, p = 1/M, every factor without cancellation.
  static func poissonReplacement(sampleCount: Int, n: Int, count: Int) -> [Double] {
    let mean = Double(n - 1)
    let samples = Double(sampleCount)
    let rise = -Elementary.expMinusOne(-mean / samples)
    return (0..<count).map { j in
      let below = Double(sampleCount - j - 1) / samples
      return Elementary.exp(-mean * Double(j) / samples) * (1 / samples + below * rise)
    }
  }

  /// Rewind and repeat: n/M for the samples that lie in the top 1/n, and for the one across its edge the
  /// part inside.
  static func rewindReplacement(sampleCount: Int, n: Int, count: Int) -> [Double] {
    (0..<count).map { j in Double(min(n, sampleCount - n * j)) / Double(sampleCount) }
  }
}

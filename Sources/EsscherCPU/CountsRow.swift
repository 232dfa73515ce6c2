// SPDX-License-Identifier: Apache-2.0
// A prompt known by its counts: M rewards of which c are 1 and the rest 0. Every statistic is a sum
// of two terms, so nothing is expanded.

internal import EsscherCore

/// One row of a ``CountsTable``.
struct CountsRow {
  let sampleCount: Int
  let correctCount: Int

  private var p: Double { Double(correctCount) / Double(sampleCount) }
  private var isConstant: Bool { correctCount == 0 || correctCount == sampleCount }

  var summary: RowSummary {
    var summary = RowSummary()
    guard sampleCount > 0 else { return summary }
    summary.sampleCount = sampleCount
    summary.centre = p
    summary.maximum = correctCount > 0 ? 1 : 0
    summary.tiedCount = sampleCount
    guard !isConstant else {
      summary.tiedCount = sampleCount > 1 ? sampleCount : 0
      return summary
    }
    let q = Double(sampleCount - correctCount) / Double(sampleCount)
    summary.variance = p * q
    summary.highest = q
    summary.lowest = -p
    summary.topShare = p
    if correctCount == 1 { summary.tiedCount -= 1 }
    if sampleCount - correctCount == 1 { summary.tiedCount -= 1 }
    return summary
  }

  /// Both rewards, with their counts.
  var tail: RowTail {
    guard !isConstant else { return RowTail() }
    var tail = RowTail(rewards: [1, 0], gold: [])
    tail.copies = [correctCount, sampleCount - correctCount]
    return tail
  }

  /// The tilt's sums at one lambda.
  func tilt(lambda: Double, summary: RowSummary) -> TiltSums {
    let samples = Double(sampleCount)
    var sums = TiltSums()
    guard !isConstant else {
      sums.squares = 1 / samples
      return sums
    }
    let q = summary.highest
    let top = (share: p, d: q, rank: q / 2)
    let bottom = (share: q, d: -p, rank: -p / 2)
    if TiltForm(lambda: lambda, summary: summary) == .moments {
      return moments(summary).sums(lambda: lambda)
    }
    let form = TiltForm(lambda: lambda, summary: summary)
    sums.shift = form == .topped ? summary.highest : 0
    sums.exp = 0
    for group in [top, bottom] {
      let distance = form == .topped && group.d < 0 ? -1 : group.d - sums.shift
      let x = lambda * distance
      let e = Elementary.exp(x)
      sums.exp += group.share * e
      sums.expMinusOne += group.share * Elementary.expMinusOne(x)
      sums.first += group.share * distance * e
      sums.second += group.share * distance * distance * e
      sums.squares += group.share * e * e / samples
      sums.squaresFirst += group.share * distance * e * e / samples
      sums.rank += group.share * group.rank * e
    }
    return sums
  }

  private func moments(_ summary: RowSummary) -> PowerMoments {
    let q = summary.highest
    let scale = summary.reach
    var plain: [Double] = []
    var rank: [Double] = []
    var high = 1.0
    var low = 1.0
    for _ in 0..<PowerMoments.count {
      high *= q / scale
      low *= -p / scale
      plain.append(p * high + q * low)
      rank.append(p * (q / 2) * high + q * (-p / 2) * low)
    }
    return PowerMoments(
      scale: scale, plain: plain, rank: rank,
      gold: Array(repeating: 0, count: PowerMoments.count),
      squared: ([1] + plain).map { $0 / Double(sampleCount) },
      squaredGold: Array(repeating: 0, count: PowerMoments.count + 1))
  }

  /// A law that selects by rank. Of best of n the reward is pass@n = 1 − C(M−c, n)/C(M, n), by −expm1 of a
  /// sum of logarithms.
  ///
  /// - Precision: relative error of pass@n below 1e-13, however small it is.
  /// - Complexity: O(min(c, n)), of best of Poisson O(n).
  /// - Source: Chen et al. 2107.03374, Eq. 1; theory §3.5.
  func best(_ law: SelectionLaw) -> BestOfNSums {
    let samples = Double(sampleCount)
    var sums = BestOfNSums()
    sums.law = BestOfNLaw(law, sampleCount: sampleCount, ties: ties)
    guard !isConstant else {
      sums.ess = samples
      return sums
    }
    let q = Double(sampleCount - correctCount) / samples
    let pass = pass(law)
    sums.ess =
      1
      / (pass * pass / Double(correctCount)
        + (1 - pass) * (1 - pass) / Double(sampleCount - correctCount))
    guard law.n > 1 else { return sums }
    sums.gain = max(0, pass - p)
    let logNone = logNoneWithReplacement(law)
    let withReplacement = -Elementary.expMinusOne(logNone)
    sums.replacementGain = max(0, withReplacement - p)
    let none = Elementary.exp(logNone)
    sums.replacementKL = max(
      0,
      withReplacement * Elementary.log(withReplacement / p)
        + (none > 0 ? none * (logNone - Elementary.log(q)) : 0))
    return sums
  }

  /// Unbiased probability that the kept sample is correct.
  private func pass(_ law: SelectionLaw) -> Double {
    switch law {
    case .bestOf(let n): return -Elementary.expMinusOne(logNoneCorrect(n))
    case .rewindAndRepeat: return -Elementary.expMinusOne(logNoneWithReplacement(law))
    case .bestOfPoisson(let n):
      guard n > 1 else { return p }
      let draws = PoissonMasses(mean: Double(n - 1))
      var (total, pass, logNone) = (CompensatedSum(), CompensatedSum(), CompensatedSum())
      for draw in 1...min(sampleCount, draws.first + draws.masses.count) {
        // C(M−c, draw)/C(M, draw), from the one before.
        if logNone.value > -800 {
          logNone.add(
            correctCount >= sampleCount - draw + 1
              ? -.greatestFiniteMagnitude / 4
              : Elementary.log(
                onePlus: -Double(correctCount) / Double(sampleCount - draw + 1)))
        }
        let index = draw - 1 - draws.first
        guard index >= 0 else { continue }
        total.add(draws.masses[index])
        pass.add(draws.masses[index] * -Elementary.expMinusOne(logNone.value))
      }
      return pass.value / total.value
    }
  }

  /// log C((M−c)/M): the kept sample's quantile lies among the incorrect ones.
  private func logNoneWithReplacement(_ law: SelectionLaw) -> Double {
    switch law {
    case .bestOf(let n): Double(n) * Elementary.log(onePlus: -p)
    case .bestOfPoisson(let n): Elementary.log(onePlus: -p) - Double(n - 1) * p
    case .rewindAndRepeat(let n): Elementary.log(onePlus: -min(1, Double(n) * p))
    }
  }

  /// log[C(M−c, n)/C(M, n)], by whichever of its two products is shorter.
  private func logNoneCorrect(_ n: Int) -> Double {
    guard n <= sampleCount - correctCount else { return -.infinity }
    let (terms, removed) = correctCount <= n ? (correctCount, n) : (n, correctCount)
    var sum = CompensatedSum()
    for index in 0..<terms {
      // Both products are Π (1 − removed/(M − index)), index < terms.
      sum.add(Elementary.log(onePlus: -Double(removed) / Double(sampleCount - index)))
      // Beyond e^-745 the ratio is 0 and stays it.
      if sum.value < -800 { return -.infinity }
    }
    return sum.value
  }

  private var ties: [TieGroup] {
    [
      TieGroup(below: sampleCount - correctCount, upTo: sampleCount),
      TieGroup(below: 0, upTo: sampleCount - correctCount),
    ].filter { $0.count > 1 }
  }
}

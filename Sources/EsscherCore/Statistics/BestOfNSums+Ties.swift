// SPDX-License-Identifier: Apache-2.0
// The part of best-of-n that depends on a row's tie groups and not on its rewards; the dot products are
// the backends'.

extension BestOfNSums {
  /// Everything but the gains: law, effective sample size and the V-statistic's divergence; `gold` is
  /// the mean, to which a backend adds its own.
  ///
  /// - Parameter ties: groups of two or more equal samples of the sorted row, the largest first.
  /// - Complexity: O(tied or untied samples, whichever are fewer).
  package init(weights: OrderStatisticWeights, summary: RowSummary, ties: [TieGroup]) {
    self.init()
    let count = summary.sampleCount
    gold = summary.goldMean
    law = BestOfNLaw(weights.selection, sampleCount: count, ties: ties)
    var base = (squares: weights.unbiasedSquares, divergence: weights.replacementDivergence)
    var tied = (squares: 0.0, divergence: 0.0)
    var addsUntied = 2 * summary.tiedCount > count
    if !addsUntied {
      tied = Self.tied(weights, ties, count, replacingUntied: true)
      // Where few samples with nearly all the weight are tied, what is left of the subtraction has lost its digits.
      addsUntied = base.squares + tied.squares < base.squares / 16
    }
    if addsUntied {
      base = Self.untied(weights, ties, count)
      tied = Self.tied(weights, ties, count, replacingUntied: false)
    }
    ess = 1 / (base.squares + tied.squares)
    replacementKL = weights.n == 1 ? 0 : max(0, base.divergence + tied.divergence)
  }

  /// Σ u² and Σ v log(M v) over the untied samples.
  private static func untied(
    _ weights: OrderStatisticWeights, _ ties: [TieGroup], _ count: Int
  ) -> (squares: Double, divergence: Double) {
    let kept = weights.unbiased.count
    var squares = CompensatedSum()
    var divergence = CompensatedSum()
    var position = 0
    func add(upTo end: Int) {
      for index in position..<max(position, min(end, kept)) {
        squares.add(weights.unbiased[index] * weights.unbiased[index])
        divergence.add(OrderStatisticWeights.divergenceTerm(weights.replacement[index], count))
      }
    }
    for tie in ties {
      add(upTo: count - tie.upTo)
      position = count - tie.below
    }
    add(upTo: count)
    return (squares.value, divergence.value)
  }

  /// What the tie groups add: their own terms, and with `replacingUntied` less the terms their
  /// samples have in the sums for rows without ties.
  private static func tied(
    _ weights: OrderStatisticWeights, _ ties: [TieGroup], _ count: Int, replacingUntied: Bool
  ) -> (squares: Double, divergence: Double) {
    let kept = weights.unbiased.count
    var squares = CompensatedSum()
    var divergence = CompensatedSum()
    for tie in ties {
      let start = count - tie.upTo
      guard start < kept else { break }
      let end = count - tie.below
      if replacingUntied && end <= kept && isNarrow(weights, start, end) {
        addNarrow(weights, start..<end, &squares, &divergence)
        continue
      }
      var groupU = 0.0
      var groupV = 0.0
      for index in start..<min(end, kept) {
        let ui = weights.unbiased[index]
        let vi = weights.replacement[index]
        groupU += ui
        groupV += vi
        if replacingUntied {
          squares.add(-ui * ui)
          divergence.add(-OrderStatisticWeights.divergenceTerm(vi, count))
        }
      }
      let size = Double(tie.count)
      squares.add(groupU * groupU / size)
      if groupV > 0 {
        divergence.add(groupV * Elementary.log(groupV * Double(count) / size))
      }
    }
    return (squares.value, divergence.value)
  }

  /// No weight of a group is more than 2^-13 above its last.
  private static func isNarrow(
    _ weights: OrderStatisticWeights, _ start: Int, _ end: Int
  ) -> Bool {
    let bound = 1 + 0x1p-13
    let replacement = weights.replacement
    let unbiased = weights.unbiased
    return unbiased[start] <= bound * unbiased[end - 1] && unbiased[end - 1] > 0
      && replacement[start] <= bound * replacement[end - 1] && replacement[end - 1] > 0
  }

  /// What a group of nearly equal weights adds in place of its samples' own terms: −Σ (u − ū)², and with v =
  /// v̄ (1 + y), whose y sum to 0, −v̄ Σ ((1 + y) log(1 + y) − y) = −v̄ Σ (y²/2 − y³/6 + y⁴/12), the next term
  /// 2^-69 v̄. No logarithm, and nothing that cancels.
  private static func addNarrow(
    _ weights: OrderStatisticWeights, _ group: Range<Int>, _ squares: inout CompensatedSum,
    _ divergence: inout CompensatedSum
  ) {
    let share = 1 / Double(group.count)
    let u = group.reduce(0) { $0 + weights.unbiased[$1] } * share
    let v = group.reduce(0) { $0 + weights.replacement[$1] } * share
    var spread = 0.0
    var excess = 0.0
    for index in group {
      let distance = weights.unbiased[index] - u
      spread += distance * distance
      let y = (weights.replacement[index] - v) / v
      excess += y * y * (0.5 + y * (-1.0 / 6 + y / 12))
    }
    squares.add(-spread)
    divergence.add(-v * excess)
  }
}

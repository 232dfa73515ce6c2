// SPDX-License-Identifier: Apache-2.0
// BestOfN on the CPU: sorted rows times order-statistic weights, with tie groups.

internal import EsscherCore

extension RowWorkspace {
  /// Best-of-n of the loaded, sorted and summarised row at each n of a cache's grid.
  ///
  /// - Complexity: O(count · min(1, 62/n)) an n, plus the tied samples.
  func bestOfN(
    _ cache: OrderStatisticCache, summary: RowSummary, kernels: CPUKernels,
    write: (_ index: Int, _ sums: BestOfNSums) -> Void
  ) {
    unsafe kernels.shift(values, count, summary.centre, summary.correction, shifted)
    cache.forEach(sampleCount: summary.sampleCount) { index, weights in
      write(index, bestOfN(weights, summary: summary, kernels: kernels))
    }
  }

  private func bestOfN(
    _ weights: OrderStatisticWeights, summary: RowSummary, kernels: CPUKernels
  ) -> BestOfNSums {
    var result = BestOfNSums()
    result.gold = summary.goldMean
    result.law = BestOfNLaw(n: weights.n, sampleCount: count, ties: ties)
    let kept = weights.unbiased.count
    unsafe weights.unbiased.withUnsafeBufferPointer { unbiased in
      unsafe weights.replacement.withUnsafeBufferPointer { replacement in
        guard let u = unbiased.baseAddress, let v = replacement.baseAddress else { return }
        if weights.n > 1 && !summary.isConstant {
          result.gain = unsafe max(0, kernels.dot(u, shifted, kept))
          result.replacementGain = unsafe max(0, kernels.dot(v, shifted, kept))
        }
        if hasGold && weights.n > 1 {
          unsafe result.gold += kernels.dot(u, gold, kept)
        }
        let squares: Double
        let divergence: Double
        if 2 * summary.tiedCount > count {
          (squares, divergence) = unsafe sumUntied(u, v, kept)
        } else {
          (squares, divergence) = (weights.unbiasedSquares, weights.replacementDivergence)
        }
        let ties = unsafe tieTerms(
          u, v, kept, replacingUntied: 2 * summary.tiedCount <= count)
        result.ess = 1 / (squares + ties.squares)
        result.replacementKL = weights.n == 1 ? 0 : max(0, divergence + ties.divergence)
      }
    }
    return result
  }

  /// Σ u² and Σ v log(M v) over the untied samples.
  private func sumUntied(
    _ u: UnsafePointer<Double>, _ v: UnsafePointer<Double>, _ kept: Int
  ) -> (squares: Double, divergence: Double) {
    var squares = CompensatedSum()
    var divergence = CompensatedSum()
    var position = 0
    func add(upTo end: Int) {
      for index in position..<max(position, min(end, kept)) {
        unsafe squares.add(u[index] * u[index])
        unsafe divergence.add(OrderStatisticWeights.divergenceTerm(v[index], count))
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
  private func tieTerms(
    _ u: UnsafePointer<Double>, _ v: UnsafePointer<Double>, _ kept: Int, replacingUntied: Bool
  ) -> (squares: Double, divergence: Double) {
    var squares = CompensatedSum()
    var divergence = CompensatedSum()
    for tie in ties {
      let start = count - tie.upTo
      guard start < kept else { break }
      var groupU = 0.0
      var groupV = 0.0
      for index in start..<min(count - tie.below, kept) {
        let ui = unsafe u[index]
        let vi = unsafe v[index]
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
}

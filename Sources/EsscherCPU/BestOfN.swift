// SPDX-License-Identifier: Apache-2.0
// BestOfN on the CPU: sorted rows times order-statistic weights, with tie groups.

internal import EsscherCore

extension RowWorkspace {
  /// Best-of-n of the loaded, sorted and summarised row under each law of a cache's grid.
  ///
  /// - Complexity: O(count · min(1, 62/n)) a law, plus the tied samples.
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
    var result = BestOfNSums(weights: weights, summary: summary, ties: ties)
    let kept = weights.unbiased.count
    guard weights.n > 1 else { return result }
    unsafe weights.unbiased.withUnsafeBufferPointer { unbiased in
      unsafe weights.replacement.withUnsafeBufferPointer { replacement in
        guard let u = unbiased.baseAddress, let v = replacement.baseAddress else { return }
        if !summary.isConstant {
          result.gain = unsafe max(0, kernels.dot(u, shifted, kept))
          result.replacementGain = unsafe max(0, kernels.dot(v, shifted, kept))
        }
        if hasGold { unsafe result.gold += kernels.dot(u, gold, kept) }
      }
    }
    return result
  }
}

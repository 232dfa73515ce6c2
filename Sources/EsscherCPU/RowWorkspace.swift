// SPDX-License-Identifier: Apache-2.0
// One worker's scratch memory: everything that is done to a row happens here, and nothing is
// allocated a row.

internal import EsscherCore

/// Scratch for rows of up to `capacity` samples. One worker owns it; it is not shared.
@safe
final class RowWorkspace {
  let capacity: Int
  let hasGold: Bool
  let hasWeights: Bool

  /// Samples of the row that take part.
  var count = 0
  /// Rewards; sorted rows have the largest first.
  let values: UnsafeMutablePointer<Double>
  /// Centred rewards d, or d − max d, of the tilt's current form.
  let shifted: UnsafeMutablePointer<Double>
  /// Mid-rank − ½ of each sample of a sorted row; scratch before that.
  let rank: UnsafeMutablePointer<Double>
  /// Gold rewards minus their mean, averaged over tie groups in a sorted row.
  let gold: UnsafeMutablePointer<Double>
  /// Importance weights q, which sum to 1, and their squares.
  let weights: UnsafeMutablePointer<Double>
  let squaredWeights: UnsafeMutablePointer<Double>
  /// Sort keys (32 or 64 bits each) and their positions, with as much scratch.
  let keys: UnsafeMutablePointer<UInt64>
  let spareKeys: UnsafeMutablePointer<UInt64>
  let order: UnsafeMutablePointer<UInt32>
  let spareOrder: UnsafeMutablePointer<UInt32>
  let histogram: UnsafeMutablePointer<UInt32>
  /// Sums of the row at every lambda, and small results.
  let sums: UnsafeMutablePointer<Double>
  let small: UnsafeMutablePointer<Double>
  /// Groups of two or more equal samples of a sorted row, the largest first.
  var ties: [TieGroup] = []

  init(capacity: Int, lambdaCount: Int, hasGold: Bool, hasWeights: Bool) {
    self.capacity = capacity
    self.hasGold = hasGold
    self.hasWeights = hasWeights
    let payload = hasGold || hasWeights ? capacity : 0
    unsafe values = .allocate(capacity: capacity)
    unsafe shifted = .allocate(capacity: capacity)
    unsafe rank = .allocate(capacity: capacity)
    unsafe gold = .allocate(capacity: hasGold ? capacity : 0)
    unsafe weights = .allocate(capacity: hasWeights ? capacity : 0)
    unsafe squaredWeights = .allocate(capacity: hasWeights ? capacity : 0)
    unsafe keys = .allocate(capacity: capacity)
    unsafe spareKeys = .allocate(capacity: capacity)
    unsafe order = .allocate(capacity: payload)
    unsafe spareOrder = .allocate(capacity: payload)
    unsafe histogram = .allocate(capacity: 256 * 8)
    unsafe sums = .allocate(capacity: max(lambdaCount * CPUKernels.tiltStride, 1))
    unsafe small = .allocate(capacity: 3 * CPUKernels.powerCount)
  }

  deinit {
    unsafe values.deallocate()
    unsafe shifted.deallocate()
    unsafe rank.deallocate()
    unsafe gold.deallocate()
    unsafe weights.deallocate()
    unsafe squaredWeights.deallocate()
    unsafe keys.deallocate()
    unsafe spareKeys.deallocate()
    unsafe order.deallocate()
    unsafe spareOrder.deallocate()
    unsafe histogram.deallocate()
    unsafe sums.deallocate()
    unsafe small.deallocate()
  }

  /// Bytes of scratch a sample of the longest row takes.
  static func bytesPerSample(hasGold: Bool, hasWeights: Bool) -> Int {
    5 * 8 + (hasGold ? 8 : 0) + (hasWeights ? 16 : 0) + (hasGold || hasWeights ? 8 : 0)
  }

  /// Weights for a kernel, or nil where every sample weighs the same.
  var kernelWeights: UnsafePointer<Double>? { hasWeights ? unsafe UnsafePointer(weights) : nil }

  /// Σ q before division: M, or 1 with importance weights.
  var mass: Double { hasWeights ? 1 : Double(count) }
}

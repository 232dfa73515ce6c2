// SPDX-License-Identifier: Apache-2.0
// The reward of soft best-of-n by random subsets, for which there is no closed form.

internal import EsscherCore

/// Random permutations of a row, each cut into blocks of n: subsets without replacement.
///
/// The mean over a block of Σ e^{lambda·r} r / Σ e^{lambda·r} is unbiased for the policy's reward, and so is the mean
/// over the ⌊M/n⌋ blocks of each permutation. The spread between permutations gives the error of their mean.
/// Every n and lambda uses the same permutations, so that curves are smooth.
///
/// Permutation b of prompt i is Fisher and Yates's with Philox4x32-10, key = seed and counter =
/// (i low, i high, b, 1 + block): two words a draw, so that no permutation is more likely than another by more than
/// M/2^64. (Word 3 is 0 for the bootstrap's counts.)
///
/// - Edge cases: n = M gives the softmax mean of the row, with no error.
/// - Complexity: `permutationCount`·M gathers a lambda, and as many additions.
/// - Source: theory §3.8; Fisher and Yates (1938); Salmon et al. (2011).
@safe
final class SoftSubsets {
  /// Permutations of a row: an error of a quarter of the spread of one permutation's mean, at less work than the
  /// KL takes.
  static let permutationCount = 16
  /// Exponents beyond this below the largest of a block count for nothing.
  private static let negligible = -45.0
  /// Spread of exponents up to which those of a row share one maximum.
  private static let sharedSpan = 600.0

  /// Estimates at one n.
  struct Value {
    var reward = 0.0
    var gold = 0.0
    /// Variance of `reward` over the choice of the permutations.
    var variance = 0.0
  }

  private let capacity: Int
  private let ns: [Int]
  private let kernels: SoftSelectionKernels
  private let orders: UnsafeMutablePointer<UInt32>
  private let weights: UnsafeMutablePointer<Double>
  private let scratch: UnsafeMutablePointer<Double>
  private var count = 0

  /// Takes what `bytes` says from `memory`.
  init(capacity: Int, ns: [Int], kernels: SoftSelectionKernels, memory: ScratchMemory) {
    self.capacity = capacity
    self.ns = ns
    self.kernels = kernels
    unsafe orders = memory.take(Self.permutationCount * capacity)
    unsafe weights = memory.take(capacity)
    unsafe scratch = memory.take(3 * capacity)
  }

  /// Bytes that rows of up to `capacity` samples take.
  static func bytes(capacity: Int) -> Int {
    ScratchMemory.bytes([4 * permutationCount * capacity, 8 * capacity, 24 * capacity])
  }

  /// Draws the permutations of a row.
  func draw(row: Int, count: Int, seed: UInt64) {
    self.count = count
    let key = SIMD2(
      UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    let index = UInt64(row)
    for permutation in 0..<Self.permutationCount {
      let order = unsafe orders + permutation * count
      for place in 0..<count { unsafe order[place] = UInt32(truncatingIfNeeded: place) }
      var words = SIMD4<UInt32>(repeating: 0)
      for draw in 0..<max(0, count - 1) {
        if draw % 2 == 0 {
          words = Philox4x32.block(
            key: key,
            counter: SIMD4(
              UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32),
              UInt32(permutation), UInt32(truncatingIfNeeded: 1 + draw / 2)))
        }
        let high = UInt64(words[draw % 2 * 2])
        let word = high << 32 | UInt64(words[draw % 2 * 2 + 1])
        let other = draw + Int((word.multipliedFullWidth(by: UInt64(count - draw))).high)
        let kept = unsafe order[draw]
        unsafe order[draw] = order[other]
        unsafe order[other] = kept
      }
    }
  }

  /// Estimates of each n at one lambda, from the permutations drawn last.
  ///
  /// - Parameters:
  ///   - values: rewards, the largest first.
  ///   - centred: rewards less their mean, in the same order.
  ///   - gold: gold rewards, or nil.
  ///   - lambda: inverse temperature.
  func values(
    _ values: UnsafePointer<Double>, centred: UnsafePointer<Double>, gold: UnsafePointer<Double>?,
    lambda: Double
  ) -> [Value] {
    let isShared = unsafe lambda * (values[0] - values[count - 1]) <= Self.sharedSpan
    if isShared { unsafe kernels.exponentials(values, count, values[0], lambda, weights) }
    var means = [Double](repeating: 0, count: 2 * ns.count)
    var results = [Value](repeating: Value(), count: ns.count)
    for permutation in 0..<Self.permutationCount {
      let order = unsafe orders + permutation * count
      if isShared {
        unsafe kernels.blockMeans(
          order, weights, centred, gold, count, ns, ns.count, scratch, &means)
      } else {
        for (index, n) in ns.enumerated() {
          (means[2 * index], means[2 * index + 1]) = unsafe wideMeans(
            order, values, centred, gold, n: n, lambda: lambda)
        }
      }
      // Welford's update.
      let number = Double(permutation + 1)
      for index in ns.indices {
        let distance = means[2 * index] - results[index].reward
        results[index].reward += distance / number
        results[index].variance += distance * (means[2 * index] - results[index].reward)
        results[index].gold += (means[2 * index + 1] - results[index].gold) / number
      }
    }
    let permutations = Double(Self.permutationCount)
    for index in ns.indices { results[index].variance /= permutations * (permutations - 1) }
    return results
  }

  /// Means over blocks whose exponents are taken about each block's own maximum.
  private func wideMeans(
    _ order: UnsafePointer<UInt32>, _ values: UnsafePointer<Double>,
    _ centred: UnsafePointer<Double>, _ gold: UnsafePointer<Double>?, n: Int, lambda: Double
  ) -> (reward: Double, gold: Double) {
    let blocks = count / n
    var reward = 0.0
    var golds = 0.0
    for block in 0..<blocks {
      // Rows are sorted: the largest of a block has the smallest position.
      var top = unsafe Int(order[block * n])
      for place in block * n..<(block + 1) * n { unsafe top = min(top, Int(order[place])) }
      var (mass, first, second) = (0.0, 0.0, 0.0)
      for place in block * n..<(block + 1) * n {
        let sample = unsafe Int(order[place])
        let exponent = unsafe lambda * (values[sample] - values[top])
        guard exponent > Self.negligible else { continue }
        let weight = Elementary.exp(exponent)
        mass += weight
        unsafe first += weight * centred[sample]
        if let gold = unsafe gold { unsafe second += weight * gold[sample] }
      }
      reward += first / mass
      golds += second / mass
    }
    return (reward / Double(blocks), golds / Double(blocks))
  }
}

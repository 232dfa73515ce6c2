// SPDX-License-Identifier: Apache-2.0
// Tails of rows under many tilts: one worker's buffers, reused from row to row.

public import EsscherCore

/// Evaluates ``TailSums`` of a row at several lambdas at once. One worker owns it; it is not shared.
@safe
public final class TiltTails {
  private let kernels: TailKernels
  /// Distances, copies, gold, scratch, shares; grown to the longest tail seen.
  private var memory = ScratchMemory(bytes: 0)
  private var distances: UnsafeMutablePointer<Double>
  private var copies: UnsafeMutablePointer<Double>
  private var gold: UnsafeMutablePointer<Double>
  private var shares: UnsafeMutablePointer<Double>
  private var scratch: UnsafeMutablePointer<Double>
  private var capacity = -1
  /// Where fits take their likelihoods, for every number of guesses there has been.
  private var nodes: [Int: LikelihoodNodes] = [:]
  /// Records of the last evaluation, six doubles a lambda.
  private var results: [Double] = []
  private var tops: [Double] = []

  /// Buffers for one worker.
  ///
  /// - Parameter level: instruction-set variant.
  public init(level: CPULevel = .current) {
    kernels = TailKernels(level: level)
    unsafe distances = memory.take(0)
    unsafe copies = memory.take(0)
    unsafe gold = memory.take(0)
    unsafe shares = memory.take(0)
    unsafe scratch = memory.take(0)
  }

  /// Guesses of the fit to a tail.
  private static func guesses(_ entries: Int) -> Int { 30 + Int(Double(entries).squareRoot()) }

  /// The same in whole vectors.
  private static func filledGuesses(_ entries: Int) -> Int { (guesses(entries) + 7) / 8 * 8 }

  /// Doubles of the kernel's scratch: weights; excesses; guesses and their likelihoods; nodes and theirs; five
  /// coefficients for each group of four entries, groups in whole vectors.
  private static func scratch(_ capacity: Int) -> Int {
    capacity + 8 + capacity + 32 + 2 * filledGuesses(capacity) + 2 * LikelihoodNodes.most
      + 5 * (capacity / 4 + 8)
  }

  private func reserve(_ entries: Int) {
    guard entries > capacity else { return }
    capacity = (max(entries, 2 * capacity, 64) + 7) / 8 * 8
    let guesses = Self.filledGuesses(capacity)
    let sizes = [capacity, capacity, capacity, guesses, Self.scratch(capacity)]
    memory = ScratchMemory(
      bytes: ScratchMemory.bytes(sizes.map { $0 * MemoryLayout<Double>.stride }))
    unsafe distances = memory.take(capacity)
    unsafe copies = memory.take(capacity)
    unsafe gold = memory.take(capacity)
    unsafe shares = memory.take(guesses)
    unsafe scratch = memory.take(Self.scratch(capacity))
    for index in 0..<guesses { unsafe shares[index] = 1 / (Double(index) + 0.5).squareRoot() }
  }

  /// Evaluates a row's tail; ``sums(at:)`` then gives the results.
  ///
  /// - Parameters:
  ///   - tail: the top of the row, as ``RowTail/count(sampleCount:)`` says.
  ///   - sampleCount: samples of the row.
  ///   - lambdas: inverse temperatures, ≥ 0.
  ///   - largestWeight: the largest weight at each of them.
  /// - Precision: shapes within 1e-8 of the same fit with a logarithm a term; 1e-9 where a tail is not mostly ties.
  /// - Complexity: 24 to 48 factors an entry and 30 + √T exponentials a lambda for a tail of T entries, 30 + √T
  ///   factors an entry where the cutoff is tied; no allocation once the buffers are large enough and there is a
  ///   matrix for the tail's guesses.
  public func evaluate(
    _ tail: RowTail, sampleCount: Int, lambdas: [Double],
    largestWeight: (_ index: Int) -> Double
  ) {
    tops.removeAll(keepingCapacity: true)
    for index in lambdas.indices { tops.append(largestWeight(index)) }
    let missing = Self.stride * lambdas.count - results.count
    if missing > 0 { results += Array(repeating: 0, count: missing) }
    let entries = tail.rewards.count
    guard let first = tail.rewards.first, let last = tail.rewards.last else {
      for index in lambdas.indices {
        results[Self.stride * index] = .nan
        for field in 1..<Self.stride { results[Self.stride * index + field] = 0 }
      }
      return
    }
    reserve(entries)
    let padded = (entries + 7) / 8 * 8
    for index in 0..<padded {
      let isEntry = index < entries
      unsafe distances[index] = (isEntry ? tail.rewards[index] : last) - first
      unsafe copies[index] =
        isEntry ? (tail.copies.isEmpty ? 1 : Double(tail.copies[index])) : 0
      unsafe gold[index] = isEntry && !tail.gold.isEmpty ? tail.gold[index] : 0
    }
    let fitted = min(entries, ParetoTail.count(sampleCount: sampleCount) + 1)
    let nodes = nodes(guesses: Self.guesses(fitted - 1))
    unsafe lambdas.withUnsafeBufferPointer { lambdas in
      unsafe tops.withUnsafeBufferPointer { tops in
        unsafe results.withUnsafeMutableBufferPointer { results in
          guard let lambdaBase = lambdas.baseAddress, let topBase = tops.baseAddress,
            let resultBase = results.baseAddress
          else { return }
          unsafe kernels.tiltTails(
            distances, tail.gold.isEmpty ? nil : UnsafePointer(gold), copies, padded, fitted,
            lambdaBase, topBase, lambdas.count, shares, nodes.table, scratch, resultBase)
        }
      }
    }
  }

  private func nodes(guesses: Int) -> LikelihoodNodes {
    if let known = nodes[guesses] { return known }
    let made = LikelihoodNodes(guesses: guesses)
    nodes[guesses] = made
    return made
  }

  /// Doubles of a lambda's record.
  private static let stride = 6

  /// The sums of the last evaluation at one of its lambdas.
  public func sums(at index: Int) -> TailSums {
    let base = Self.stride * index
    var sums = TailSums(largestWeight: tops[index])
    sums.shape = results[base].isNaN ? nil : results[base]
    sums.rest = results[base + 1]
    sums.restReward = results[base + 2]
    sums.restGold = results[base + 3]
    sums.restLogarithm = results[base + 4]
    sums.samples = results[base + 5]
    return sums
  }
}

extension ParetoTail {
  /// k̂ of the weights e^{λ r} of one row.
  ///
  /// - Parameters:
  ///   - lambda: inverse temperature.
  ///   - top: the `count(sampleCount:) + 1` largest rewards of a row, the largest first; all of them where there
  ///     are no more.
  ///   - tails: buffers to work in.
  /// - Returns: nil where fewer than five weights lie above the cutoff, or all of those are equal, and at λ = 0.
  public static func shape(lambda: Double, top: [Double], tails: TiltTails) -> Double? {
    tails.evaluate(
      RowTail(rewards: top, gold: []), sampleCount: .max, lambdas: [lambda]
    ) { _ in 0 }
    return tails.sums(at: 0).shape
  }
}

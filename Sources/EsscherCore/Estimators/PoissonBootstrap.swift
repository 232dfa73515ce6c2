// SPDX-License-Identifier: Apache-2.0

/// Bootstrap over prompts with independent Poisson(1) counts, so that one pass suffices, memory is
/// replicates × columns, and shards can be merged.
///
/// The count of prompt i in replicate b is read from a table by word 0 of Philox4x32-10 with
/// key = seed (low word, high word) and counter = (i low, i high, b, 0). It depends on nothing else:
/// not on tiles, threads, order, or which other prompts there are.
///
/// A replicate's value of a column is Σ c·x / Σ c; replicates with Σ c = 0 are left out.
///
/// - Source: Hanley and MacGibbon (2006), Poisson bootstrap; Salmon et al. (2011), Philox.
public struct PoissonBootstrap: Sendable {
  /// Smallest words that give a count of 1, 2, 3, …: `T_k = ⌈2³²·P(count ≤ k)⌉`.
  package static let thresholds: [UInt32] = {
    var thresholds: [UInt32] = []
    var term = Elementary.exp(-1)
    var cumulative = 0.0
    var k = 0.0
    while true {
      cumulative += term
      let threshold = (cumulative * 4_294_967_296).rounded(.up)
      guard threshold < 4_294_967_296 else { return thresholds }
      thresholds.append(UInt32(threshold))
      k += 1
      term /= k
    }
  }()

  /// Number of replicates.
  public let replicateCount: Int
  /// Columns a prompt contributes.
  public let columnCount: Int
  /// Key of the counts.
  public let seed: UInt64
  /// Σ c·x, replicate-major.
  public private(set) var sums: [Double]
  /// Σ c of each replicate.
  public private(set) var totals: [Double]

  /// An empty bootstrap.
  public init(replicateCount: Int, columnCount: Int, seed: UInt64) {
    self.replicateCount = replicateCount
    self.columnCount = columnCount
    self.seed = seed
    sums = Array(repeating: 0, count: replicateCount * columnCount)
    totals = Array(repeating: 0, count: replicateCount)
  }

  /// Times prompt `index` occurs in a replicate.
  public static func count(index: UInt64, replicate: UInt32, seed: UInt64) -> Int {
    let word = Philox4x32.block(
      key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)),
      counter: SIMD4(
        UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32), replicate, 0)
    )[0]
    var count = 0
    for threshold in thresholds {
      guard word >= threshold else { break }
      count += 1
    }
    return count
  }

  /// Replaces one replicate's sums; backends call it with what they accumulated.
  public mutating func set(replicate: Int, sums row: [Double], total: Double) {
    precondition(row.count == columnCount, "one sum a column")
    for (column, sum) in row.enumerated() { sums[replicate * columnCount + column] = sum }
    totals[replicate] = total
  }

  /// Sets all sums to 0.
  mutating func reset() {
    for slot in sums.indices { sums[slot] = 0 }
    for replicate in totals.indices { totals[replicate] = 0 }
  }

  /// Hands out the sums and totals for adding in place; `body` keeps neither.
  package mutating func withMutableSums(
    _ body: (
      _ sums: UnsafeMutableBufferPointer<Double>, _ totals: UnsafeMutableBufferPointer<Double>
    ) -> Void
  ) {
    unsafe sums.withUnsafeMutableBufferPointer { sums in
      unsafe totals.withUnsafeMutableBufferPointer { totals in unsafe body(sums, totals) }
    }
  }

  /// A column's replicate values, replicates without a prompt left out.
  public func replicates(column: Int) -> [Double] {
    var values: [Double] = []
    values.reserveCapacity(replicateCount)
    for replicate in 0..<replicateCount where totals[replicate] > 0 {
      values.append(sums[replicate * columnCount + column] / totals[replicate])
    }
    return values
  }

  /// Two-sided percentile interval of a column.
  ///
  /// - Edge cases: nil where no replicate holds a prompt.
  public func interval(column: Int, confidence: Double) -> (low: Double, high: Double)? {
    Self.interval(of: replicates(column: column), confidence: confidence)
  }

  /// Two-sided percentile interval of replicate values, in any order; nil of none.
  public static func interval(
    of replicates: [Double], confidence: Double
  ) -> (low: Double, high: Double)? {
    var values = replicates
    guard !values.isEmpty else { return nil }
    let ends = ((1 - confidence) / 2, (1 + confidence) / 2)
    // Each quantile lies between two order statistics; the outer one of a pair is found among few values.
    let (low, high) = (rank(ends.0, of: values.count), rank(ends.1, of: values.count))
    OrderSelection.place(min(low + 1, values.count - 1), in: &values, range: 0..<values.count)
    OrderSelection.place(low, in: &values, range: 0..<low + 1)
    OrderSelection.place(high, in: &values, range: min(low + 1, high)..<values.count)
    OrderSelection.place(
      min(high + 1, values.count - 1), in: &values, range: high..<values.count)
    return (quantile(values, ends.0), quantile(values, ends.1))
  }

  /// Quantile by linear interpolation between order statistics (NumPy's default).
  public static func quantile(_ sorted: [Double], _ probability: Double) -> Double {
    let position = probability * Double(sorted.count - 1)
    let index = rank(probability, of: sorted.count)
    guard index + 1 < sorted.count else { return sorted[index] }
    return sorted[index] + (position - Double(index)) * (sorted[index + 1] - sorted[index])
  }

  /// Rank of the order statistic below a quantile.
  private static func rank(_ probability: Double, of count: Int) -> Int {
    min(max(0, Int(probability * Double(count - 1))), count - 1)
  }
}

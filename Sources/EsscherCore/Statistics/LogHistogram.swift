// SPDX-License-Identifier: Apache-2.0

/// A histogram of positive numbers in fixed bins, 128 an octave, for quantiles over prompts that can
/// be merged across shards and never hold the prompts.
///
/// Bin k holds [2^(k/128), 2^((k+1)/128)); a quantile is its bin's midpoint on the log scale, within
/// 0.28 % of the number.
public struct LogHistogram: Sendable, Equatable {
  /// Bins an octave.
  public static let binsPerOctave = 128
  /// Numbers above 2^64 share the last bin, numbers below 1 the first.
  private static let binCount = 64 * binsPerOctave

  private var counts: [Int] = []
  /// How many numbers were added.
  public private(set) var total = 0

  /// An empty histogram.
  public init() {}

  /// Lower ends of an octave's bins, 2^(k/128), and the octave's end.
  private static let edges: [Double] = (0...binsPerOctave).map {
    Elementary.exp2(Double($0) / Double(binsPerOctave))
  }
  /// The bin of the octave in which the numbers that begin with the same 8 bits do.
  private static let starts: [UInt8] = (0..<256).map { head in
    let number = 1 + Double(head) / 256
    return UInt8((edges.firstIndex { $0 > number } ?? edges.count) - 1)
  }

  /// Index of the bin a number falls into.
  ///
  /// - Complexity: O(1), no logarithm: 256 heads an octave have at most one edge within each.
  public static func bin(of x: Double) -> Int {
    guard x > 1 else { return 0 }
    guard x < 0x1p64 else { return binCount - 1 }
    let significand = x.significand
    let head = Int((x.significandBitPattern >> 44) & 0xFF)
    let start = Int(starts[head])
    let place = start + 1 < binsPerOctave && significand >= edges[start + 1] ? start + 1 : start
    return Int(x.exponent) * binsPerOctave + place
  }

  /// Midpoint of a bin.
  public static func midpoint(ofBin bin: Int) -> Double {
    Elementary.exp2((Double(bin) + 0.5) / Double(binsPerOctave))
  }

  /// Adds a number.
  public mutating func add(_ x: Double) {
    let bin = Self.bin(of: x)
    if counts.count <= bin { counts += Array(repeating: 0, count: bin + 1 - counts.count) }
    counts[bin] += 1
    total += 1
  }

  /// Adds another histogram's counts.
  public mutating func merge(_ other: LogHistogram) {
    if counts.count < other.counts.count {
      counts += Array(repeating: 0, count: other.counts.count - counts.count)
    }
    for (bin, count) in other.counts.enumerated() { counts[bin] += count }
    total += other.total
  }

  /// The median: the middle number's bin, or the mean of the two middle bins' midpoints.
  public var median: Double? {
    guard total > 0 else { return nil }
    return (value(rank: (total - 1) / 2) + value(rank: total / 2)) / 2
  }

  /// The number below which a share of the numbers lies, by the nearest rank; nil of none.
  public func quantile(_ share: Double) -> Double? {
    guard total > 0 else { return nil }
    return value(rank: min(total - 1, Int((share * Double(total - 1)).rounded())))
  }

  /// Midpoint of the bin that holds the number of a rank, from 0.
  private func value(rank: Int) -> Double {
    var below = 0
    for (bin, count) in counts.enumerated() {
      below += count
      if below > rank { return Self.midpoint(ofBin: bin) }
    }
    return Self.midpoint(ofBin: max(0, counts.count - 1))
  }
}

extension LogHistogram: PartialResult {
  package mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    // Runs of empty bins are written as their length.
    var runs: [Int] = []
    var empty = 0
    for count in counts {
      guard count > 0 else {
        empty += 1
        continue
      }
      runs += [empty, count]
      empty = 0
    }
    try coder.code(&runs)
    guard coder.isReading else { return }
    guard runs.count.isMultiple(of: 2) else { throw StateCoder.damaged }
    (counts, total) = ([], 0)
    for index in stride(from: 0, to: runs.count, by: 2) {
      guard runs[index] >= 0, runs[index] <= Self.binCount - counts.count - 1, runs[index + 1] > 0,
        runs[index + 1] <= Int.max - total
      else { throw StateCoder.damaged }
      counts += Array(repeating: 0, count: runs[index]) + [runs[index + 1]]
      total += runs[index + 1]
    }
  }
}

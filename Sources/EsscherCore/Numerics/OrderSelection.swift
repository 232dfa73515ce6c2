// SPDX-License-Identifier: Apache-2.0

/// Order statistics of an unsorted list, without sorting the rest.
enum OrderSelection {
  /// Moves the order statistic of `rank` to its place: nothing before it is larger, nothing behind it smaller.
  ///
  /// Ranges are split about the median of three. Splitting moves every value, whatever the comparison says, so
  /// that no branch depends on the values.
  ///
  /// - Edge cases: equal values are set aside together; lists with NaN end in some order, as in sorting.
  /// - Complexity: O(n) on average; a range that does not shrink after 2·log₂ n + 8 splits is sorted, so that
  ///   O(n log n) is never passed.
  /// - Source: Hoare (1961), "Algorithm 65: find".
  /// - Parameters:
  ///   - rank: a position of `range`.
  ///   - values: the list.
  ///   - range: where to look; values outside are left alone.
  static func place(_ rank: Int, in values: inout [Double], range: Range<Int>) {
    var (low, high) = (range.lowerBound, range.upperBound)
    var splits = 2 * (Int.bitWidth - range.count.leadingZeroBitCount) + 8
    while high - low > 16 && splits > 0 {
      splits -= 1
      let pivot = median(values[low], values[low + (high - low) / 2], values[high - 1])
      let middle = split(&values, low..<high) { $0 < pivot }
      if rank < middle {
        high = middle
        continue
      }
      // Nothing in low ..< middle reaches the pivot; what equals it needs no order.
      low = split(&values, middle..<high) { $0 <= pivot }
      if rank < low { return }
    }
    values[low..<high].sort()
  }

  /// Values that fulfil the condition first; returns where the others begin.
  @inline(__always)
  private static func split(
    _ values: inout [Double], _ range: Range<Int>, _ isFirst: (Double) -> Bool
  ) -> Int {
    var boundary = range.lowerBound
    for index in range {
      let value = values[index]
      values[index] = values[boundary]
      values[boundary] = value
      boundary += isFirst(value) ? 1 : 0
    }
    return boundary
  }

  private static func median(_ a: Double, _ b: Double, _ c: Double) -> Double {
    max(min(a, b), min(max(a, b), c))
  }
}

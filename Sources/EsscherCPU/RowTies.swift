// SPDX-License-Identifier: Apache-2.0
// The tie groups of a sorted row, and its mid-ranks.

internal import CRowSort
internal import EsscherCore

extension RowWorkspace {
  /// Finds the groups of two or more equal samples of the sorted row.
  ///
  /// - Returns: the number of samples that tie with another.
  /// - Complexity: O(count), and O(1) where the sort saw no equal neighbours.
  func findTies() -> Int {
    ties.removeAll(keepingCapacity: true)
    guard hasTies else { return 0 }
    var tied = 0
    var start = unsafe crow_next_tie(level, values, 0, count)
    while start < count {
      let value = unsafe values[start]
      var end = start + 2
      while unsafe end < count && values[end] == value { end += 1 }
      ties.append(TieGroup(below: count - end, upTo: count - start))
      tied += end - start
      start = unsafe crow_next_tie(level, values, end, count)
    }
    return tied
  }

  /// Writes the mid-ranks minus ½ of the sorted row, whose ties are found.
  func findRanks() {
    if hasWeights { return findWeightedRanks() }
    // Rows of one length have the same mid-ranks but for their ties.
    if rankedCount == count {
      for tie in rankedTies {
        for index in count - tie.upTo..<count - tie.below {
          unsafe rank[index] = 0.5 - (Double(index) + 0.5) / Double(count)
        }
      }
    } else {
      unsafe selection.midRanks(count, rank)
    }
    var tied = 0
    for tie in ties {
      let start = count - tie.upTo
      let middle = 0.5 - (Double(start) + Double(tie.count) / 2) / Double(count)
      unsafe (rank + start).update(repeating: middle, count: tie.count)
      tied += tie.count
    }
    // Where many tie, all are written as fast as those.
    rankedCount = 8 * tied <= count ? count : 0
    rankedTies.removeAll(keepingCapacity: true)
    if rankedCount > 0 { rankedTies += ties }
  }

  private func findWeightedRanks() {
    var start = 0
    var above = 0.0  // weight of the samples larger than this group
    while start < count {
      var end = start + 1
      var share = unsafe weights[start]
      while unsafe end < count && values[end] == values[start] {
        unsafe share += weights[end]
        end += 1
      }
      let middle = 0.5 - (above + share / 2)
      for index in start..<end { unsafe rank[index] = middle }
      above += share
      start = end
    }
  }
}

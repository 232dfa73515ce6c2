// SPDX-License-Identifier: Apache-2.0
// Rows whose samples lie in groups between the edges of blocks, in no order within: all that the tilt asks of order,
// at half the price of a sort.

internal import CRowSort
internal import EsscherCore

/// The edges by which a row is grouped, at distances m·width below its largest sample: of level 0 each m up to `size`,
/// of level j ≥ 1 each 2^j-th up to size·2^j, as the levels of ``BlockGrid`` read further samples.
struct RowGroups {
  /// Most edges of a row: those of level 0, and half as many for each doubling up to `farthest`.
  static let capacity = BlockGrid.capacity * 4
  /// Largest distance of an edge in widths.
  static let farthest = 683.0

  /// Shorter rows are sorted, which costs them less than edges.
  static let fewestSamples = 4096

  let lowest: Double
  let highest: Double
  /// Largest lambda that the groups serve as blocks.
  let finest: Double
  let width: Double
  /// Edges of level 0; even.
  let size: Int

  init(lowest: Double, highest: Double, largest lambda: Double, sampleCount: Int) {
    self.lowest = lowest
    self.highest = highest
    // 683 widths of 3/lambda: beyond, blocks would not serve lambda anyway (``BlockGrid/largestExponent``), but for
    // rows that reach far lower than high.
    let reach = 2 * BlockGrid.largestStep * Self.farthest
    // The squares of a tilt are the sums at twice its lambda.
    finest = min(2 * lambda, reach / (highest - lowest))
    width = 2 * BlockGrid.largestStep / finest
    size = BlockGrid.size(sampleCount: sampleCount)
  }

  /// How many edges the level of `widths` and the finer ones have up to a distance of so many widths, a multiple
  /// of its spacing.
  func edges(within widths: Int) -> Int {
    var (count, covered, spacing) = (0, 0, 1)
    while widths > covered {
      let level = (covered == 0 ? size : covered)
      let end = covered + level
      let here = min(widths, end) - covered
      count += here / spacing
      covered = end
      spacing *= 2
    }
    return count
  }

  /// The distance in widths of the first edge at least `distance` below the largest sample; nil where there is none.
  func widths(beyond distance: Double) -> Int? {
    let exact = (distance / width).rounded(.up)
    guard exact <= Self.farthest else { return nil }
    let widths = Int(exact)
    var (end, spacing) = (size, 1)
    while widths > end {
      end *= 2
      spacing *= 2
    }
    return (widths + spacing - 1) / spacing * spacing
  }

  /// Edges needed to reach below the smallest sample.
  var edgeCount: Int {
    widths(beyond: highest - lowest).map { edges(within: $0) } ?? edges(within: Int(Self.farthest))
  }
}

extension RowWorkspace {
  /// Groups a row of floats whose keys are made, for lambdas up to `largest`; gold and weights cannot follow.
  ///
  /// - Returns: false where the row has to be sorted instead, also where it reaches so far that all but a few samples
  ///   would lie in its first group.
  /// - Complexity: O(count · log groups), no allocation.
  func group(largest lambda: Double) -> Bool {
    guard hasKeysOfFloats, !hasGold, lambda > 0, count >= RowGroups.fewestSamples else {
      return false
    }
    let short = unsafe shortKeys(keys)
    unsafe crow_range_of_keys(level, short, count, edgeKeys)
    _ = unsafe crow_floats_of_keys(level, edgeKeys, 2, found, small)
    let (highest, lowest) = unsafe (found[0], found[1])
    guard highest > lowest else { return false }
    let groups = RowGroups(
      lowest: lowest, highest: highest, largest: lambda, sampleCount: count)
    // Lambdas beyond the finest are summed over the samples of whole groups.
    guard 4 * groups.finest >= lambda else { return false }
    let edgeCount = groups.edgeCount
    var (widths, spacing, end) = (0, 1, groups.size)
    for edge in 0..<edgeCount {
      if widths == end {
        end *= 2
        spacing *= 2
      }
      widths += spacing
      // The smallest float above the edge: groups hold what is larger.
      let distance = Double(widths) * groups.width
      unsafe edgeDistances[edge] = distance
      let exact = highest - distance
      let near = Float(exact)
      unsafe edgeCells[edge] = Double(near) > exact ? near : near.nextUp
    }
    unsafe crow_keys_of_floats(level, edgeCells, edgeCount, edgeKeys)
    unsafe crow_group_32(
      level, short, count, shortKeys(spareKeys), edgeKeys, edgeCount, edgeEnds)
    _ = unsafe crow_floats_of_keys(level, short, count, values, small)
    sortedSum = unsafe small[0]
    hasTies = false
    self.edgeCount = edgeCount
    self.groups = groups
    return true
  }

  /// The first edge, from `start` on, that is at least `distance` below the largest sample; `edgeCount` where none is.
  func edge(beyond distance: Double, from start: Int) -> Int {
    var edge = start
    while edge < edgeCount, unsafe edgeDistances[edge] < distance { edge += 1 }
    return edge
  }

  /// Samples above an edge, in whole vectors and at least one; all of the row where there is no such edge.
  func samples(aboveEdge edge: Int) -> Int {
    guard edge < edgeCount else { return count }
    return unsafe min((max(edgeEnds[edge], 1) + 7) / 8 * 8, count)
  }

  /// Samples of the grouped row above the edge at a distance of so many widths.
  func samples(above widths: Int, _ groups: RowGroups) -> Int {
    let edge = groups.edges(within: widths) - 1
    return edge < edgeCount ? unsafe edgeEnds[edge] : count
  }
}

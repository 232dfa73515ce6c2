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

  init(survey: RowSurvey, largest lambda: Double, squared: Bool, sampleCount: Int) {
    lowest = survey.lowest
    highest = survey.highest
    // 683 widths of 3/lambda: beyond, blocks would not serve lambda anyway (``BlockGrid/largestExponent``), but for
    // rows that reach far lower than high.
    let reach = 2 * BlockGrid.largestStep * Self.farthest
    // The squares of a tilt are the sums at twice its lambda.
    finest = min(squared ? 2 * lambda : lambda, reach / (highest - lowest))
    width = 2 * BlockGrid.largestStep / finest
    size = BlockGrid.size(
      sampleCount: sampleCount, range: highest - lowest, variance: survey.variance)
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

/// Extremes and moments of a row of floats, taken while its keys are made.
struct RowSurvey {
  let lowest: Double
  let highest: Double
  /// The mean of 64 cells, and the row's less that.
  let centre: Double
  let first: Double
  /// Variance, with a relative error of 2^-53·(1 + (first/σ)²) a few times over, √(M/8192) times in long rows.
  let variance: Double

  /// Whether the variance keeps its digits.
  var isCentred: Bool { first * first <= 16 * variance }
}

extension RowWorkspace {
  /// Keys of the row's floats, and what can be seen on the way.
  ///
  /// - Returns: false where a cell is infinite or NaN; the keys are of no use then.
  func surveyKeys(floats: UnsafePointer<Float>) -> Bool {
    // Eight neighbours in eight places, for their cache lines.
    var sum = 0.0
    for place in 0..<8 {
      let start = (2 * place + 1) * count / 16
      for index in start..<start + 8 { unsafe sum += Double(floats[index]) }
    }
    let centre = (sum / 64).isFinite ? sum / 64 : 0
    let isFinite = unsafe crow_survey_floats(
      level, floats, count, centre, shortKeys(keys), edgeKeys, small)
    guard isFinite else { return false }
    let first = unsafe small[0] / Double(count)
    let variance = unsafe max(0, small[1] / Double(count) - first * first)
    unsafe crow_cells_of_keys(level, edgeKeys, 2, small)
    survey = unsafe RowSurvey(
      lowest: small[1], highest: small[0], centre: centre, first: first, variance: variance)
    return true
  }

  /// Groups a row of floats whose keys are made, for lambdas up to `largest` and twice that where they are `squared`;
  /// gold and weights cannot follow.
  ///
  /// - Returns: false where the row has to be sorted instead, also where it reaches so far that all but a few samples
  ///   would lie in its first group.
  /// - Complexity: O(count · log groups), no allocation.
  func group(largest lambda: Double, squared: Bool) -> Bool {
    guard let survey, lambda > 0, survey.highest > survey.lowest else { return false }
    let groups = RowGroups(survey: survey, largest: lambda, squared: squared, sampleCount: count)
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
      let exact = groups.highest - distance
      let near = Float(exact)
      unsafe edgeCells[edge] = Double(near) > exact ? near : near.nextUp
    }
    unsafe crow_keys_of_floats(level, edgeCells, edgeCount, edgeKeys)
    unsafe crow_group_32(
      level, shortKeys(keys), count, shortKeys(spareKeys), edgeKeys, edgeCount, edgeEnds)
    sortedSum = Double(count) * (survey.centre + survey.first)
    hasTies = false
    self.edgeCount = edgeCount
    self.groups = groups
    written = 0
    return true
  }

  /// Writes the first samples of a grouped row to `values`, as far as they are not there yet: few tilts look at
  /// all, and those that do find them in the first-level cache.
  func writeValues(upTo length: Int) {
    guard groups != nil, length > written else { return }
    // Kernels load whole vectors, up to seven doubles beyond; what they find there they take as nothing.
    let end = min(count, (length + 15) / 16 * 16)
    unsafe crow_cells_of_keys(level, shortKeys(keys) + written, end - written, values + written)
    written = end
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

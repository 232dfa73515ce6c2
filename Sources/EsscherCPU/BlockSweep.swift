// SPDX-License-Identifier: Apache-2.0
// The tilt over blocks of a sorted row: its samples are read once, for the moments of narrow blocks; wider
// blocks are merged from those as lambda falls, and a lambda costs its blocks, whatever the number of samples.

internal import EsscherCore

extension RowWorkspace {
  /// The blocks of one width.
  @safe
  private struct Level {
    var width: Double
    /// Blocks in use.
    var end: Int
    /// Samples in them: the first `position` of the row.
    var position: Int
    var moments: UnsafeMutablePointer<Double>
  }

  /// The finest lambda of blocks: squares of a tilt are the sums at twice its lambda, which blocks must serve about
  /// the mean, where no sample is left out.
  func finestLambda(_ lambdas: [Double], plan: TiltPlan) -> Double {
    guard let last = plan.blocks.last else { return 0 }
    guard plan.blocks.lowerBound < plan.topped else { return lambdas[last] }
    return max(lambdas[last], 2 * lambdas[min(plan.topped - 1, last)])
  }

  /// Writes the records of `plan.blocks`; the squares of those of twice the finest lambda and more are left to
  /// the caller.
  ///
  /// `shifted` holds the centred rewards, descending, and eight doubles of −∞ after them.
  func blockSweep(
    _ lambdas: [Double], plan: TiltPlan, summary: RowSummary, ranked: Bool, kernels: CPUKernels
  ) {
    let grid = BlockGrid(summary: summary)
    let gold = ranked && hasGold
    let sets = ranked ? (gold ? 3 : 2) : 1
    let finest = finestLambda(lambdas, plan: plan)
    let first = plan.blocks.lowerBound
    var served = finest
    var level = unsafe Level(
      width: 2 * BlockGrid.largestStep / finest, end: 0, position: 0, moments: blocks)
    var spare = unsafe blocks + Self.levelCount
    var next = plan.blocks.upperBound - 1
    var square = next
    while square >= first, 2 * lambdas[square] > finest { square -= 1 }
    while true {
      let end = level.position < count ? max(level.end, grid.count(width: level.width)) : level.end
      unsafe level.position = kernels.blockMoments(
        shifted, ranked ? rank : nil, gold ? self.gold : nil, level.position, count,
        summary.highest,
        level.width, level.end, end, level.moments)
      level.end = end
      while next >= first, lambdas[next] > served / 2 {
        sumBlocks(
          lambdas[next], index: next, isSquare: false, level, grid, isTopped: next >= plan.topped,
          ranked: ranked, kernels: kernels)
        next -= 1
      }
      while square >= first, 2 * lambdas[square] > served / 2 {
        sumBlocks(
          2 * lambdas[square], index: square, isSquare: true, level, grid,
          isTopped: square >= plan.topped, ranked: ranked, kernels: kernels)
        square -= 1
      }
      guard next >= first || square >= first else { return }
      unsafe kernels.mergeBlocks(level.moments, spare, sets, level.end, binomials, merged)
      unsafe swap(&level.moments, &spare)
      level.end = (level.end + 1) / 2
      level.width *= 2
      served /= 2
    }
  }

  /// Sums at one lambda, to the record of `index`, or to its squares.
  private func sumBlocks(
    _ lambda: Double, index: Int, isSquare: Bool, _ level: Level, _ grid: BlockGrid, isTopped: Bool,
    ranked: Bool, kernels: CPUKernels
  ) {
    let step = lambda * level.width / 2
    let factors = unsafe small
    unsafe factors[0] = 1
    for power in 1..<BlockGrid.terms {
      unsafe factors[power] = factors[power - 1] * (step * reciprocals[power])
    }
    let across = grid.reach(lambda: lambda, isTopped: isTopped) / level.width
    let needed = across < Double(level.end) ? Int(across) + 1 : level.end
    let found = unsafe small + BlockGrid.powers
    unsafe kernels.blockSums(
      level.moments, needed, isTopped ? 0 : grid.top, level.width, lambda, factors, !isSquare,
      ranked && !isSquare, ranked && hasGold, found)
    let record = unsafe sums + index * CPUKernels.tiltStride
    if isSquare {
      unsafe record[4] = found[0]
      unsafe record[7] = found[2]
      unsafe record[8] = found[5]
      return
    }
    unsafe record[0] = found[0]
    // Samples beyond the blocks have e^x − 1 = −1.
    unsafe record[1] = found[1] - (Double(count) - found[7])
    unsafe record[2] = found[2]
    unsafe record[3] = found[3]
    unsafe record[5] = found[4]
    unsafe record[6] = found[5]
    unsafe record[9] = found[6]
  }
}

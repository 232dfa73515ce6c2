// SPDX-License-Identifier: Apache-2.0
// The tilt over blocks of a sorted row: its samples are read once, for the moments of narrow blocks; wider
// blocks are merged from those as lambda falls, and a lambda costs its blocks, whatever the number of samples.

internal import EsscherCore

extension RowWorkspace {
  /// The blocks of one width.
  @safe
  private struct Level {
    /// Largest lambda that they serve.
    var served: Double
    var width: Double
    /// Blocks in use.
    var end: Int
    /// Samples in them: the first `position` of the row.
    var position: Int
    var moments: UnsafeMutablePointer<Double>
  }

  /// The finest lambda of blocks. Squares of a tilt are the sums at twice its lambda, which blocks must serve about
  /// the mean, where no sample is left out, and also about the top where that costs less.
  func finestLambda(_ plan: TiltPlan) -> Double {
    guard let last = plan.blocks.last else { return 0 }
    let largest = unsafe lambdas[last]
    guard plan.squared else { return largest }
    var first = last
    while first > plan.blocks.lowerBound, unsafe 2 * lambdas[first - 1] > largest { first -= 1 }
    let length = samples(within: BlockGrid.cut(sampleCount: count) / (2 * largest), from: 0)
    if groups.map({ 2 * largest <= $0.finest }) ?? true,
      TiltCost.paysSquares(last + 1 - first, sampleCount: length)
    {
      return 2 * largest
    }
    guard plan.blocks.lowerBound < plan.topped else { return largest }
    return unsafe max(largest, 2 * lambdas[min(plan.topped - 1, last)])
  }

  /// First of `plan.blocks` whose squares are wanted, and blocks do not serve them.
  func firstUnsquared(_ plan: TiltPlan) -> Int {
    guard plan.squared else { return plan.blocks.upperBound }
    let finest = finestLambda(plan)
    var index = plan.blocks.upperBound
    while index > plan.blocks.lowerBound, unsafe 2 * lambdas[index - 1] > finest { index -= 1 }
    return index
  }

  /// Writes the records of `plan.blocks`; the squares of those of twice the finest lambda and more are left to
  /// the caller. Where `takesPowers`, also the row's power moments, to `small`.
  ///
  /// `shifted` holds the centred rewards, descending, and eight doubles of −∞ after them; of grouped rows it is not
  /// read.
  func blockSweep(
    _ plan: TiltPlan, summary: RowSummary, ranked: Bool, takesPowers: Bool, kernels: CPUKernels
  ) {
    let grid = BlockGrid(summary: summary, groups: groups)
    let gold = ranked && hasGold
    let sets = ranked ? (gold ? 3 : 2) : 1
    let finest = finestLambda(plan)
    let first = plan.blocks.lowerBound
    // Groups are blocks of levels of their own, the first at least as fine.
    var served = groups?.finest ?? finest
    var spacing = 1
    while served >= 2 * finest {
      served /= 2
      spacing *= 2
    }
    if groups == nil { served = finest }
    var level = unsafe Level(
      served: served, width: 2 * BlockGrid.largestStep / served, end: 0, position: 0,
      moments: blocks)
    var spare = unsafe blocks + Self.levelCount
    // Lambdas below these are still to be summed.
    var next = plan.blocks.upperBound
    var square = plan.squared ? firstUnsquared(plan) : first
    var lacksPowers = takesPowers
    let centring =
      groups == nil
      ? unsafe BlockGroups(ends: nil)
      : unsafe BlockGroups(
        ends: blockEnds, mean: summary.centre, correction: summary.correction)
    while true {
      let end = level.position < count ? max(level.end, grid.count(width: level.width)) : level.end
      if let groups {
        for block in level.end..<end {
          unsafe blockEnds[block] = samples(above: (block + 1) * spacing, groups)
        }
        if end > level.end { unsafe writeValues(upTo: blockEnds[end - 1]) }
      }
      unsafe level.position = kernels.blockMoments(
        groups == nil ? shifted : values, ranked ? rank : nil, gold ? self.gold : nil, centring,
        level.position, count, summary.highest, level.width, level.end, end, level.moments)
      level.end = end
      // Fewer blocks than lanes cost a lambda the same, so one vector serves all that is left.
      let servesAll = level.position == count && level.end <= 8
      var served = servesAll ? 0 : level.served / 2
      var start = next
      while start > first, unsafe lambdas[start - 1] > served { start -= 1 }
      sumBlocks(start..<next, plan, level, grid, wants(1, ranked), kernels)
      next = start
      served /= 2
      start = square
      while start > first, unsafe lambdas[start - 1] > served { start -= 1 }
      sumBlocks(start..<square, plan, level, grid, wants(2, ranked), kernels)
      square = start
      let isLast = next == first && square == first
      // Eight blocks or fewer are one vector; later ones would be wider than the row.
      if lacksPowers && level.position == count && (isLast || level.end <= 8) {
        takePowers(level, summary, sets: sets, kernels)
        lacksPowers = false
      }
      guard !isLast || lacksPowers else { return }
      unsafe kernels.mergeBlocks(level.moments, spare, sets, level.end, binomials, merged)
      unsafe swap(&level.moments, &spare)
      level.end = (level.end + 1) / 2
      level.width *= 2
      level.served /= 2
      spacing *= 2
    }
  }

  /// Writes the row's power moments from a level that holds all of it.
  private func takePowers(
    _ level: Level, _ summary: RowSummary, sets: Int, _ kernels: CPUKernels
  ) {
    let scale = summary.reach
    unsafe small.update(repeating: 0, count: 3 * CPUKernels.powerRow)
    unsafe small[0] = mass
    unsafe kernels.blockPowerMoments(
      level.moments, sets, level.end, summary.highest / scale, level.width / (2 * scale), merged,
      small)
    // Known without the blocks' rounding, and what every small tilt begins with.
    unsafe small[2] = mass * summary.variance / (scale * scale)
    squarePowers(sets: sets)
  }

  private func wants(_ factor: Double, _ ranked: Bool) -> BlockWants {
    BlockWants(factor: factor, second: factor == 1, rank: ranked, gold: ranked && hasGold)
  }

  /// Sums at lambdas of a level, or at twice those, to their records.
  private func sumBlocks(
    _ part: Range<Int>, _ plan: TiltPlan, _ level: Level, _ grid: BlockGrid, _ wants: BlockWants,
    _ kernels: CPUKernels
  ) {
    let centred = part.clamped(to: 0..<plan.topped)
    let topped = part.clamped(to: plan.topped..<Int.max)
    for (group, offset) in [(centred, grid.top), (topped, 0)] where !group.isEmpty {
      let place = BlockPlace(
        offset: offset, width: level.width, range: grid.range, cut: grid.cut)
      unsafe kernels.blockSums(
        level.moments, level.end, place, lambdas + group.lowerBound, group.count, wants,
        series, merged, found)
      for index in group {
        let record = unsafe sums + index * CPUKernels.tiltStride
        let values = unsafe found + 8 * (index - group.lowerBound)
        if !wants.second {
          unsafe record[4] = values[0]
          unsafe record[7] = values[2]
          unsafe record[8] = values[5]
          continue
        }
        unsafe record[0] = values[0]
        // Samples beyond the blocks have e^x − 1 = −1.
        unsafe record[1] = values[1] - (Double(count) - values[7])
        unsafe record[2] = values[2]
        unsafe record[3] = values[3]
        unsafe record[5] = values[4]
        unsafe record[6] = values[5]
        unsafe record[9] = values[6]
      }
    }
  }
}

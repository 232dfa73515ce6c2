// SPDX-License-Identifier: Apache-2.0
// RowSummary on the CPU: centre, spread, extrema and multiplicity of the maximum.

internal import CRowSort
internal import EsscherCore

extension RowWorkspace {
  /// The top of the sorted and summarised row.
  func tail(_ count: Int) -> RowTail {
    RowTail(
      rewards: unsafe Array(UnsafeBufferPointer(start: values, count: count)),
      gold: hasGold ? unsafe Array(UnsafeBufferPointer(start: gold, count: count)) : [])
  }

  /// Summary of the loaded row.
  ///
  /// - Parameters:
  ///   - sorted: ``sort()`` has run, and ties are to be found.
  ///   - ranked: mid-ranks are wanted too.
  ///   - dropped: samples left out.
  ///   - row: the row's number, for messages.
  ///   - table: the input, for messages.
  ///   - kernels: the loops.
  /// - Throws: `.badInput` where the square of the rewards' range is not a normal double.
  func summarise(
    sorted: Bool, ranked: Bool, dropped: Int, row: Int, table: RewardTable, kernels: CPUKernels
  ) throws(EsscherError) -> RowSummary {
    var summary = RowSummary()
    summary.sampleCount = count
    summary.droppedCount = dropped
    guard count > 0 else { return summary }
    let (lowest, highest, sum) = extent(kernels)
    try RowSummary.checkRange(lowest: lowest, highest: highest, row: row, table: table)
    let mean =
      hasWeights ? unsafe kernels.dot(values, weights, count) : sum / Double(count)
    summary.centre = mean.isFinite ? min(max(mean, lowest), highest) : lowest / 2 + highest / 2
    let (first, variance) = spread(about: summary.centre, kernels)
    summary.correction = highest == lowest ? 0 : first
    summary.variance = variance
    summary.maximum = highest
    summary.highest = (highest - summary.centre) - summary.correction
    summary.lowest = (lowest - summary.centre) - summary.correction
    summary.topShare = topShare(highest)
    if sorted {
      summary.tiedCount = findTies()
      if ranked { findRanks() }
    }
    if hasGold { summary.goldMean = centreGold(kernels) }
    return summary
  }

  /// The mean of r − centre, and the variance.
  private func spread(about centre: Double, _ kernels: CPUKernels) -> (Double, Double) {
    if groups != nil {
      if let survey, survey.isCentred {
        return ((survey.centre - centre) + survey.first, survey.variance)
      }
      writeValues(upTo: count)
    }
    let (first, second) = unsafe centredMeans(values, about: centre, kernels)
    return (first, max(0, second - first * first))
  }

  /// Means of cells − centre and of its square.
  private func centredMeans(
    _ cells: UnsafePointer<Double>, about centre: Double, _ kernels: CPUKernels
  ) -> (Double, Double) {
    unsafe small[0] = 0
    unsafe small[1] = 0
    for start in stride(from: 0, to: count, by: CPUKernels.segment) {
      let length = min(CPUKernels.segment, count - start)
      unsafe kernels.centredSums(
        cells + start, kernelWeights.map { unsafe $0 + start }, length, centre, small)
    }
    return unsafe (small[0] / mass, small[1] / mass)
  }

  /// Smallest and largest reward and their sum.
  private func extent(_ kernels: CPUKernels) -> (lowest: Double, highest: Double, sum: Double) {
    if let groups, let sortedSum { return (groups.lowest, groups.highest, sortedSum) }
    if let sortedSum { return unsafe (values[count - 1], values[0], sortedSum) }
    unsafe kernels.extrema(values, count, small)
    return unsafe (small[0], small[1], small[2])
  }

  /// Share of the base law in the samples equal to the maximum.
  private func topShare(_ highest: Double) -> Double {
    if !hasWeights && (sortedSum == nil || groups != nil) {
      let length = groups.map { samples(above: 1, $0) } ?? count
      writeValues(upTo: length)
      return unsafe Double(crow_count_equal(level, values, length, highest)) / Double(count)
    }
    let isSorted = sortedSum != nil
    var tied = 0
    var weight = 0.0
    for index in 0..<count {
      if unsafe values[index] == highest {
        tied += 1
        if hasWeights { unsafe weight += weights[index] }
      } else if isSorted {
        break
      }
    }
    return hasWeights ? min(1, weight) : Double(tied) / Double(count)
  }

  /// Subtracts the mean gold reward, and averages gold over tie groups, which no estimator may see
  /// inside of.
  ///
  /// - Returns: the mean.
  private func centreGold(_ kernels: CPUKernels) -> Double {
    let middle = goldMiddle(kernels)
    let (correction, _) = unsafe centredMeans(storedGold, about: middle, kernels)
    unsafe kernels.shift(storedGold, count, middle, correction, gold)
    for tie in ties {
      let range = (count - tie.upTo)..<(count - tie.below)
      var sum = CompensatedSum()
      var weight = CompensatedSum()
      for index in range {
        let share = hasWeights ? unsafe weights[index] : 1
        unsafe sum.add(share * gold[index])
        weight.add(share)
      }
      guard weight.value > 0 else { continue }
      let mean = sum.value / weight.value
      for index in range { unsafe gold[index] = mean }
    }
    return middle + correction
  }

  /// A double near the mean of the gold rewards.
  private func goldMiddle(_ kernels: CPUKernels) -> Double {
    if let goldSum, goldSum.isFinite { return goldSum / Double(count) }
    unsafe kernels.extrema(storedGold, count, small)
    return unsafe small[0] / 2 + small[1] / 2
  }
}

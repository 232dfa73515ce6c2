// SPDX-License-Identifier: Apache-2.0
// RowSummary on the CPU: centre, spread, extrema, multiplicity of the maximum, and in a sorted row
// the tie groups and mid-ranks.

internal import EsscherCore

extension RowWorkspace {
  /// Sorts the row, largest first, gold and weights along with their rewards.
  func sort(storage: CellStorage, payload: Bool? = nil) {
    let payload = payload ?? (hasGold || hasWeights)
    if payload {
      for index in 0..<count { unsafe order[index] = UInt32(truncatingIfNeeded: index) }
    }
    let positions = payload ? unsafe order : nil
    let sparePositions = payload ? unsafe spareOrder : nil
    switch storage {
    case .float32:
      unsafe keys.withMemoryRebound(to: UInt32.self, capacity: capacity) { keys in
        unsafe spareKeys.withMemoryRebound(to: UInt32.self, capacity: capacity) { spare in
          for index in 0..<count {
            unsafe keys[index] = DescendingKey.encode(Float(values[index]))
          }
          unsafe RowSort.sort(
            keys, spare, positions, sparePositions, count: count, histogram: histogram)
          for index in 0..<count {
            unsafe values[index] = Double(DescendingKey.decode(keys[index]))
          }
        }
      }
    case .float64:
      for index in 0..<count { unsafe keys[index] = DescendingKey.encode(values[index]) }
      unsafe RowSort.sort(
        keys, spareKeys, positions, sparePositions, count: count, histogram: histogram)
      for index in 0..<count { unsafe values[index] = DescendingKey.decode(keys[index]) }
    }
    guard payload else { return }
    if hasGold { unsafe permute(gold) }
    if hasWeights { unsafe permute(weights) }
  }

  private func permute(_ payload: UnsafeMutablePointer<Double>) {
    for index in 0..<count { unsafe rank[index] = payload[Int(order[index])] }
    unsafe payload.update(from: rank, count: count)
  }

  /// The top of the sorted and summarised row.
  func tail(_ count: Int) -> RowTail {
    RowTail(
      rewards: unsafe Array(UnsafeBufferPointer(start: values, count: count)),
      gold: hasGold ? unsafe Array(UnsafeBufferPointer(start: gold, count: count)) : [])
  }

  /// Summary of the loaded row; `sorted` says whether ``sort(storage:)`` has run.
  ///
  /// - Throws: `.badInput` where the square of the rewards' range is not a normal double.
  func summarise(
    sorted: Bool, dropped: Int, row: Int, table: RewardTable, kernels: CPUKernels
  ) throws(EsscherError) -> RowSummary {
    var summary = RowSummary()
    summary.sampleCount = count
    summary.droppedCount = dropped
    guard count > 0 else { return summary }
    unsafe kernels.extrema(values, count, small)
    let lowest = unsafe small[0]
    let highest = unsafe small[1]
    let sum = unsafe small[2]
    try RowSummary.checkRange(lowest: lowest, highest: highest, row: row, table: table)
    let mean =
      hasWeights ? unsafe kernels.dot(values, weights, count) : sum / Double(count)
    summary.centre = mean.isFinite ? min(max(mean, lowest), highest) : lowest / 2 + highest / 2
    unsafe small[0] = 0
    unsafe small[1] = 0
    for start in stride(from: 0, to: count, by: CPUKernels.segment) {
      let length = min(CPUKernels.segment, count - start)
      unsafe kernels.centredSums(
        values + start, kernelWeights.map { unsafe $0 + start }, length, summary.centre, small)
    }
    let first = unsafe small[0] / mass
    summary.correction = highest == lowest ? 0 : first
    summary.variance = unsafe max(0, small[1] / mass - first * first)
    summary.maximum = highest
    summary.highest = (highest - summary.centre) - summary.correction
    summary.lowest = (lowest - summary.centre) - summary.correction
    summary.topShare = topShare(highest, sorted: sorted)
    if sorted { summary.tiedCount = findTies() }
    if hasGold { summary.goldMean = centreGold(kernels) }
    return summary
  }

  /// Share of the base law in the samples equal to the maximum.
  private func topShare(_ highest: Double, sorted: Bool) -> Double {
    var tied = 0
    var weight = 0.0
    for index in 0..<count {
      if unsafe values[index] == highest {
        tied += 1
        if hasWeights { unsafe weight += weights[index] }
      } else if sorted {
        break
      }
    }
    return hasWeights ? min(1, weight) : Double(tied) / Double(count)
  }

  /// Finds the tie groups, writes mid-ranks minus ½, and averages nothing yet.
  ///
  /// - Returns: the number of samples that tie with another.
  func findTies() -> Int {
    ties.removeAll(keepingCapacity: true)
    var tied = 0
    var start = 0
    var above = 0.0  // weight of the samples larger than this group
    while start < count {
      var end = start + 1
      var share = hasWeights ? unsafe weights[start] : 1
      while unsafe end < count && values[end] == values[start] {
        share += hasWeights ? unsafe weights[end] : 1
        end += 1
      }
      let middle =
        hasWeights
        ? 0.5 - (above + share / 2)
        : 0.5 - (Double(start) + Double(end - start) / 2) / Double(count)
      for index in start..<end { unsafe rank[index] = middle }
      above += share
      if end - start > 1 {
        ties.append(TieGroup(below: count - end, upTo: count - start))
        tied += end - start
      }
      start = end
    }
    return tied
  }

  /// Subtracts the mean gold reward, and averages gold over tie groups, which no estimator may see
  /// inside of.
  ///
  /// - Returns: the mean.
  private func centreGold(_ kernels: CPUKernels) -> Double {
    unsafe kernels.extrema(gold, count, small)
    let middle = unsafe small[0] / 2 + small[1] / 2
    unsafe small[0] = 0
    unsafe small[1] = 0
    for start in stride(from: 0, to: count, by: CPUKernels.segment) {
      let length = min(CPUKernels.segment, count - start)
      unsafe kernels.centredSums(
        gold + start, kernelWeights.map { unsafe $0 + start }, length, middle, small)
    }
    let correction = unsafe small[0] / mass
    unsafe kernels.shift(gold, count, middle, correction, gold)
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
}

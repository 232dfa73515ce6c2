// SPDX-License-Identifier: Apache-2.0
// RowSummary on a device, and the tie groups of sorted rows.

internal import EsscherCore

extension DeviceKernels {
  /// Enqueues the summaries of a tile's rows; centres the gold reward in place.
  func summarise(
    _ tile: TileMemory, flags: UInt32, on queue: OpenCLQueue
  ) throws(OpenCLError) {
    try rowSummary.set(0, tile.rewards)
    try setPayload(rowSummary, 1, tile, weights: 2)
    try rowSummary.set(3, tile.deviceOffsets)
    try rowSummary.set(4, tile.deviceCounts)
    try rowSummary.set(5, tile.summaries)
    try rowSummary.set(6, uint: flags)
    try queue.launch(rowSummary, groups: (tile.rows.count, 1), lanes: tuning.lanes)
  }

  /// Enqueues mid-ranks, averaged gold and the list of tie groups of sorted rows.
  func findTies(
    _ tile: TileMemory, flags: UInt32, on queue: OpenCLQueue
  ) throws(OpenCLError) {
    try tieGroups.set(0, tile.rewards)
    try setPayload(tieGroups, 1, tile, weights: 2)
    try tieGroups.set(3, tile.deviceOffsets)
    try tieGroups.set(4, tile.deviceCounts)
    try tieGroups.set(5, tile.rank)
    try tieGroups.set(6, tile.weightPrefix)
    try tieGroups.set(7, tile.goldPrefix)
    try tieGroups.set(8, tile.tieCount)
    try tieGroups.set(9, tile.ties)
    try tieGroups.set(10, uint: UInt32(clamping: tile.shape.tieCapacity))
    try tieGroups.set(11, uint: flags)
    try queue.launch(tieGroups, groups: (tile.rows.count, 1), lanes: tuning.lanes)
  }

  /// Gold and weights as they lie: sorted with their rewards, or as uploaded.
  func setPayload(
    _ kernel: borrowing OpenCLKernel, _ gold: Int, _ tile: TileMemory, weights: Int
  ) throws(OpenCLError) {
    if tile.shape.isSorted {
      try kernel.set(gold, tile.sortedGolds)
      try kernel.set(weights, tile.sortedWeights)
    } else {
      try kernel.set(gold, tile.golds)
      try kernel.set(weights, tile.weightBuffer)
    }
  }
}

extension RowSummary {
  /// A summary from the device's record.
  init(_ record: ArraySlice<Double>, count: Int, dropped: Int, isWeighted: Bool, hasGold: Bool) {
    self.init()
    sampleCount = count
    droppedCount = dropped
    guard count > 0 else { return }
    let base = record.startIndex
    let mass = isWeighted ? 1 : Double(count)
    let (low, high) = (record[base], record[base + 1])
    centre = record[base + 2]
    let first = record[base + 3] / mass
    correction = high == low ? 0 : first
    variance = max(0, record[base + 4] / mass - first * first)
    maximum = high
    highest = (high - centre) - correction
    lowest = (low - centre) - correction
    topShare = isWeighted ? min(1, record[base + 5]) : record[base + 5] / mass
    if hasGold { goldMean = record[base + 6] + record[base + 7] / mass }
  }
}

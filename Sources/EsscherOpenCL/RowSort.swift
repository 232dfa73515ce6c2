// SPDX-License-Identifier: Apache-2.0
// RowSort on a device: each row largest first, gold and weights along with their rewards.

internal import EsscherCore

/// The kernels for one kind of key.
final class SortKernels {
  let radix: OpenCLKernel
  let blocks: OpenCLKernel
  let merge: OpenCLKernel
  let keys: OpenCLKernel
  let count: OpenCLKernel
  let scan: OpenCLKernel
  let scatter: OpenCLKernel

  init(
    _ program: borrowing OpenCLProgram, suffix: String, on session: OpenCLSession
  ) throws(OpenCLError) {
    radix = try program.kernel("row_sort_radix" + suffix, on: session)
    blocks = try program.kernel("row_sort_blocks" + suffix, on: session)
    merge = try program.kernel("row_sort_merge" + suffix, on: session)
    keys = try program.kernel("row_sort_keys", on: session)
    count = try program.kernel("row_sort_count", on: session)
    scan = try program.kernel("row_sort_scan", on: session)
    scatter = try program.kernel("row_sort_scatter" + suffix, on: session)
  }

  /// Enqueues the sort of keys and positions.
  ///
  /// - Returns: whether they ended in the spare buffers.
  func launch(
    _ tile: TileMemory, _ tuning: LaunchTuning, longest: Int, on queue: OpenCLQueue
  ) throws(OpenCLError) -> Bool {
    let rows = tile.rows.count
    if tuning.sortBlock == 0 {
      try radix.set(0, tile.rewards)
      try radix.set(1, tile.keys)
      try radix.set(2, tile.spareKeys)
      try radix.set(3, tile.order)
      try radix.set(4, tile.spareOrder)
      try radix.set(5, tile.deviceOffsets)
      try radix.set(6, tile.deviceCounts)
      try queue.launch(radix, groups: (rows, 1), lanes: 1)
      return false
    }
    // Of a ragged table the tiles of short rows are merged: a radix sort has 256 counts a row.
    if tile.shape.radixTile > 0
      && tuning.usesRadix(samples: longest, isShort: tile.shape.hasShortKeys)
    {
      try launchRadix(tile, tuning, longest: longest, on: queue)
      return false
    }
    try blocks.set(0, tile.rewards)
    try blocks.set(1, tile.keys)
    try blocks.set(2, tile.order)
    try blocks.set(3, tile.deviceOffsets)
    try blocks.set(4, tile.deviceCounts)
    let count = (longest + tuning.sortBlock - 1) / tuning.sortBlock
    try queue.launch(blocks, groups: (count, rows), lanes: tuning.lanes)
    let outputs = tuning.lanes * tuning.mergeRun
    var isSwapped = false
    var width = tuning.sortBlock
    while width < longest {
      if isSwapped {
        try setMerge(from: tile.spareKeys, tile.spareOrder, to: tile.keys, tile.order)
      } else {
        try setMerge(from: tile.keys, tile.order, to: tile.spareKeys, tile.spareOrder)
      }
      try merge.set(4, tile.deviceOffsets)
      try merge.set(5, tile.deviceCounts)
      try merge.set(6, ulong: UInt64(width))
      try queue.launch(
        merge, groups: ((longest + outputs - 1) / outputs, rows), lanes: tuning.lanes)
      isSwapped.toggle()
      width *= 2
    }
    return isSwapped
  }

  /// Digit by digit, from one buffer to the other; digits are of even number, so keys end where they began.
  private func launchRadix(
    _ tile: TileMemory, _ tuning: LaunchTuning, longest: Int, on queue: OpenCLQueue
  ) throws(OpenCLError) {
    let isShort = tile.shape.hasShortKeys
    let groups = ((longest + tuning.sortBlock - 1) / tuning.sortBlock, tile.rows.count)
    try keys.set(0, tile.rewards)
    try keys.set(1, tile.keys)
    try keys.set(2, tile.order)
    try keys.set(3, tile.deviceOffsets)
    try keys.set(4, tile.deviceCounts)
    try keys.set(5, uint: isShort ? DeviceLayout.hasShortKeys : 0)
    try queue.launch(keys, groups: groups, lanes: tuning.lanes)
    // Keys of floats carry the position in their lower half.
    for (pass, shift) in stride(from: isShort ? 32 : 0, to: 64, by: 8).enumerated() {
      if pass % 2 == 0 {
        try setDigit(from: tile.keys, tile.order, to: tile.spareKeys, tile.spareOrder)
      } else {
        try setDigit(from: tile.spareKeys, tile.spareOrder, to: tile.keys, tile.order)
      }
      try count.set(1, tile.tallies)
      try count.set(2, tile.deviceOffsets)
      try count.set(3, tile.deviceCounts)
      try count.set(4, uint: UInt32(shift))
      try queue.launch(count, groups: groups, lanes: tuning.lanes)
      try scan.set(0, tile.tallies)
      try scan.set(1, tile.totals)
      try scan.set(2, tile.deviceOffsets)
      try scan.set(3, tile.deviceCounts)
      try queue.launch(
        scan, groups: (DeviceLayout.radixBins, tile.rows.count), lanes: tuning.lanes)
      try scatter.set(4, tile.tallies)
      try scatter.set(5, tile.totals)
      try scatter.set(6, tile.deviceOffsets)
      try scatter.set(7, tile.deviceCounts)
      try scatter.set(8, uint: UInt32(shift))
      try queue.launch(scatter, groups: groups, lanes: tuning.lanes)
    }
  }

  private func setDigit(
    from source: borrowing OpenCLBuffer, _ order: borrowing OpenCLBuffer,
    to target: borrowing OpenCLBuffer, _ sortedOrder: borrowing OpenCLBuffer
  ) throws(OpenCLError) {
    try count.set(0, source)
    try scatter.set(0, source)
    try scatter.set(1, target)
    try scatter.set(2, order)
    try scatter.set(3, sortedOrder)
  }

  private func setMerge(
    from keys: borrowing OpenCLBuffer, _ order: borrowing OpenCLBuffer,
    to mergedKeys: borrowing OpenCLBuffer, _ mergedOrder: borrowing OpenCLBuffer
  ) throws(OpenCLError) {
    try merge.set(0, keys)
    try merge.set(1, mergedKeys)
    try merge.set(2, order)
    try merge.set(3, mergedOrder)
  }
}

extension DeviceKernels {
  /// Samples of a row that a work-group of a GPU moves to their places.
  private static let gatheredSamples = 2048

  /// Enqueues the sort of a tile's rows; afterwards gold and weights are in the sorted buffers.
  func sort(
    _ tile: TileMemory, flags: UInt32, longest: Int, on queue: OpenCLQueue
  ) throws(OpenCLError) {
    let isShort = tile.shape.hasShortKeys
    let isSwapped =
      isShort
      ? try shortSort.launch(tile, tuning, longest: longest, on: queue)
      : try sort.launch(tile, tuning, longest: longest, on: queue)
    try sortGather.set(0, tile.rewards)
    if isSwapped {
      try sortGather.set(1, tile.spareKeys)
      try sortGather.set(2, tile.spareOrder)
    } else {
      try sortGather.set(1, tile.keys)
      try sortGather.set(2, tile.order)
    }
    try sortGather.set(3, tile.golds)
    try sortGather.set(4, tile.sortedGolds)
    try sortGather.set(5, tile.weightBuffer)
    try sortGather.set(6, tile.sortedWeights)
    try sortGather.set(7, tile.deviceOffsets)
    try sortGather.set(8, tile.deviceCounts)
    try sortGather.set(9, uint: isShort ? flags | DeviceLayout.hasShortKeys : flags)
    let parts =
      tuning.lanes > 1
      ? max(1, (longest + Self.gatheredSamples - 1) / Self.gatheredSamples) : 1
    try queue.launch(sortGather, groups: (parts, tile.rows.count), lanes: tuning.lanes)
  }

  /// Enqueues the gathering of the sorted rows' tails, gold's once it is averaged over ties.
  func gatherTails(_ tile: TileMemory, on queue: OpenCLQueue) throws(OpenCLError) {
    for isGold in tile.shape.hasGold ? [false, true] : [false] {
      if isGold {
        try rowTail.set(0, tile.sortedGolds)
        try rowTail.set(3, tile.goldTails)
      } else {
        try rowTail.set(0, tile.rewards)
        try rowTail.set(3, tile.tails)
      }
      try rowTail.set(1, tile.deviceOffsets)
      try rowTail.set(2, tile.tailOffsets)
      try queue.launch(rowTail, groups: (tile.rows.count, 1), lanes: tuning.lanes)
    }
  }
}

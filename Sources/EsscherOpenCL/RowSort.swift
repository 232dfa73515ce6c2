// SPDX-License-Identifier: Apache-2.0
// RowSort on a device: each row largest first, gold and weights along with their rewards.

internal import EsscherCore

extension DeviceKernels {
  /// Enqueues the sort of a tile's rows; afterwards gold and weights are in the sorted buffers.
  func sort(
    _ tile: TileMemory, flags: UInt32, longest: Int, on queue: OpenCLQueue
  ) throws(OpenCLError) {
    let rows = tile.rows.count
    // Whether the sorted keys ended in the spare buffers.
    var isSwapped = false
    if tuning.sortBlock == 0 {
      try sortRadix.set(0, tile.rewards)
      try sortRadix.set(1, tile.keys)
      try sortRadix.set(2, tile.spareKeys)
      try sortRadix.set(3, tile.order)
      try sortRadix.set(4, tile.spareOrder)
      try sortRadix.set(5, tile.deviceOffsets)
      try sortRadix.set(6, tile.deviceCounts)
      try queue.launch(sortRadix, groups: (rows, 1), lanes: 1)
    } else {
      try sortBlocks.set(0, tile.rewards)
      try sortBlocks.set(1, tile.keys)
      try sortBlocks.set(2, tile.order)
      try sortBlocks.set(3, tile.deviceOffsets)
      try sortBlocks.set(4, tile.deviceCounts)
      let blocks = (longest + tuning.sortBlock - 1) / tuning.sortBlock
      try queue.launch(sortBlocks, groups: (blocks, rows), lanes: tuning.lanes)
      var width = tuning.sortBlock
      let outputs = tuning.lanes * tuning.mergeRun
      while width < longest {
        if isSwapped {
          try setMerge(from: tile.spareKeys, tile.spareOrder, to: tile.keys, tile.order)
        } else {
          try setMerge(from: tile.keys, tile.order, to: tile.spareKeys, tile.spareOrder)
        }
        try sortMerge.set(4, tile.deviceOffsets)
        try sortMerge.set(5, tile.deviceCounts)
        try sortMerge.set(6, ulong: UInt64(width))
        try queue.launch(
          sortMerge, groups: ((longest + outputs - 1) / outputs, rows), lanes: tuning.lanes)
        isSwapped.toggle()
        width *= 2
      }
    }
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
    try sortGather.set(9, uint: flags)
    try queue.launch(sortGather, groups: (rows, 1), lanes: tuning.lanes)
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

  private func setMerge(
    from keys: borrowing OpenCLBuffer, _ order: borrowing OpenCLBuffer,
    to mergedKeys: borrowing OpenCLBuffer, _ mergedOrder: borrowing OpenCLBuffer
  ) throws(OpenCLError) {
    try sortMerge.set(0, keys)
    try sortMerge.set(1, mergedKeys)
    try sortMerge.set(2, order)
    try sortMerge.set(3, mergedOrder)
  }
}

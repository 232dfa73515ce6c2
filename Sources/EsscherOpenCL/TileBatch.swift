// SPDX-License-Identifier: Apache-2.0
// Which rows share a tile, and which tiles share memory.

package import EsscherCore

/// What all tiles of a call share.
struct TileRun: ~Copyable {
  let table: RewardTable
  let source: any RewardSource
  let plan: StatisticsPlan
  let blocks: DeviceBlocks
  let lambdas: OpenCLBuffer
  let flags: UInt32
}

/// Parts of the rows that fit the same two tiles one after another.
struct TileBatch {
  var parts: [Range<Int>]
  /// As large as the largest part, in every respect.
  var shape: TileShape
}

extension OpenCLBackend {
  /// Cuts rows into parts that fit a tile, and those into batches whose parts fit the same tile.
  ///
  /// One batch as a rule: it takes a very long row beside thousands of short ones, each near the limit of memory, that no
  /// tile is both long enough and has enough rows.
  ///
  /// - Throws: where a row does not fit a tile, before anything is computed.
  func batches(
    _ table: RewardTable, _ source: any RewardSource, _ rows: Range<Int>, _ plan: StatisticsPlan,
    _ blocks: DeviceBlocks
  ) throws(OpenCLError) -> [TileBatch] {
    var batches: [TileBatch] = []
    for part in split(table, source, rows, plan, blocks) {
      let cells = part.reduce(0) {
        $0 + DeviceLayout.padded(max(1, source.sampleCount(row: $1)))
      }
      let tail = plan.tail ? RowTail.count(sampleCount: source.longestSampleCount) : 0
      let shape = shape(
        table, plan, blocks, cells: cells, rows: part.count, tails: part.count * tail)
      guard shape.bytes <= tileLimit else {
        throw OpenCLError(
          call: "", status: 0,
          detail:
            "a tile needs \((shape.bytes >> 20) + 1) MiB with its results, and \(tileLimit >> 20) MiB are "
            + "allowed (a quarter of --memory-budget or of the device's memory)")
      }
      if let last = batches.last, case let grown = shape.grown(to: last.shape), fits(grown) {
        batches[batches.count - 1].shape = grown
        batches[batches.count - 1].parts.append(part)
      } else {
        batches.append(TileBatch(parts: [part], shape: shape))
      }
    }
    return batches
  }

  /// How many batches a table's rows make.
  package func batchCount(_ table: RewardTable, _ plan: StatisticsPlan) throws(EsscherError) -> Int
  {
    guard let source = table.rewardSource else { return 0 }
    let blocks = DeviceBlocks(
      table, source, plan, tuning: kernels.tuning, profile: session.profile)
    do throws(OpenCLError) {
      return try batches(table, source, 0..<source.rowCount, plan, blocks).count
    } catch { throw error.report(device: name) }
  }

  private func fits(_ shape: TileShape) -> Bool {
    shape.bytes <= tileLimit && shape.largestBuffer <= session.profile.largestBuffer
  }

  /// Cuts rows into tiles of about as many cells as suit the device that keep the limits of memory, a row at least.
  private func split(
    _ table: RewardTable, _ source: any RewardSource, _ rows: Range<Int>, _ plan: StatisticsPlan,
    _ blocks: DeviceBlocks
  ) -> [Range<Int>] {
    var parts: [Range<Int>] = []
    var start = rows.lowerBound
    var cells = 0
    let tail = plan.tail ? RowTail.count(sampleCount: source.longestSampleCount) : 0
    let most = kernels.tuning.cellsPerTile(sampleCount: source.longestSampleCount)
    for row in rows {
      let here = DeviceLayout.padded(max(1, source.sampleCount(row: row)))
      let count = row - start + 1
      let shape = shape(
        table, plan, blocks, cells: cells + here, rows: count, tails: count * tail)
      if row > start && !(cells + here <= most && count <= 1 << 14 && fits(shape)) {
        parts.append(start..<row)
        start = row
        cells = 0
      }
      cells += here
    }
    if start < rows.upperBound { parts.append(start..<rows.upperBound) }
    return parts
  }

  private func shape(
    _ table: RewardTable, _ plan: StatisticsPlan, _ blocks: DeviceBlocks, cells: Int, rows: Int,
    tails: Int
  ) -> TileShape {
    let isShort = table.rewardSource?.storage == .float32
    let usesRadix = kernels.tuning.usesRadix(
      samples: table.rewardSource?.longestSampleCount ?? 0, isShort: isShort)
    return TileShape(
      cells: cells, rows: rows, lambdas: plan.lambdaCount, ns: plan.selections.count,
      hasGold: table.gold != nil, hasWeights: table.logWeights != nil, isSorted: blocks.isSorted,
      hasShortKeys: blocks.isSorted && isShort, isOrdered: blocks.isOrdered,
      isNear: blocks.isNear, radixTile: blocks.isSorted && usesRadix ? kernels.tuning.sortBlock : 0,
      isCopied: isCopied, sendsFloats: isShort && (isCopied || blocks.isNear),
      sendsGoldFloats: isCopied && table.gold?.storage == .float32, tailCells: tails)
  }

  /// Makes the two tiles large enough, where the ones at hand are not.
  func prepareTiles(_ needed: TileShape) throws(OpenCLError) {
    var shape = needed
    if let tile = tiles.first {
      // Rounds of few lambdas and of many follow one another: their tiles grow and stay.
      let grown = shape.grown(to: tile.shape)
      if grown == tile.shape { return }
      if fits(grown) { shape = grown }
    }
    tiles = []
    // On a processor kernels would take turns with those of the other tile and both end late: there they wait for it.
    let first = try session.queue()
    let second = worksBesideHost ? try session.queue() : first
    tiles = [
      try TileMemory(shape, on: session, queue: first),
      try TileMemory(shape, on: session, queue: second),
    ]
  }
}

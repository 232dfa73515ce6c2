// SPDX-License-Identifier: Apache-2.0
// BestOfN on a device: sorted rows times order-statistic weights.

internal import EsscherCore

/// Order-statistic weights on the device, for as many sample counts as fit.
final class WeightTables {
  /// Sample counts whose weights are there, by class.
  private(set) var sampleCounts: [Int]
  let entries: OpenCLBuffer
  let offsets: OpenCLBuffer
  let keptCounts: OpenCLBuffer

  /// Bytes of one sample count's weights.
  static func bytes(sampleCount: Int, laws: [SelectionLaw]) -> Int {
    laws.reduce(0) { sum, law in
      guard law.n > 1, law.n <= sampleCount else { return sum }
      let kept = OrderStatisticWeights.keptCount(sampleCount: sampleCount, selection: law)
      return sum + 16 * DeviceLayout.padded(kept)
    }
  }

  init(
    sampleCounts: [Int], cache: OrderStatisticCache, on queue: OpenCLQueue
  ) throws(OpenCLError) {
    var table: [Double] = []
    var starts: [UInt64] = []
    var kept: [UInt32] = []
    for sampleCount in sampleCounts {
      cache.forEach(sampleCount: sampleCount) { _, weights in
        // Best of 1 is the mean, whose gain is exactly 0.
        let count = weights.n > 1 ? weights.unbiased.count : 0
        let padding = [Double](repeating: 0, count: DeviceLayout.padded(count) - count)
        starts.append(UInt64(table.count))
        kept.append(UInt32(count))
        guard count > 0 else { return }
        table += weights.unbiased + padding + weights.replacement + padding
      }
    }
    self.sampleCounts = sampleCounts
    entries = try queue.session.buffer(8 * table.count, "order-statistic weights")
    offsets = try queue.session.buffer(8 * starts.count, "offsets of order-statistic weights")
    keptCounts = try queue.session.buffer(4 * kept.count, "lengths of order-statistic weights")
    try queue.write(table, to: entries)
    try queue.write(starts, to: offsets)
    try queue.write(kept, to: keptCounts)
  }
}

extension DeviceKernels {
  /// Enqueues best-of-n of rows `first ..< first + count` of a tile, whose classes the tables hold.
  func bestOf(
    _ tile: TileMemory, first: Int, count: Int, tables: WeightTables, ns: Int, flags: UInt32,
    on queue: OpenCLQueue
  ) throws(OpenCLError) {
    try bestOfN.set(0, tile.rewards)
    try bestOfN.set(1, tile.sortedGolds)
    try bestOfN.set(2, tile.deviceOffsets)
    try bestOfN.set(3, tile.deviceCounts)
    try bestOfN.set(4, tile.summaries)
    try bestOfN.set(5, tables.entries)
    try bestOfN.set(6, tables.offsets)
    try bestOfN.set(7, tables.keptCounts)
    try bestOfN.set(8, tile.classes)
    try bestOfN.set(9, tile.bestOf)
    try bestOfN.set(10, uint: UInt32(first))
    try bestOfN.set(11, uint: UInt32(ns))
    try bestOfN.set(12, uint: flags)
    try queue.launch(bestOfN, groups: (count, ns), lanes: tuning.lanes)
  }
}

extension OpenCLBackend {
  /// Bytes of order-statistic weights on the device at once.
  private static let orderStatisticLimit = 256 << 20

  /// Runs of a tile's rows whose weights fit the device together, and each row's class in its run.
  ///
  /// A row too short for one of the laws has no class; the pipeline refuses it by name.
  func bestOfGroups(
    _ tile: TileMemory, _ plan: StatisticsPlan
  ) -> (groups: [(rows: Range<Int>, sampleCounts: [Int])], classes: [UInt32]) {
    let limit = min(Self.orderStatisticLimit, memoryBudgetBytes / 8, session.profile.largestBuffer)
    let fewest = plan.fewestSamples
    var groups: [(rows: Range<Int>, sampleCounts: [Int])] = []
    var classes: [UInt32] = []
    var wanted: [Int] = []
    var known: [Int: UInt32] = [:]
    var bytes = 0
    var start = 0
    for (row, stored) in tile.counts.enumerated() {
      let count = Int(stored)
      if count >= fewest, known[count] == nil {
        let size = WeightTables.bytes(sampleCount: count, laws: plan.selections)
        if bytes + size > limit && !wanted.isEmpty {
          groups.append((start..<row, wanted))
          (start, wanted, known, bytes) = (row, [], [:], 0)
        }
        bytes += size
        known[count] = UInt32(wanted.count)
        wanted.append(count)
      }
      classes.append(count >= fewest ? known[count] ?? .max : .max)
    }
    if !wanted.isEmpty { groups.append((start..<tile.counts.count, wanted)) }
    return (groups, classes)
  }

  /// Launches best-of-n for each run of rows.
  func enqueueBestOf(
    _ tile: TileMemory, _ laws: [SelectionLaw], _ flags: UInt32
  ) throws(OpenCLError) {
    let cache = cacheBox.cache(grid: laws, byteLimit: memoryBudgetBytes / 4)
    for group in tile.groups {
      if tables?.laws != laws || tables?.tables.sampleCounts != group.sampleCounts {
        tables = nil
        tables = (
          laws,
          try WeightTables(sampleCounts: group.sampleCounts, cache: cache, on: queue)
        )
      }
      if let tables {
        try kernels.bestOf(
          tile, first: group.rows.lowerBound, count: group.rows.count, tables: tables.tables,
          ns: laws.count, flags: flags, on: tile.queue)
      }
    }
  }
}

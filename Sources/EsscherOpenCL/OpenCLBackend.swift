// SPDX-License-Identifier: Apache-2.0
// The OpenCL backend: tiles of rows through the kernels, two of them in flight.

public import EsscherCore
internal import Synchronization

/// Evaluates statistics on an OpenCL device.
///
/// Arithmetic is double precision throughout, with one set of operations for every compiler, so the
/// same build gives the same bits on every device that follows IEEE 754.
public final class OpenCLBackend: Backend, @unchecked Sendable {
  // Unchecked: each lock admits one caller at a time, `lock` to rows, with the tiles, the tables and every kernel but
  // one, and `bootstrapLock` to replicates, with that one kernel and a queue.
  private let lock = Mutex(())
  private let bootstrapLock = Mutex(())
  let session: OpenCLSession
  /// Copies that are waited for: lambdas, weights, tie groups beyond those expected.
  private let queue: OpenCLQueue
  private let bootstrapQueue: OpenCLQueue
  let kernels: DeviceKernels
  private let memoryBudgetBytes: Int
  private let cacheBox = OrderStatisticCacheBox()
  private var tables: (laws: [SelectionLaw], tables: WeightTables)?
  private var tiles: [TileMemory] = []

  /// Name for reports: the device and how it is driven.
  public let name: String
  /// Version of the driver.
  public let driver: String?
  /// Compute units.
  public let threads: Int

  /// Opens a device and builds the kernels for it.
  ///
  /// - Parameters:
  ///   - tuning: how to build and launch; nil for the device's kind.
  ///   - libraryIndex: 0 for the loader, 1 for a driver that is asked directly.
  ///   - label: the device's name in messages.
  /// - Throws: `.deviceUnavailable` with the driver's words and what to do.
  public init(
    platform: Int, device: Int, memoryBudgetBytes: Int = 2 << 30, tuning: LaunchTuning? = nil,
    libraryIndex: Int = 0, label: String? = nil
  ) throws(EsscherError) {
    let (library, reason) = OpenCLLibrary.load(libraryIndex)
    guard let library else {
      throw EsscherError(
        .deviceUnavailable,
        "no OpenCL library was found (\(reason)); install a driver and its loader, for example "
          + "ocl-icd-libopencl1, or use --device cpu")
    }
    do throws(OpenCLError) {
      session = try OpenCLSession.open(
        library, platform: platform, device: device)
      kernels = try DeviceKernels(
        tuning ?? .kind(isGPU: session.profile.isGPU), on: session)
      queue = try session.queue()
      bootstrapQueue = try session.queue()
    } catch {
      throw error.report(device: label ?? "opencl:\(platform).\(device)")
    }
    self.memoryBudgetBytes = memoryBudgetBytes
    name = "\(session.profile.name), OpenCL, \(session.profile.platformName)"
    driver = session.profile.driver
    threads = max(1, session.profile.computeUnits)
  }

  deinit { settle() }

  /// Waits for what is under way: staging memory must outlive the copies from it.
  private func settle() {
    for tile in tiles {
      do throws(OpenCLError) { try tile.queue.finish() } catch {}
    }
  }

  /// GPUs work beside the processor.
  public var worksBesideHost: Bool { kernels.tuning.worksBesideHost }

  /// Bytes of order-statistic weights on the device at once.
  private static let tableLimit = 256 << 20

  /// Bytes that one of the two tiles may take.
  private var tileLimit: Int {
    min(memoryBudgetBytes / 4, session.profile.globalMemory / 4)
  }

  /// Rows of a few tiles, so that copies of one run beside the kernels of another.
  public func rowsPerTile(
    for table: RewardTable, plan: StatisticsPlan
  ) throws(EsscherError) -> Int {
    guard let source = table.rewardSource else {
      throw EsscherError(.internal, "counts are evaluated on the processor")
    }
    let cells = DeviceLayout.padded(max(1, source.longestSampleCount))
    // Beside the host there is a table of the next rows while the last one is read.
    let share = worksBesideHost ? 16 : 8
    let rows = memoryBudgetBytes / share / max(1, StatisticsTable.bytesPerRow(plan))
    return max(1, min(rows, max(4, kernels.tuning.cellsPerCall / cells), 1 << 16))
  }

  /// Rows are copied to memory of the device's own.
  private var isCopied: Bool { worksBesideHost || !session.profile.sharesMemory }

  /// Evaluates a plan on some rows.
  public func reduce(
    _ table: RewardTable, rows: Range<Int>, plan: StatisticsPlan
  ) throws(EsscherError) -> StatisticsTable {
    guard let source = table.rewardSource else {
      throw EsscherError(.internal, "counts are evaluated on the processor")
    }
    var result = StatisticsTable(rows: rows, plan: plan)
    result.methods = TiltMethods()
    var failure: EsscherError?
    lock.withLock { _ in
      do throws(EsscherError) {
        try run(table, source, rows, plan, into: &result)
      } catch {
        failure = error
        settle()
      }
    }
    if let failure { throw failure }
    return result
  }

  /// Adds prompts to a bootstrap.
  public func accumulate(
    _ bootstrap: inout PoissonBootstrap, indices: [Int], values: [Double]
  ) throws(EsscherError) {
    var failure: EsscherError?
    bootstrapLock.withLock { _ in
      do throws(OpenCLError) {
        try kernels.accumulate(
          &bootstrap, indices: indices, values: values, on: bootstrapQueue)
      } catch { failure = error.report(device: name) }
    }
    if let failure { throw failure }
  }

  // MARK: Tiles

  private func run(
    _ table: RewardTable, _ source: any RewardSource, _ rows: Range<Int>, _ plan: StatisticsPlan,
    into result: inout StatisticsTable
  ) throws(EsscherError) {
    let blocks = DeviceBlocks(table, source, plan, tuning: kernels.tuning, profile: session.profile)
    let parts = split(table, source, rows, plan, blocks)
    let flags = Self.flags(table, plan) | blocks.flags
    do throws(OpenCLError) {
      try prepareTiles(table, source, parts, plan, blocks)
    } catch { throw error.report(device: name) }
    let lambdas = try upload(plan.rowLambdas?.values ?? plan.lambdas)
    // A tile is loaded and copied while the one before it is computed, and computed while that is collected.
    var pending: TileMemory?
    for (index, part) in parts.enumerated() {
      let tile = tiles[index % 2]
      try tile.load(part, table: table, source: source, missing: plan.missing)
      let (groups, classes) = bestOfGroups(tile, plan)
      tile.groups = plan.selections.isEmpty ? [] : groups
      do throws(OpenCLError) {
        try tile.upload(classes: classes, withTails: plan.tail)
        try enqueue(tile, plan, blocks, lambdas, flags)
      } catch { throw error.report(device: name) }
      if let before = pending { try collect(before, table, plan, flags, into: &result) }
      pending = tile
    }
    if let last = pending { try collect(last, table, plan, flags, into: &result) }
  }

  private func upload(_ lambdas: [Double]) throws(EsscherError) -> OpenCLBuffer {
    do throws(OpenCLError) {
      let buffer = try session.buffer(8 * lambdas.count, "lambdas")
      try queue.write(lambdas, to: buffer)
      return buffer
    } catch { throw error.report(device: name) }
  }

  private static func flags(_ table: RewardTable, _ plan: StatisticsPlan) -> UInt32 {
    (plan.sorted ? DeviceLayout.hasRank : 0) | (plan.squared ? DeviceLayout.hasSquares : 0)
      | (table.gold != nil ? DeviceLayout.hasGold : 0)
      | (table.logWeights != nil ? DeviceLayout.hasWeights : 0)
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
      let fits =
        cells + here <= most && count <= 1 << 14 && shape.bytes <= tileLimit
        && shape.largestBuffer <= session.profile.largestBuffer
      if row > start && !fits {
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

  /// Makes the two tiles as large as the largest part, where the ones at hand are not.
  private func prepareTiles(
    _ table: RewardTable, _ source: any RewardSource, _ parts: [Range<Int>],
    _ plan: StatisticsPlan, _ blocks: DeviceBlocks
  ) throws(OpenCLError) {
    var cells = 8
    var rows = 1
    var tails = 0
    for part in parts {
      if plan.tail {
        let longest = source.longestSampleCount
        tails = max(tails, part.count * RowTail.count(sampleCount: longest))
      }
      rows = max(rows, part.count)
      cells = max(
        cells,
        part.reduce(0) { $0 + DeviceLayout.padded(max(1, source.sampleCount(row: $1))) })
    }
    var shape = shape(table, plan, blocks, cells: cells, rows: rows, tails: tails)
    if let tile = tiles.first {
      // Rounds of few lambdas and of many follow one another: their tiles grow and stay.
      let grown = shape.grown(to: tile.shape)
      if grown == tile.shape { return }
      if grown.bytes <= tileLimit && grown.largestBuffer <= session.profile.largestBuffer {
        shape = grown
      }
    }
    guard shape.bytes <= tileLimit else {
      throw OpenCLError(
        call: "", status: 0,
        detail:
          "a tile needs \(shape.bytes >> 20) MiB with its results, and \(tileLimit >> 20) MiB are "
          + "allowed (a quarter of --memory-budget or of the device's memory)")
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

  private func enqueue(
    _ tile: TileMemory, _ plan: StatisticsPlan, _ blocks: DeviceBlocks,
    _ lambdas: borrowing OpenCLBuffer, _ flags: UInt32
  ) throws(OpenCLError) {
    let longest = Int(tile.counts.max() ?? 0)
    if !blocks.isNear { try kernels.widen(tile, on: tile.queue) }
    if blocks.isSorted { try kernels.sort(tile, flags: flags, longest: longest, on: tile.queue) }
    if !blocks.isNear { try kernels.summarise(tile, flags: flags, on: tile.queue) }
    if plan.sorted { try kernels.findTies(tile, flags: flags, on: tile.queue) }
    if plan.tail { try kernels.gatherTails(tile, on: tile.queue) }
    try kernels.sweep(
      tile, blocks, lambdas: DeviceLambdas(plan, firstRow: tile.rows.lowerBound), values: lambdas,
      flags: flags, on: tile.queue)
    if !plan.selections.isEmpty { try enqueueBestOf(tile, plan.selections, flags) }
    try DeviceRecords.enqueue(tile, plan)
    try tile.queue.flush()
  }

  /// Runs of a tile's rows whose weights fit the device together, and each row's class in its run.
  ///
  /// A row too short for one of the laws has no class; the pipeline refuses it by name.
  private func bestOfGroups(
    _ tile: TileMemory, _ plan: StatisticsPlan
  ) -> (groups: [(rows: Range<Int>, sampleCounts: [Int])], classes: [UInt32]) {
    let limit = min(Self.tableLimit, memoryBudgetBytes / 8, session.profile.largestBuffer)
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
  private func enqueueBestOf(
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

  // MARK: Results

  private func collect(
    _ tile: TileMemory, _ table: RewardTable, _ plan: StatisticsPlan, _ flags: UInt32,
    into result: inout StatisticsTable
  ) throws(EsscherError) {
    let records: DeviceRecords
    do throws(OpenCLError) {
      records = try DeviceRecords(tile, plan, on: queue)
    } catch { throw error.report(device: name) }
    let cache = cacheBox.cache(grid: plan.selections, byteLimit: memoryBudgetBytes / 4)
    let isWeighted = table.logWeights != nil
    for offset in tile.rows.indices.map({ $0 - tile.rows.lowerBound }) {
      let slot = tile.rows.lowerBound + offset - result.rows.lowerBound
      let count = Int(tile.counts[offset])
      let record = records.summary(offset)
      if count > 0 {
        try RowSummary.checkRange(
          lowest: record[record.startIndex], highest: record[record.startIndex + 1],
          row: tile.rows.lowerBound + offset, table: table)
      }
      var summary = RowSummary(
        record, count: count, dropped: tile.dropped[offset], isWeighted: isWeighted,
        hasGold: table.gold != nil)
      let ties = records.ties[offset] ?? []
      summary.tiedCount = ties.reduce(0) { $0 + $1.count }
      result.summaries[slot] = summary
      guard count > 0 else { continue }
      result.tails[slot] = records.tail(offset)
      if !summary.isConstant {
        result.methods? += records.methods(offset, group: kernels.tuning.lambdasPerBlock)
      }
      let tilt = DeviceTilt(
        summary: summary,
        squaredMass: isWeighted ? record[record.startIndex + 8] : 1 / Double(count),
        isWeighted: isWeighted, isSquared: plan.squared)
      tilt.write(
        lambdas: plan.lambdas(row: tile.rows.lowerBound + offset), records: records.tilt(offset),
        moments: records.moment(offset), to: &result.tilts, at: slot * plan.lambdaCount)
      guard !plan.selections.isEmpty, plan.fewestSamples <= count else { continue }
      let gains = records.best(offset)
      cache.forEach(sampleCount: count) { index, weights in
        var best = BestOfNSums(weights: weights, summary: summary, ties: ties)
        if weights.n > 1 {
          let base = gains.startIndex + index * DeviceLayout.bestOfFields
          if !summary.isConstant {
            best.gain = max(0, gains[base])
            best.replacementGain = max(0, gains[base + 1])
          }
          if table.gold != nil { best.gold += gains[base + 2] }
        }
        result.bestOf[slot * plan.selections.count + index] = best
      }
    }
  }
}

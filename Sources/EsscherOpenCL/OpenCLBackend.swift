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
  let queue: OpenCLQueue
  private let bootstrapQueue: OpenCLQueue
  let kernels: DeviceKernels
  let memoryBudgetBytes: Int
  let cacheBox = OrderStatisticCacheBox()
  var tables: (laws: [SelectionLaw], tables: WeightTables)?
  var tiles: [TileMemory] = []
  /// The rows asked for last had missing cells, so the next ones are looked at before the device has them.
  private var hasMissing = false

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

  /// Waits for what is under way: what kernels and copies read must outlive them.
  private func settle() {
    for tile in tiles {
      do throws(OpenCLError) { try tile.queue.finish() } catch {}
      tile.letGo()
    }
  }

  /// GPUs work beside the processor.
  public var worksBesideHost: Bool { kernels.tuning.worksBesideHost }

  /// Bytes that one of the two tiles may take.
  var tileLimit: Int {
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
  var isCopied: Bool { worksBesideHost || !session.profile.sharesMemory }

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
    let run = TileRun(
      table: table, source: source, plan: plan, blocks: blocks,
      lambdas: try upload(plan.rowLambdas?.values ?? plan.lambdas),
      flags: Self.flags(table, plan) | blocks.flags)
    let batches: [TileBatch]
    do throws(OpenCLError) {
      batches = try self.batches(table, source, rows, plan, blocks)
    } catch { throw error.report(device: name) }
    for batch in batches {
      do throws(OpenCLError) {
        try prepareTiles(batch.shape)
      } catch { throw error.report(device: name) }
      // A tile is loaded and copied while the one before it is computed, and computed while that is collected.
      var pending: TileMemory?
      for (index, part) in batch.parts.enumerated() {
        let tile = tiles[index % 2]
        do throws(EsscherError) {
          try start(tile, part, run)
        } catch {
          // Of two rows that are wrong the first is named, and nobody may have looked at the tile before this one yet.
          if let before = pending { try finish(before, run, into: &result) }
          throw error
        }
        if let before = pending { try finish(before, run, into: &result) }
        pending = tile
      }
      if let last = pending { try finish(last, run, into: &result) }
    }
    hasMissing = result.summaries.contains { $0.droppedCount > 0 }
  }

  /// Loads rows and queues their copies, kernels and results.
  private func start(
    _ tile: TileMemory, _ rows: Range<Int>, _ run: borrowing TileRun
  ) throws(EsscherError) {
    let plan = run.plan
    // Kernels that put rows near find missing cells themselves, at the price of doing such a tile twice.
    try tile.load(
      rows, table: run.table, source: run.source, missing: plan.missing,
      looks: !run.blocks.isNear || hasMissing)
    let (groups, classes) = bestOfGroups(tile, plan)
    tile.groups = plan.selections.isEmpty ? [] : groups
    do throws(OpenCLError) {
      try tile.upload(classes: classes, withTails: plan.tail)
      try enqueue(tile, run)
    } catch { throw error.report(device: name) }
  }

  /// Waits for a tile's results and makes the table's rows of them.
  private func finish(
    _ tile: TileMemory, _ run: borrowing TileRun, into result: inout StatisticsTable
  ) throws(EsscherError) {
    var records = try self.records(tile, run.plan)
    if tile.isUnseen && !records.areFinite {
      hasMissing = true
      try start(tile, tile.rows, run)
      records = try self.records(tile, run.plan)
    }
    tile.letGo()
    try collect(tile, records, run, into: &result)
  }

  private func records(
    _ tile: TileMemory, _ plan: StatisticsPlan
  ) throws(EsscherError) -> DeviceRecords {
    do throws(OpenCLError) {
      return try DeviceRecords(tile, plan, on: queue)
    } catch { throw error.report(device: name) }
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

  private func enqueue(_ tile: TileMemory, _ run: borrowing TileRun) throws(OpenCLError) {
    let (plan, blocks, flags) = (run.plan, run.blocks, run.flags)
    let longest = Int(tile.counts.max() ?? 0)
    if !blocks.isNear { try kernels.widen(tile, on: tile.queue) }
    if blocks.isSorted { try kernels.sort(tile, flags: flags, longest: longest, on: tile.queue) }
    if !blocks.isNear { try kernels.summarise(tile, flags: flags, on: tile.queue) }
    if plan.sorted { try kernels.findTies(tile, flags: flags, on: tile.queue) }
    if plan.tail { try kernels.gatherTails(tile, on: tile.queue) }
    try kernels.sweep(
      tile, blocks, lambdas: DeviceLambdas(plan, firstRow: tile.rows.lowerBound),
      values: run.lambdas,
      flags: flags, on: tile.queue)
    if !plan.selections.isEmpty { try enqueueBestOf(tile, plan.selections, flags) }
    try DeviceRecords.enqueue(tile, plan)
    try tile.queue.flush()
  }

  // MARK: Results

  private func collect(
    _ tile: TileMemory, _ records: DeviceRecords, _ run: borrowing TileRun,
    into result: inout StatisticsTable
  ) throws(EsscherError) {
    let (table, plan) = (run.table, run.plan)
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

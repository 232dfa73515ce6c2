// SPDX-License-Identifier: Apache-2.0
// Blocks of neighbouring samples on a device: whether a plan's tilts are summed over them, how the rows are
// ordered for that, and the launch.

package import EsscherCore

/// What a run's rows go through for the blocks of their tilts; the same for every tile, so that tiles do not
/// show in the numbers.
struct DeviceBlocks: Equatable {
  /// Most blocks of a width; 0 where no row has any.
  let capacity: Int
  /// Payloads that have sums: rewards, ranks and gold.
  let sets: Int
  /// Rows are sorted: the plan asks for it, or a GPU's blocks do.
  let isSorted: Bool
  /// Rows are put in the order of their blocks, by one work-item a row.
  let isOrdered: Bool

  /// Rows come as the floats that they are stored as, and each is summarised and put in order in local memory: it is
  /// read from memory once.
  let isNear: Bool
  /// Samples of the longest row, in whole vectors.
  fileprivate let longest: Int

  /// Samples and lambdas below which no row has blocks; the constants of Kernels/tilt_blocks.cl.
  private static let fewestSamples = 512
  private static let fewestLambdas = 4
  /// Lambdas from which on a GPU sorts rows for their blocks alone: an exponential of a sample takes about 30
  /// operations, a sort about 300 a sample.
  private static let lambdasForSorting = 16
  private static let largestCapacity = 48

  init(
    _ table: RewardTable, _ source: any RewardSource, _ plan: StatisticsPlan, tuning: LaunchTuning,
    profile: DeviceProfile
  ) {
    let longest = source.longestSampleCount
    let capacity = Self.capacity(sampleCount: longest)
    sets = plan.sorted ? (table.gold != nil ? 3 : 2) : 1
    let canServe =
      table.logWeights == nil && longest >= Self.fewestSamples
      && plan.lambdaCount >= Self.fewestLambdas
      && Self.localBytes(capacity: capacity, sets: sets, lanes: tuning.lanes) <= profile.localMemory
    let sortsForBlocks = tuning.sortBlock > 0 && plan.lambdaCount >= Self.lambdasForSorting
    isSorted = plan.sorted || canServe && sortsForBlocks
    isOrdered = canServe && !isSorted && tuning.sortBlock == 0
    self.capacity = isSorted || isOrdered ? (canServe ? capacity : 0) : 0
    self.longest = DeviceLayout.padded(longest)
    let local =
      Self.localBytes(capacity: capacity, sets: sets, lanes: tuning.lanes)
      + Self.nearBytes * self.longest
    isNear =
      isOrdered && tuning.keepsRowsNear && table.gold == nil && source.storage == .float32
      && profile.keepsSmallFloats && local + Self.spareBytes <= profile.localMemory
  }

  /// Bytes of a sample in local memory: itself, in order, and its bin.
  private static let nearBytes = 4 + 2
  /// What a driver may lose between the five arrays of the kernel, at 128 bytes each and more.
  private static let spareBytes = 1024

  /// Flags of the kernels.
  var flags: UInt32 {
    (isSorted ? DeviceLayout.isSorted : 0) | (capacity > 0 ? DeviceLayout.hasBlocks : 0)
  }

  /// Bytes of the moments of a work-group's blocks.
  var momentBytes: Int { max(8, Self.momentBytes(capacity: capacity, sets: sets)) }

  /// Blocks that the cut of a row needs: 30 + 1.5·ln 2·(bits of M), over 1½.
  static func capacity(sampleCount: Int) -> Int {
    let bits = Int.bitWidth - sampleCount.leadingZeroBitCount
    let cut = 30 + 1.5 * 0.693147180559945309 * Double(bits)
    return min(largestCapacity, (Int(cut / 1.5) + 16) / 16 * 16)
  }

  private static func momentBytes(capacity: Int, sets: Int) -> Int {
    8 * 18 * capacity * sets
  }

  /// With what the kernel declares itself: ends of bins, in four tables where one lane has a row, and eight sums a lane.
  private static func localBytes(capacity: Int, sets: Int, lanes: Int) -> Int {
    momentBytes(capacity: capacity, sets: sets) + 4 * 457 * (lanes > 1 ? 1 : 4) + 64 * lanes
  }
}

/// The kernel over rows in local memory.
final class NearBlocks {
  private let kernel: OpenCLKernel

  init(
    _ program: borrowing OpenCLProgram, on session: OpenCLSession
  ) throws(OpenCLError) {
    kernel = try program.kernel("tilt_blocks_near", on: session)
  }

  /// Enqueues the summaries of a tile's rows, the division of each row's lambdas, and the sums over blocks.
  func launch(
    _ tile: TileMemory, _ blocks: DeviceBlocks, lambdas: DeviceLambdas,
    values: borrowing OpenCLBuffer, flags: UInt32, on queue: OpenCLQueue
  ) throws(OpenCLError) {
    guard tile.counts.allSatisfy({ $0 <= blocks.longest }) else {
      throw OpenCLError(
        call: "", status: 0, detail: "a prompt has more samples than its source said")
    }
    if let held = tile.held {
      try kernel.set(0, held.buffer)
    } else {
      try kernel.set(0, tile.sent)
    }
    try kernel.set(1, tile.rewards)
    try kernel.set(2, tile.deviceOffsets)
    try kernel.set(3, tile.deviceCounts)
    try kernel.set(4, tile.summaries)
    try kernel.set(5, values)
    try kernel.set(6, tile.plans)
    try kernel.set(7, tile.reaches)
    try kernel.set(8, tile.sums)
    try kernel.set(9, tile.ordered)
    try kernel.set(10, tile.moments)
    try kernel.set(11, localBytes: 4 * blocks.longest)
    try kernel.set(12, localBytes: 2 * blocks.longest)
    try kernel.set(13, localBytes: blocks.momentBytes)
    try kernel.set(14, uint: UInt32(lambdas.count))
    try kernel.set(15, ulong: lambdas.first)
    try kernel.set(16, uint: lambdas.stride)
    try kernel.set(17, uint: UInt32(blocks.capacity))
    try kernel.set(18, uint: flags)
    try queue.launch(kernel, groups: (tile.rows.count, 1), lanes: 1)
  }
}

extension DeviceKernels {
  /// Enqueues the division of each row's lambdas, and the sums over blocks.
  func planTilt(
    _ tile: TileMemory, _ blocks: DeviceBlocks, lambdas: DeviceLambdas,
    values: borrowing OpenCLBuffer, flags: UInt32, on queue: OpenCLQueue
  ) throws(OpenCLError) {
    if blocks.isNear, let nearBlocks {
      try nearBlocks.launch(tile, blocks, lambdas: lambdas, values: values, flags: flags, on: queue)
      return
    }
    try tiltBlocks.set(0, tile.rewards)
    try tiltBlocks.set(1, tile.rank)
    if tile.shape.isSorted {
      try tiltBlocks.set(2, tile.sortedGolds)
    } else {
      try tiltBlocks.set(2, tile.golds)
    }
    try tiltBlocks.set(3, tile.deviceOffsets)
    try tiltBlocks.set(4, tile.deviceCounts)
    try tiltBlocks.set(5, tile.summaries)
    try tiltBlocks.set(6, values)
    try tiltBlocks.set(7, tile.plans)
    try tiltBlocks.set(8, tile.reaches)
    try tiltBlocks.set(9, tile.sums)
    try tiltBlocks.set(10, tile.ordered)
    try tiltBlocks.set(11, tile.places)
    try tiltBlocks.set(12, tile.moments)
    try tiltBlocks.set(13, localBytes: blocks.momentBytes)
    try tiltBlocks.set(14, uint: UInt32(lambdas.count))
    try tiltBlocks.set(15, ulong: lambdas.first)
    try tiltBlocks.set(16, uint: lambdas.stride)
    try tiltBlocks.set(17, uint: UInt32(blocks.capacity))
    try tiltBlocks.set(18, uint: flags)
    try queue.launch(tiltBlocks, groups: (tile.rows.count, 1), lanes: tuning.lanes)
  }
}

extension OpenCLBackend {
  /// Whether a plan's rows are put in order in local memory.
  package func putsRowsNear(_ table: RewardTable, _ plan: StatisticsPlan) -> Bool {
    guard let source = table.rewardSource else { return false }
    return DeviceBlocks(
      table, source, plan, tuning: kernels.tuning, profile: session.profile
    ).isNear
  }

  /// Bytes of local memory of a work-group.
  package var localMemory: Int { session.profile.localMemory }
}

// SPDX-License-Identifier: Apache-2.0
// One of the two tiles in flight: what the host fills and what the device keeps of it.

internal import EsscherCore

/// Sizes that a tile is made for.
struct TileShape: Equatable {
  /// Samples, each row padded to eight.
  var cells: Int
  var rows: Int
  var lambdas: Int
  var ns: Int
  var hasGold: Bool
  var hasWeights: Bool
  var isSorted: Bool
  /// Rewards are floats, whose sort keys carry the position.
  var hasShortKeys: Bool
  /// Rows that are not sorted are put in the order of their blocks.
  var isOrdered: Bool
  /// That is done in local memory, from floats.
  var isNear: Bool
  /// Samples of a tile of the radix sort; 0 where rows are sorted otherwise.
  var radixTile: Int
  /// Rewards go to memory of the device's own, also where it could work on the host's, and results come back from it.
  var isCopied: Bool
  /// Rewards, and gold, cross to the device as the floats that they are stored as.
  var sendsFloats: Bool
  var sendsGoldFloats: Bool
  /// Rewards of all rows' tails.
  var tailCells: Int

  /// As large as another shape too, where that is larger.
  func grown(to other: TileShape) -> TileShape {
    var grown = self
    grown.cells = max(cells, other.cells)
    grown.rows = max(rows, other.rows)
    grown.lambdas = max(lambdas, other.lambdas)
    grown.ns = max(ns, other.ns)
    grown.tailCells = max(tailCells, other.tailCells)
    return grown
  }

  /// Bytes on the device, and of results on the host.
  var bytes: Int {
    var cell = 8
    if isSorted { cell += 8 + 8 + (hasShortKeys ? 0 : 4 + 4) + 8 + 6 }
    if isOrdered { cell += isNear ? 8 : 8 + 2 }
    if hasGold { cell += isSorted ? 24 : 8 }
    if hasWeights { cell += isSorted ? 24 : 8 }
    // Sorted rows have other buffers that floats may lie in until they are wide.
    if !isSorted { cell += (sendsFloats ? 4 : 0) + (sendsGoldFloats ? 4 : 0) }
    let results = rows * bytesPerRow + (hasGold ? 16 : 8) * tailCells
    return cells * cell + results * (isCopied ? 2 : 1) + tallyBytes + totalBytes
  }

  private var bytesPerRow: Int {
    8 * (DeviceLayout.summaryStride + DeviceLayout.momentStride)
      + 8 * (lambdas * DeviceLayout.tiltFields + ns * DeviceLayout.bestOfFields) + 4 * lambdas
      + 4 * DeviceLayout.planStride + 16 + 128
  }

  /// Bytes of the counts of the radix sort's tiles: a row has one more than its share of all cells.
  var tallyBytes: Int {
    radixTile > 0 ? 4 * DeviceLayout.radixBins * (cells / radixTile + rows) : 0
  }

  /// Bytes of the rows' counts.
  var totalBytes: Int { radixTile > 0 ? 4 * DeviceLayout.radixBins * rows : 0 }

  /// Bytes of the largest of its buffers.
  var largestBuffer: Int {
    max(
      8 * prefixCells, 12 * tieCapacity, 8 * rows * DeviceLayout.momentStride,
      8 * rows * lambdas * DeviceLayout.tiltFields, 8 * rows * ns * DeviceLayout.bestOfFields,
      8 * tailCells, tallyBytes)
  }

  /// Pairs that a tile's ties can fill: groups have two samples or more.
  var tieCapacity: Int { cells / 2 + 1 }

  /// Entries of a prefix buffer: one more than samples a row.
  var prefixCells: Int { cells + 8 * rows }
}

/// Fields of the kernels' records; the constants of Kernels/*.cl.
enum DeviceLayout {
  static let summaryStride = 10
  /// Σ (v − centre).
  static let summaryFirst = 3
  static let momentStride = 61
  static let tiltFields = 11
  static let planStride = 6
  static let bestOfFields = 3
  static let radixBins = 256
  static let hasRank: UInt32 = 1
  static let hasGold: UInt32 = 2
  static let hasWeights: UInt32 = 4
  static let isSorted: UInt32 = 8
  static let hasBlocks: UInt32 = 16
  static let hasShortKeys: UInt32 = 32
  static let hasSquares: UInt32 = 64

  static func padded(_ count: Int) -> Int { (count + 7) / 8 * 8 }
}

/// Staging memory and device buffers of one tile.
@safe
final class TileMemory {
  let shape: TileShape
  /// Carries the tile's copies and kernels: beside those of the other tile, or in turn with them.
  let queue: OpenCLQueue
  /// Results on their way to the host.
  var results: [OpenCLEvent] = []
  /// Tie groups that come back with the other results; more are asked for.
  static let expectedTies = 1 << 14
  // Host side
  let staged: StagedCells
  let stagedGold: StagedCells
  let weightMemory: HostMemory
  var offsets: [UInt64] = []
  var counts: [UInt32] = []
  var dropped: [Int] = []
  /// Runs of rows whose order-statistic weights are on the device together.
  var groups: [(rows: Range<Int>, sampleCounts: [Int])] = []
  /// Rows of the matrix that the tile holds.
  var rows = 0..<0
  /// Nobody has looked for missing cells among them yet.
  var isUnseen = false
  /// Where their source holds them, if they are not staged, and what the kernels read them by.
  var heldStart: UnsafePointer<Float>?
  var held: HeldRows?

  // Device side
  let deviceOffsets: OpenCLBuffer
  let deviceCounts: OpenCLBuffer
  /// Rewards as they came, where they came as floats; those of sorted rows come to the spare keys.
  let sent: OpenCLBuffer
  let rewards: OpenCLBuffer
  /// And gold; that of sorted rows comes to where the sorted one will be.
  let sentGold: OpenCLBuffer
  let golds: OpenCLBuffer
  let sortedGolds: OpenCLBuffer
  let weightBuffer: OpenCLBuffer
  let sortedWeights: OpenCLBuffer
  let keys: OpenCLBuffer
  let spareKeys: OpenCLBuffer
  let order: OpenCLBuffer
  let spareOrder: OpenCLBuffer
  let tallies: OpenCLBuffer
  let totals: OpenCLBuffer
  let rank: OpenCLBuffer
  let weightPrefix: OpenCLBuffer
  let goldPrefix: OpenCLBuffer
  let tieCount: OpenCLBuffer
  let ties: OpenCLBuffer
  let summaries: OpenCLBuffer
  let moments: OpenCLBuffer
  let plans: OpenCLBuffer
  let reaches: OpenCLBuffer
  let ordered: OpenCLBuffer
  /// And in which block each sample lies.
  let places: OpenCLBuffer
  let sums: OpenCLBuffer
  let bestOf: OpenCLBuffer
  let classes: OpenCLBuffer
  let tailOffsets: OpenCLBuffer
  let tails: OpenCLBuffer
  let goldTails: OpenCLBuffer

  /// - Parameter queue: carries the tile's copies and kernels.
  init(
    _ shape: TileShape, on session: OpenCLSession, queue: OpenCLQueue
  ) throws(OpenCLError) {
    self.queue = queue
    let isCopied = shape.isCopied
    // What host and device both write or read: small things there, results back.
    func exchanged(_ bytes: Int, _ what: String) throws(OpenCLError) -> OpenCLBuffer {
      try session.buffer(
        bytes, what, host: HostMemory(bytes: bytes, isCopied: isCopied, by: queue))
    }
    let cells = 8 * shape.cells
    let sorted = shape.isSorted ? cells : 0
    let ordered = shape.hasShortKeys ? 0 : sorted / 2
    let gold = shape.hasGold ? cells : 0
    let weight = shape.hasWeights ? cells : 0
    staged = StagedCells(
      cells: shape.cells, areFloats: shape.sendsFloats, isCopied: isCopied, by: queue)
    stagedGold = StagedCells(
      cells: gold / 8, areFloats: shape.sendsGoldFloats, isCopied: isCopied, by: queue)
    weightMemory = HostMemory(bytes: weight, isCopied: isCopied, by: queue)
    deviceOffsets = try exchanged(8 * shape.rows, "row offsets")
    deviceCounts = try exchanged(4 * shape.rows, "row counts")
    let narrow = shape.isSorted ? 0 : cells / 2
    sent = try session.buffer(
      shape.sendsFloats ? narrow : 0, "rewards as floats",
      host: shape.sendsFloats ? staged.memory : nil)
    rewards = try session.buffer(
      cells, "rewards", host: shape.sendsFloats ? nil : staged.memory)
    sentGold = try session.buffer(shape.sendsGoldFloats ? narrow : 0, "gold rewards as floats")
    golds = try session.buffer(
      gold, "gold rewards", host: shape.sendsGoldFloats ? nil : stagedGold.memory)
    sortedGolds = try session.buffer(shape.isSorted ? gold : 0, "sorted gold rewards")
    weightBuffer = try session.buffer(weight, "weights", host: weightMemory)
    sortedWeights = try session.buffer(shape.isSorted ? weight : 0, "sorted weights")
    keys = try session.buffer(sorted, "sort keys")
    spareKeys = try session.buffer(sorted, "spare sort keys")
    order = try session.buffer(ordered, "sort order")
    spareOrder = try session.buffer(ordered, "spare sort order")
    tallies = try session.buffer(shape.tallyBytes, "digits of the radix sort's tiles")
    totals = try session.buffer(shape.totalBytes, "digits of the rows")
    rank = try session.buffer(sorted, "ranks")
    weightPrefix = try session.buffer(
      shape.isSorted && shape.hasWeights ? 8 * shape.prefixCells : 0, "weight prefixes")
    goldPrefix = try session.buffer(
      shape.isSorted && shape.hasGold ? 8 * shape.prefixCells : 0, "gold prefixes")
    tieCount = try exchanged(4, "the number of tie groups")
    ties = try session.buffer(
      shape.isSorted ? 12 * shape.tieCapacity : 0, "tie groups",
      host: HostMemory(
        bytes: shape.isSorted ? 12 * min(shape.tieCapacity, Self.expectedTies) : 0,
        isCopied: isCopied, by: queue))
    summaries = try exchanged(8 * DeviceLayout.summaryStride * shape.rows, "row summaries")
    moments = try exchanged(8 * DeviceLayout.momentStride * shape.rows, "power moments")
    plans = try exchanged(4 * DeviceLayout.planStride * shape.rows, "tilt plans")
    reaches = try session.buffer(4 * shape.rows * shape.lambdas, "samples of each lambda")
    self.ordered = try session.buffer(shape.isOrdered ? cells : 0, "rewards in the order of blocks")
    places = try session.buffer(
      shape.isOrdered && !shape.isNear ? cells / 4 : 0, "blocks of the samples")
    sums = try exchanged(
      8 * DeviceLayout.tiltFields * shape.rows * shape.lambdas, "tilt sums")
    bestOf = try exchanged(
      8 * DeviceLayout.bestOfFields * shape.rows * shape.ns, "best-of-n sums")
    classes = try exchanged(4 * shape.rows, "row classes")
    tailOffsets = try exchanged(8 * (shape.rows + 1), "tail offsets")
    tails = try exchanged(8 * shape.tailCells, "tails")
    goldTails = try exchanged(shape.hasGold ? 8 * shape.tailCells : 0, "tails of gold")
    self.shape = shape
  }
}

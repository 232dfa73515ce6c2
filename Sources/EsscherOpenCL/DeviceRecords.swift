// SPDX-License-Identifier: Apache-2.0
// A tile's results as the kernels wrote them, read back and cut by row.

internal import EsscherCore

/// What a tile's kernels left behind, on the host; to be read before the tile is used again.
struct DeviceRecords {
  private let tile: TileMemory
  private let summaries: [Double]
  private let plans: [UInt32]
  private let lambdas: Int
  private let ns: Int
  private let tailStarts: [Int]
  /// Tie groups by row of the tile, the largest samples' first.
  private(set) var ties: [Int: [TieGroup]] = [:]

  /// Starts the copies of a tile's results to the host, behind its kernels.
  static func enqueue(_ tile: TileMemory, _ plan: StatisticsPlan) throws(OpenCLError) {
    let queue = tile.queue
    let rows = tile.rows.count
    let lambdas = plan.lambdaCount
    var events = [
      try queue.enqueueRead(8 * rows * DeviceLayout.summaryStride, of: tile.summaries),
      try queue.enqueueRead(8 * rows * lambdas * DeviceLayout.tiltFields, of: tile.sums),
      try queue.enqueueRead(
        8 * rows * plan.selections.count * DeviceLayout.bestOfFields, of: tile.bestOf),
    ]
    if lambdas > 0 {
      events.append(try queue.enqueueRead(8 * rows * DeviceLayout.momentStride, of: tile.moments))
      events.append(try queue.enqueueRead(4 * rows * DeviceLayout.planStride, of: tile.plans))
    }
    if plan.tail {
      let cells = tile.tailStarts.last ?? 0
      events.append(try queue.enqueueRead(8 * cells, of: tile.tails))
      if tile.shape.hasGold {
        events.append(try queue.enqueueRead(8 * cells, of: tile.goldTails))
      }
    }
    if plan.sorted {
      events.append(try queue.enqueueRead(4, of: tile.tieCount))
      let expected = min(tile.shape.tieCapacity, TileMemory.expectedTies)
      events.append(try queue.enqueueRead(12 * expected, of: tile.ties))
    }
    tile.results = events.compactMap(\.self)
  }

  /// Waits for a tile's results.
  ///
  /// - Parameter queue: reads tie groups that are more than expected; not the tile's own, in which others' kernels may
  ///   stand.
  init(
    _ tile: TileMemory, _ plan: StatisticsPlan, on queue: OpenCLQueue
  ) throws(OpenCLError) {
    for result in tile.results { try result.wait() }
    let rows = tile.rows.count
    self.tile = tile
    lambdas = plan.lambdaCount
    ns = plan.selections.count
    summaries = tile.summaries.values(rows * DeviceLayout.summaryStride, of: Double.self)
    plans = lambdas > 0 ? tile.plans.values(rows * DeviceLayout.planStride, of: UInt32.self) : []
    tailStarts = plan.tail ? tile.tailStarts : []
    guard plan.sorted else { return }
    let count = tile.tieCount.values(1, of: UInt32.self)[0]
    guard Int(count) <= tile.shape.tieCapacity else {
      throw OpenCLError(
        call: "", status: 0, detail: "the device counted more tie groups than there can be")
    }
    let triples =
      Int(count) <= TileMemory.expectedTies
      ? tile.ties.values(3 * Int(count), of: UInt32.self)
      : try queue.read(3 * Int(count), from: tile.ties, zero: UInt32(0))
    for slot in 0..<Int(count) {
      let row = Int(triples[3 * slot])
      guard row < rows else {
        throw OpenCLError(call: "", status: 0, detail: "the device named a row that is not there")
      }
      let samples = Int(tile.counts[row])
      guard triples[3 * slot + 1] < triples[3 * slot + 2], triples[3 * slot + 2] <= samples else {
        throw OpenCLError(
          call: "", status: 0, detail: "the device named samples that are not there")
      }
      ties[row, default: []].append(
        TieGroup(
          below: samples - Int(triples[3 * slot + 2]), upTo: samples - Int(triples[3 * slot + 1])))
    }
    // Work-groups append as they come; ranks order them again.
    for row in ties.keys { ties[row]?.sort { $0.below > $1.below } }
  }

  func tail(_ row: Int) -> RowTail {
    guard !tailStarts.isEmpty else { return RowTail() }
    let range = tailStarts[row]..<tailStarts[row + 1]
    return RowTail(
      rewards: tile.tails.values(range, of: Double.self),
      gold: tile.shape.hasGold ? tile.goldTails.values(range, of: Double.self) : [])
  }

  /// Whether no row has a cell that is missing or infinite, which leave no sum; asked of rows that nobody has looked at.
  var areFinite: Bool {
    stride(
      from: DeviceLayout.summaryFirst, to: summaries.count, by: DeviceLayout.summaryStride
    ).allSatisfy { summaries[$0].isFinite }
  }

  func summary(_ row: Int) -> ArraySlice<Double> {
    summaries[row * DeviceLayout.summaryStride..<(row + 1) * DeviceLayout.summaryStride]
  }
  func moment(_ row: Int) -> ArraySlice<Double> {
    lambdas > 0 ? record(tile.moments, row, DeviceLayout.momentStride) : []
  }
  func tilt(_ row: Int) -> ArraySlice<Double> {
    record(tile.sums, row, lambdas * DeviceLayout.tiltFields)
  }
  func best(_ row: Int) -> ArraySlice<Double> {
    record(tile.bestOf, row, ns * DeviceLayout.bestOfFields)
  }

  /// A row's record: copies of whole tables would be as large as what is made of them.
  private func record(
    _ buffer: borrowing OpenCLBuffer, _ row: Int, _ stride: Int
  ) -> ArraySlice<Double> {
    buffer.values(row * stride..<(row + 1) * stride, of: Double.self)[...]
  }

  /// How the device summed a row's lambdas.
  ///
  /// - Parameter group: lambdas of a work-group of the sweep, which share exponentials where they have equal steps.
  func methods(_ row: Int, group: Int) -> TiltMethods {
    var methods = TiltMethods()
    guard lambdas > 0 else { return methods }
    let plan = plans[row * DeviceLayout.planStride..<(row + 1) * DeviceLayout.planStride]
    let centred = Int(plan[plan.startIndex])
    let blocks = Int(plan[plan.startIndex + 1])..<Int(plan[plan.startIndex + 2])
    methods.powers = centred
    methods.blocks = blocks.count
    if plan[plan.startIndex + 4] != 0 {
      // The first lambda about the maximum; those of the blocks are none of the sweep's.
      let records = tilt(row)
      let first = (centred..<lambdas).first {
        records[records.startIndex + $0 * DeviceLayout.tiltFields + 10] == 2
      }
      let start = max(first ?? lambdas, blocks.isEmpty ? 0 : blocks.upperBound)
      let groups = lambdas / group - (start + group - 1) / group
      methods.runs = max(0, groups) * group
    }
    methods.samples = lambdas - centred - blocks.count - methods.runs
    return methods
  }
}

// SPDX-License-Identifier: Apache-2.0
// A tile's results as the kernels wrote them, read back and cut by row.

internal import EsscherCore

/// What a tile's kernels left behind, on the host.
struct DeviceRecords {
  private let summaries: [Double]
  private let moments: [Double]
  private let sums: [Double]
  private let bestOf: [Double]
  private let lambdas: Int
  private let ns: Int
  private let tails: [Double]
  private let goldTails: [Double]
  private let tailStarts: [Int]
  /// Tie groups by row of the tile, the largest samples' first.
  private(set) var ties: [Int: [TieGroup]] = [:]

  init(_ tile: TileMemory, _ plan: StatisticsPlan) throws(OpenCLError) {
    let queue = tile.queue
    let rows = tile.rows.count
    lambdas = plan.lambdaCount
    ns = plan.selections.count
    summaries = try queue.read(
      rows * DeviceLayout.summaryStride, from: tile.summaries, zero: 0.0)
    moments =
      lambdas > 0
      ? try queue.read(rows * DeviceLayout.momentStride, from: tile.moments, zero: 0.0) : []
    sums = try queue.read(
      rows * lambdas * DeviceLayout.tiltFields, from: tile.sums, zero: 0.0)
    bestOf = try queue.read(rows * ns * DeviceLayout.bestOfFields, from: tile.bestOf, zero: 0.0)
    tailStarts = plan.tail ? tile.tailStarts : []
    let tailCells = tailStarts.last ?? 0
    tails = try queue.read(tailCells, from: tile.tails, zero: 0.0)
    goldTails = try queue.read(
      tile.shape.hasGold ? tailCells : 0, from: tile.goldTails, zero: 0.0)
    guard plan.sorted else { return }
    let count = try queue.read(1, from: tile.tieCount, zero: UInt32(0))[0]
    guard Int(count) <= tile.shape.tieCapacity else {
      throw OpenCLError(
        call: "", status: 0, detail: "the device counted more tie groups than there can be")
    }
    let triples = try queue.read(3 * Int(count), from: tile.ties, zero: UInt32(0))
    for slot in 0..<Int(count) {
      let row = Int(triples[3 * slot])
      guard row < rows else {
        throw OpenCLError(call: "", status: 0, detail: "the device named a row that is not there")
      }
      let samples = Int(tile.counts[row])
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
      rewards: Array(tails[range]), gold: goldTails.isEmpty ? [] : Array(goldTails[range]))
  }

  func summary(_ row: Int) -> ArraySlice<Double> {
    Self.slice(summaries, row, DeviceLayout.summaryStride)
  }
  func moment(_ row: Int) -> ArraySlice<Double> {
    Self.slice(moments, row, DeviceLayout.momentStride)
  }
  func tilt(_ row: Int) -> ArraySlice<Double> {
    Self.slice(sums, row, lambdas * DeviceLayout.tiltFields)
  }
  func best(_ row: Int) -> ArraySlice<Double> {
    Self.slice(bestOf, row, ns * DeviceLayout.bestOfFields)
  }

  private static func slice(_ values: [Double], _ row: Int, _ stride: Int) -> ArraySlice<Double> {
    values[min(row * stride, values.count)..<min((row + 1) * stride, values.count)]
  }
}

// SPDX-License-Identifier: Apache-2.0
// One worker's scratch memory: everything that is done to a row happens here, and nothing is
// allocated a row.

internal import EsscherCore

/// Scratch for rows of up to `capacity` samples. One worker owns it; it is not shared.
///
/// The rewards, gold rewards and weights of the current row lie in the worker's read buffers, which the row's work
/// changes in place; the rows read with it stay where they are until the next read.
@safe
final class RowWorkspace {
  let capacity: Int
  let hasGold: Bool
  let hasWeights: Bool
  /// Instruction-set level of the sorts.
  let level: Int32
  /// The loops over sorted rows.
  let selection: SelectionKernels

  /// Samples of the row that take part.
  var count = 0
  /// Rewards; sorted rows have the largest first.
  var values: UnsafeMutablePointer<Double>
  /// Centred rewards d, or d − max d, of the tilt's current form.
  let shifted: UnsafeMutablePointer<Double>
  /// Mid-rank − ½ of each sample of a sorted row; scratch before that.
  let rank: UnsafeMutablePointer<Double>
  /// Gold rewards minus their mean, averaged over tie groups in a sorted row.
  var gold: UnsafeMutablePointer<Double>
  /// Importance weights q, which sum to 1.
  var weights: UnsafeMutablePointer<Double>
  /// The squares of `weights`.
  let squaredWeights: UnsafeMutablePointer<Double>
  /// Sort keys of 32 or 64 bits, or pairs of a key and a position, with as much scratch.
  let keys: UnsafeMutablePointer<Int64>
  let spareKeys: UnsafeMutablePointer<Int64>
  /// Moments of the blocks of two neighbouring levels, scratch to merge them, and the tables that takes.
  let blocks: UnsafeMutablePointer<Double>
  let merged: UnsafeMutablePointer<Double>
  let binomials: UnsafeMutablePointer<Double>
  let series: UnsafeMutablePointer<Double>
  /// 1/k, k = 0…37 (the first is not read).
  let inverses: UnsafeMutablePointer<Double>
  /// The row's lambdas, and how many of its samples count at each; then twice those lambdas whose squares are
  /// summed over samples, and likewise.
  let lambdas: UnsafeMutablePointer<Double>
  let prefix: UnsafeMutablePointer<Int>
  let doubled: UnsafeMutablePointer<Double>
  let doubledPrefix: UnsafeMutablePointer<Int>
  /// Edges by which a row is grouped: how far below the largest sample, as cells, as keys, and how many samples lie above each.
  let edgeDistances: UnsafeMutablePointer<Double>
  let edgeCells: UnsafeMutablePointer<Float>
  let edgeKeys: UnsafeMutablePointer<Int32>
  let edgeEnds: UnsafeMutablePointer<Int>
  /// Where the blocks of a level end in a grouped row.
  let blockEnds: UnsafeMutablePointer<Int>
  /// Factors of a run of equally spaced lambdas, or what passes over a segment leave for the next.
  let runScratch: UnsafeMutablePointer<Double>
  /// Records of the row at every lambda, what kernels find before it comes there, and small results.
  let sums: UnsafeMutablePointer<Double>
  let found: UnsafeMutablePointer<Double>
  let small: UnsafeMutablePointer<Double>
  /// Rows of this read that wait for their best-of-n, and its scratch.
  var selected: [SelectedRow] = []
  var selectedTies: [TieGroup] = []
  var lawWeights: [LawWeights] = []
  let selectionBlocks: UnsafeMutablePointer<Double>
  let selectionLanes: UnsafeMutablePointer<Double>
  /// Groups of two or more equal samples of a sorted row, the largest first.
  var ties: [TieGroup] = []
  /// Samples whose mid-ranks `rank` holds, 0 where it holds something else, and the groups among them.
  var rankedCount = 0
  var rankedTies: [TieGroup] = []

  /// The keys of the row's floats are made, and `values` is still to be written.
  var hasKeysOfFloats = false
  /// Those keys carry the row's gold, and `gold` is still to be written too.
  var hasPackedGold = false
  /// Σ r of a sorted or grouped row, nil before that.
  var sortedSum: Double?
  /// What was seen of a row of floats while its keys were made, where it may be grouped.
  var survey: RowSurvey?
  /// How a row is grouped that is not sorted, and the number of its edges; `values` holds the first `written` of its
  /// samples so far.
  var groups: RowGroups?
  var written = 0
  var edgeCount = 0
  /// Two rewards of the sorted row are equal.
  var hasTies = false
  /// Gold rewards before they are centred: in the row's order, and their sum where it is known.
  var storedGold: UnsafeMutablePointer<Double>
  var goldSum: Double?

  /// The tables last seen, by the last digits of their numbers: rows of like range are mostly of one octave.
  var knownTables = [(number: Int, table: ChebyshevTable)?](repeating: nil, count: 4)

  private let memory: ScratchMemory

  /// Takes what `bytes` says from `memory`, which it keeps.
  init(
    capacity: Int, lambdaCount: Int, hasGold: Bool, hasWeights: Bool, level: CPULevel,
    memory: ScratchMemory
  ) {
    self.capacity = capacity
    self.hasGold = hasGold
    self.hasWeights = hasWeights
    self.level = Int32(level.rawValue)
    selection = SelectionKernels(level: level)
    self.memory = memory
    unsafe shifted = memory.take(capacity + Self.padding)
    unsafe rank = memory.take(capacity)
    unsafe squaredWeights = memory.take(hasWeights ? capacity : 0)
    unsafe keys = memory.take(capacity)
    unsafe spareKeys = memory.take(capacity)
    unsafe blocks = memory.take(2 * Self.levelCount)
    unsafe merged = memory.take(Self.mergedCount)
    unsafe binomials = memory.take(Self.mergedCount)
    unsafe series = memory.take(BlockGrid.series.count)
    unsafe inverses = memory.take(Self.inverseCount)
    for (index, value) in BlockGrid.binomials.enumerated() { unsafe binomials[index] = value }
    for (index, value) in BlockGrid.series.enumerated() { unsafe series[index] = value }
    for index in 0..<Self.inverseCount { unsafe inverses[index] = 1 / Double(max(index, 1)) }
    unsafe lambdas = memory.take(lambdaCount + Self.padding)
    unsafe prefix = memory.take(lambdaCount)
    unsafe doubled = memory.take(lambdaCount)
    unsafe doubledPrefix = memory.take(lambdaCount)
    unsafe edgeDistances = memory.take(RowGroups.capacity)
    unsafe edgeCells = memory.take(RowGroups.capacity)
    unsafe edgeKeys = memory.take(RowGroups.capacity)
    unsafe edgeEnds = memory.take(RowGroups.capacity)
    unsafe blockEnds = memory.take(BlockGrid.capacity)
    unsafe runScratch = memory.take(Self.runScratchCount)
    unsafe sums = memory.take(Self.sumCount(lambdaCount))
    unsafe found = memory.take(Self.sumCount(lambdaCount))
    unsafe small = memory.take(Self.smallCount)
    unsafe selectionBlocks = memory.take(Self.selectionBlockCount)
    unsafe selectionLanes = memory.take(Self.selectionLaneCount)
    // Until the first row is loaded.
    unsafe values = shifted
    unsafe gold = shifted
    unsafe weights = shifted
    unsafe storedGold = shifted
  }

  /// What may be read beyond the last sample.
  static let padding = 8
  /// Doubles of one level of blocks: rewards, ranks and gold.
  static let levelCount = 3 * BlockGrid.powers * BlockGrid.capacity
  private static let mergedCount = BlockGrid.powers * BlockGrid.powers
  private static let runScratchCount = max(2 * CPUKernels.runSamples, CPUKernels.segment)
  private static let inverseCount = CPUKernels.mostPowers + 2
  private static let smallCount = 5 * CPUKernels.powerRow

  /// Eight rows' blocks of rewards and of gold; the lanes of a group of laws.
  private static let selectionBlockCount = 2 * SelectionKernels.rows * SelectionKernels.block
  private static let selectionLaneCount = SelectionKernels.laws * SelectionKernels.lanes

  private static func sumCount(_ lambdaCount: Int) -> Int {
    max(lambdaCount * CPUKernels.tiltStride, 1)
  }

  /// Bytes that a workspace takes.
  static func bytes(capacity: Int, lambdaCount: Int, hasWeights: Bool) -> Int {
    ScratchMemory.bytes(
      Array(repeating: 8 * (capacity + padding), count: hasWeights ? 5 : 4)
        + [
          16 * levelCount, 8 * mergedCount, 8 * mergedCount, 8 * BlockGrid.series.count,
          8 * inverseCount,
          8 * runScratchCount, 4 * RowGroups.capacity, 4 * RowGroups.capacity,
          8 * RowGroups.capacity, 8 * RowGroups.capacity, 8 * BlockGrid.capacity,
        ]
        + Array(repeating: 8 * (lambdaCount + padding), count: 4)
        + [
          8 * sumCount(lambdaCount), 8 * sumCount(lambdaCount), 8 * smallCount,
          8 * selectionBlockCount, 8 * selectionLaneCount,
        ])
  }

  /// Weights for a kernel, or nil where every sample weighs the same.
  var kernelWeights: UnsafePointer<Double>? { hasWeights ? unsafe UnsafePointer(weights) : nil }

  /// Σ q before division: M, or 1 with importance weights.
  var mass: Double { hasWeights ? 1 : Double(count) }
}

// SPDX-License-Identifier: Apache-2.0
// Rows from a read buffer into the workspace, where they are made fit for the statistics.

internal import CRowSort
internal import EsscherCore

/// The cells of a few rows as one read brought them in.
@safe
struct ReadRows {
  /// Rewards, or room for them where they came as floats.
  let rewards: UnsafeMutablePointer<Double>
  /// Rewards of a source whose cells are floats, where they are to be sorted.
  var floats: UnsafePointer<Float>?
  /// Gold of a source whose cells are floats, beside rewards that are; `gold` is room for it then.
  var goldFloats: UnsafePointer<Float>?
  let gold: UnsafeMutablePointer<Double>?
  let logWeights: UnsafeMutablePointer<Double>?

  /// The same cells from the sample `offset` on.
  func advanced(by offset: Int) -> ReadRows {
    unsafe ReadRows(
      rewards: rewards + offset, floats: floats.map { unsafe $0 + offset },
      goldFloats: goldFloats.map { unsafe $0 + offset },
      gold: gold.map { unsafe $0 + offset },
      logWeights: logWeights.map { unsafe $0 + offset })
  }
}

extension RowWorkspace {
  /// Takes a row's `stored` cells in, where they lie; afterwards `count`, `values`, `gold` and `weights` are set.
  /// Of a row of floats, `values` is written by ``sort()``, or after ``group(largest:squared:)`` by ``writeValues(upTo:)``.
  ///
  /// - Parameters:
  ///   - ordered: the row will be sorted or grouped.
  ///   - mayGroup: grouping it will do.
  /// - Returns: how many samples were dropped, for a missing cell or a weight that vanishes beside the
  ///   largest (below 1e-308 of it).
  /// - Throws: `.badInput` at the first infinite cell, and at the first missing one unless the policy
  ///   drops them.
  func load(
    _ cells: ReadRows, stored: Int, row: Int, table: RewardTable, missing: MissingPolicy,
    ordered: Bool = true, mayGroup: Bool = false, kernels: CPUKernels
  ) throws(EsscherError) -> Int {
    unsafe values = cells.rewards
    unsafe gold = cells.gold ?? shifted
    unsafe weights = cells.logWeights ?? shifted
    unsafe storedGold = gold
    goldSum = nil
    sortedSum = nil
    groups = nil
    survey = nil
    hasKeysOfFloats = false
    hasPackedGold = false
    count = stored
    if let floats = unsafe cells.floats {
      if ordered, let goldFloats = unsafe cells.goldFloats {
        hasPackedGold = unsafe crow_pack_floats(level, floats, goldFloats, count, keys)
        hasKeysOfFloats = hasPackedGold
      } else if ordered {
        hasKeysOfFloats =
          mayGroup && !hasGold && count >= RowGroups.fewestSamples
          ? unsafe surveyKeys(floats: floats)
          : unsafe makeKeys(floats: floats) && (!hasGold || isFinite(gold, kernels))
      }
      if hasKeysOfFloats { return 0 }
      for index in 0..<count { unsafe values[index] = Double(floats[index]) }
      if let goldFloats = unsafe cells.goldFloats {
        for index in 0..<count { unsafe gold[index] = Double(goldFloats[index]) }
      }
    }
    var clean = unsafe isFinite(values, kernels)
    if hasGold { clean = unsafe isFinite(gold, kernels) && clean }
    if hasWeights { clean = unsafe isFinite(weights, kernels) && clean }
    var cells = unsafe RowCells(
      values: values, gold: hasGold ? gold : nil, weights: hasWeights ? weights : nil,
      count: stored)
    if !clean { try cells.dropMissing(row: row, table: table, policy: missing) }
    if hasWeights { cells.normaliseWeights() }
    count = cells.count
    return stored - count
  }

  /// True where no cell is NaN or infinite. A finite row whose sum overflows reads as not clean and
  /// then passes the cell-by-cell look.
  private func isFinite(_ cells: UnsafeMutablePointer<Double>, _ kernels: CPUKernels) -> Bool {
    unsafe kernels.extrema(cells, count, small)
    return unsafe small[2].isFinite
  }
}

// SPDX-License-Identifier: Apache-2.0
// From a reader's cells to a row that the statistics can trust: missing cells dropped or refused,
// infinite ones always refused, log weights turned into weights.

internal import EsscherCore

/// The cells of a few rows as one read brought them in.
@safe
struct ReadRows {
  let rewards: UnsafeMutablePointer<Double>
  let gold: UnsafeMutablePointer<Double>?
  let logWeights: UnsafeMutablePointer<Double>?

  /// The same cells from the sample `offset` on.
  func advanced(by offset: Int) -> ReadRows {
    unsafe ReadRows(
      rewards: rewards + offset, gold: gold.map { unsafe $0 + offset },
      logWeights: logWeights.map { unsafe $0 + offset })
  }
}

extension RowWorkspace {
  /// Takes a row's `stored` cells in; afterwards `count`, `values`, `gold` and `weights` are set.
  ///
  /// - Returns: how many samples were dropped, for a missing cell or a weight that vanishes beside the
  ///   largest (below 1e-308 of it).
  /// - Throws: `.badInput` at the first infinite cell, and at the first missing one unless the policy
  ///   drops them.
  func load(
    _ cells: ReadRows, stored: Int, row: Int, table: RewardTable, missing: MissingPolicy,
    kernels: CPUKernels
  ) throws(EsscherError) -> Int {
    unsafe values.update(from: cells.rewards, count: stored)
    if let source = unsafe cells.gold { unsafe gold.update(from: source, count: stored) }
    if let source = unsafe cells.logWeights { unsafe weights.update(from: source, count: stored) }
    count = stored
    var clean = unsafe isFinite(values, kernels)
    if hasGold { clean = unsafe isFinite(gold, kernels) && clean }
    if hasWeights { clean = unsafe isFinite(weights, kernels) && clean }
    if !clean { try dropMissing(row: row, table: table, policy: missing) }
    if hasWeights { normaliseWeights(kernels) }
    return stored - count
  }

  /// True where no cell is NaN or infinite. A finite row whose sum overflows reads as not clean and
  /// then passes the cell-by-cell look.
  private func isFinite(_ cells: UnsafeMutablePointer<Double>, _ kernels: CPUKernels) -> Bool {
    unsafe kernels.extrema(cells, count, small)
    return unsafe small[2].isFinite
  }

  private func dropMissing(
    row: Int, table: RewardTable, policy: MissingPolicy
  ) throws(EsscherError) {
    var kept = 0
    for column in 0..<count {
      let reward = unsafe values[column]
      let goldReward = hasGold ? unsafe gold[column] : 0
      let weight = hasWeights ? unsafe weights[column] : 0
      try Self.refuseInfinite(reward, table.rewardSource, "reward", row, column)
      try Self.refuseInfinite(goldReward, table.gold, "gold reward", row, column)
      try Self.refuseInfinite(weight, table.logWeights, "log weight", row, column)
      if reward.isNaN || goldReward.isNaN || weight.isNaN {
        guard policy == .drop else {
          let source =
            reward.isNaN ? table.rewardSource : goldReward.isNaN ? table.gold : table.logWeights
          throw EsscherError(
            .badInput,
            "the cell is missing (NaN or null); fill it in, or leave such samples out with "
              + "--missing drop", at: source?.location(row: row, column: column))
        }
        continue
      }
      unsafe values[kept] = reward
      if hasGold { unsafe gold[kept] = goldReward }
      if hasWeights { unsafe weights[kept] = weight }
      kept += 1
    }
    count = kept
  }

  private static func refuseInfinite(
    _ cell: Double, _ source: (any RewardSource)?, _ kind: String, _ row: Int, _ column: Int
  ) throws(EsscherError) {
    guard cell.isInfinite else { return }
    throw EsscherError(
      .badInput,
      "the \(kind) is infinite (\(cell)), for which no tilt is defined; replace it by a finite "
        + "number, or by NaN together with --missing drop",
      at: source?.location(row: row, column: column))
  }

  /// q = softmax(log weights), as weights that sum to 1.
  private func normaliseWeights(_ kernels: CPUKernels) {
    guard count > 0 else { return }
    unsafe kernels.extrema(weights, count, small)
    let top = unsafe small[1]
    var sum = CompensatedSum()
    for index in 0..<count {
      let weight = unsafe Elementary.exp(weights[index] - top)
      unsafe weights[index] = weight
      sum.add(weight)
    }
    let total = sum.value
    var kept = 0
    for index in 0..<count {
      let weight = unsafe weights[index] / total
      // Less than the smallest double beside the largest: the base policy never gives this sample,
      // so it must not be the maximum that a tilt goes to either.
      guard weight > 0 else { continue }
      unsafe values[kept] = values[index]
      if hasGold { unsafe gold[kept] = gold[index] }
      unsafe weights[kept] = weight
      kept += 1
    }
    count = kept
  }
}

extension RewardTable {
  /// The source of reward cells, nil for counts.
  var rewardSource: (any RewardSource)? {
    if case .cells(let source) = rewards { return source }
    return nil
  }
}

// SPDX-License-Identifier: Apache-2.0
// From a reader's cells to a row that the statistics can trust: missing cells dropped or refused,
// infinite ones always refused, log weights turned into weights. Every backend loads rows through this.

/// The cells of one row in a backend's memory.
@safe
package struct RowCells {
  /// Samples of the row.
  package private(set) var count: Int
  private let values: UnsafeMutablePointer<Double>
  private let gold: UnsafeMutablePointer<Double>?
  private let weights: UnsafeMutablePointer<Double>?

  package init(
    values: UnsafeMutablePointer<Double>, gold: UnsafeMutablePointer<Double>?,
    weights: UnsafeMutablePointer<Double>?, count: Int
  ) {
    unsafe self.values = values
    unsafe self.gold = gold
    unsafe self.weights = weights
    self.count = count
  }

  /// Drops missing cells where the policy says so.
  ///
  /// - Throws: `.badInput` at the first infinite cell, and at the first missing one unless the policy
  ///   drops them.
  package mutating func dropMissing(
    row: Int, table: RewardTable, policy: MissingPolicy
  ) throws(EsscherError) {
    var kept = 0
    for column in 0..<count {
      let reward = unsafe values[column]
      let goldReward = unsafe gold?[column] ?? 0
      let weight = unsafe weights?[column] ?? 0
      if !(reward + goldReward + weight).isFinite {
        try Self.refuseInfinite(reward, table.rewardSource, "reward", row, column)
        try Self.refuseInfinite(goldReward, table.gold, "gold reward", row, column)
        try Self.refuseInfinite(weight, table.logWeights, "log weight", row, column)
        if reward.isNaN || goldReward.isNaN || weight.isNaN {
          guard policy == .drop else {
            let source =
              reward.isNaN ? table.rewardSource : goldReward.isNaN ? table.gold : table.logWeights
            throw EsscherError.missingCell(at: source?.location(row: row, column: column))
          }
          continue
        }
      }
      if kept != column { move(column, to: kept) }
      kept += 1
    }
    count = kept
  }

  private func move(_ column: Int, to place: Int) {
    unsafe values[place] = values[column]
    if let gold = unsafe gold { unsafe gold[place] = gold[column] }
    if let weights = unsafe weights { unsafe weights[place] = weights[column] }
  }

  private static func refuseInfinite(
    _ cell: Double, _ source: (any RewardSource)?, _ kind: String, _ row: Int, _ column: Int
  ) throws(EsscherError) {
    guard cell.isInfinite else { return }
    throw EsscherError.infiniteCell(
      cell, kind, at: source?.location(row: row, column: column))
  }

  /// q = softmax(log weights), as weights that sum to 1; samples whose weight vanishes beside the
  /// largest are left out.
  package mutating func normaliseWeights() {
    guard let weights = unsafe weights, count > 0 else { return }
    var top = -Double.infinity
    for index in 0..<count { unsafe top = max(top, weights[index]) }
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
      unsafe weights[index] = weight
      if kept != index { move(index, to: kept) }
      kept += 1
    }
    count = kept
  }
}

extension EsscherError {
  /// The refusal of a missing cell.
  package static func missingCell(at place: Location?) -> EsscherError {
    EsscherError(
      .badInput,
      "the cell is missing (NaN or null); fill it in, or leave such samples out with "
        + "--missing drop", at: place)
  }

  /// The refusal of an infinite cell of a kind of number.
  package static func infiniteCell(
    _ cell: Double, _ kind: String, at place: Location?
  ) -> EsscherError {
    EsscherError(
      .badInput,
      "the \(kind) is infinite (\(cell)), for which no tilt is defined; replace it by a finite "
        + "number, or by NaN together with --missing drop", at: place)
  }
}

extension RewardTable {
  /// The source of reward cells, nil for counts.
  package var rewardSource: (any RewardSource)? {
    if case .cells(let source) = rewards { return source }
    return nil
  }
}

extension RowSummary {
  /// Refuses a row whose squared range is no normal double: its divergences would be silently wrong.
  package static func checkRange(
    lowest: Double, highest: Double, row: Int, table: RewardTable
  ) throws(EsscherError) {
    let range = highest - lowest
    guard range == 0 || (smallestRange...largestRange).contains(range) else {
      throw EsscherError(
        .badInput,
        "the rewards of this prompt span \(range), whose square a double cannot hold; rescale them "
          + "to a range between 1e-140 and 1e140",
        at: table.rewardSource?.location(row: row, column: 0))
    }
  }

  /// Ranges whose squares, and 10^5 of them divided by as many, are normal doubles.
  private static let smallestRange = 1e-140
  private static let largestRange = 1e140
}

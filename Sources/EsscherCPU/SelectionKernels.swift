// SPDX-License-Identifier: Apache-2.0
// Run-time choice among the variants of the loops over sorted rows.

internal import CPUKernelsV2
internal import CPUKernelsV3
internal import CPUKernelsV4

/// The loops of best-of-n and of the mid-ranks at one instruction-set level.
@safe
struct SelectionKernels: Sendable {
  typealias Input = UnsafePointer<Double>
  typealias Output = UnsafeMutablePointer<Double>

  /// block, gold, unbiased, replacement, count, lanes.
  let sums: @Sendable (Input, Input?, Input, Input, Int, Output) -> Void
  /// The same of one row.
  let sumsOfOne: @Sendable (Input, Input?, Input, Input, Int, Output) -> Void
  /// count, ranks.
  let midRanks: @Sendable (Int, Output) -> Void

  /// Samples of a block; part of the definition of the sums' order.
  static let block = 256
  /// Rows that go together.
  static let rows = 8
  /// Laws that go together, at most.
  static let laws = 16
  /// Doubles of the lanes of a law: eight for each row and each of three sums.
  static let lanes = 8 * rows * 3

  init(level: CPULevel) {
    switch level {
    case .v2:
      unsafe sums = { unsafe CPUKernelsV2.selectionSums($0, $1, $2, $3, $4, $5) }
      unsafe sumsOfOne = { unsafe CPUKernelsV2.selectionSumsOfOne($0, $1, $2, $3, $4, $5) }
      unsafe midRanks = { unsafe CPUKernelsV2.midRanks($0, $1) }
    case .v3:
      unsafe sums = { unsafe CPUKernelsV3.selectionSums($0, $1, $2, $3, $4, $5) }
      unsafe sumsOfOne = { unsafe CPUKernelsV3.selectionSumsOfOne($0, $1, $2, $3, $4, $5) }
      unsafe midRanks = { unsafe CPUKernelsV3.midRanks($0, $1) }
    case .v4:
      unsafe sums = { unsafe CPUKernelsV4.selectionSums($0, $1, $2, $3, $4, $5) }
      unsafe sumsOfOne = { unsafe CPUKernelsV4.selectionSumsOfOne($0, $1, $2, $3, $4, $5) }
      unsafe midRanks = { unsafe CPUKernelsV4.midRanks($0, $1) }
    }
  }
}

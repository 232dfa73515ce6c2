// SPDX-License-Identifier: Apache-2.0
// Several devices that share the rows of one run: each takes the next block of rows when it is idle.

internal import Dispatch
internal import EsscherCore
internal import Synchronization

/// Evaluates statistics on several backends at once.
///
/// A row's statistics depend on the row and on the device that evaluates it, never on the block it came in. Devices
/// of one kind give the same bits, so there it does not matter which of them takes which block. Unlike devices agree
/// within the accuracy contract, and the last digits of a report may then differ from run to run.
struct SeveralBackends: Backend {
  let members: [any Backend]

  /// - Precondition: two members at least.
  init(_ members: [any Backend]) {
    precondition(members.count > 1, "one device needs nobody to share with")
    self.members = members
  }

  /// All names, in the order given.
  var name: String { members.map(\.name).joined(separator: " + ") }

  /// The members' drivers, each once, in order.
  var driver: String? {
    var drivers: [String] = []
    for driver in members.compactMap(\.driver) where !drivers.contains(driver) {
      drivers.append(driver)
    }
    return drivers.isEmpty ? nil : drivers.joined(separator: " + ")
  }

  /// Workers on the host: what the most capable member asks for.
  var threads: Int { members.map(\.threads).max() ?? 1 }

  var worksBesideHost: Bool { members.contains { $0.worksBesideHost } }

  /// Cells of the smallest blocks: about a millisecond of a large GPU, a tenth of a second of a processor's core.
  private static let cellsPerBlock = 1 << 20
  /// Blocks that the rest of the rows is cut into for each member.
  private static let shares = 2

  /// Rows of the longest block that every member takes.
  private func longestBlock(
    for table: RewardTable, plan: StatisticsPlan
  ) throws(EsscherError) -> Int {
    var rows = Int.max
    for member in members { rows = min(rows, try member.rowsPerTile(for: table, plan: plan)) }
    return rows
  }

  /// One table a member, within the budget that each was given a part of.
  func rowsPerTile(
    for table: RewardTable, plan: StatisticsPlan
  ) throws(EsscherError) -> Int {
    members.count * (try longestBlock(for: table, plan: plan))
  }

  /// Cuts rows into blocks that become shorter towards the end, so that all members end at about the same time.
  ///
  /// Which blocks there are depends on the rows and on the number of members, not on who is faster.
  ///
  /// - Parameters:
  ///   - longest: rows of a block at most.
  ///   - shortest: rows of a block at least, but for the last.
  static func blocks(
    _ rows: Range<Int>, members: Int, longest: Int, shortest: Int
  ) -> [Range<Int>] {
    var blocks: [Range<Int>] = []
    var start = rows.lowerBound
    while start < rows.upperBound {
      let share = (rows.upperBound - start + shares * members - 1) / (shares * members)
      let end = min(rows.upperBound, start + max(1, min(longest, max(share, shortest))))
      blocks.append(start..<end)
      start = end
    }
    return blocks
  }

  /// What the members have done so far.
  private final class Progress: Sendable {
    struct State {
      var next = 0
      var table: StatisticsTable
      /// The first block, in row order, that failed.
      var failure: (block: Int, error: EsscherError)?
    }

    let blocks: [Range<Int>]
    private let state: Mutex<State>

    init(_ blocks: [Range<Int>], table: StatisticsTable) {
      self.blocks = blocks
      state = Mutex(State(table: table))
    }

    /// The next block. They are handed out in order, so none before a failed one is still to come.
    func take() -> Int? {
      state.withLock { state in
        guard state.failure == nil, state.next < blocks.count else { return nil }
        state.next += 1
        return state.next - 1
      }
    }

    func finish(_ part: StatisticsTable) { state.withLock { $0.table.take(part) } }

    func fail(_ block: Int, _ error: EsscherError) {
      state.withLock { state in
        if state.failure.map({ $0.block > block }) ?? true { state.failure = (block, error) }
      }
    }

    func result() throws(EsscherError) -> StatisticsTable {
      try state.withLock { state throws(EsscherError) in
        if let failure = state.failure { throw failure.error }
        return state.table
      }
    }
  }

  /// Evaluates a plan on some rows.
  ///
  /// - Throws: the error of the first block in row order that failed: blocks before it have been evaluated.
  func reduce(
    _ table: RewardTable, rows: Range<Int>, plan: StatisticsPlan
  ) throws(EsscherError) -> StatisticsTable {
    let cells = table.rewardSource?.longestSampleCount ?? 1
    let blocks = Self.blocks(
      rows, members: members.count, longest: try longestBlock(for: table, plan: plan),
      shortest: Self.cellsPerBlock / max(1, cells))
    var empty = StatisticsTable(rows: rows, plan: plan)
    empty.methods = TiltMethods()
    let progress = Progress(blocks, table: empty)
    let group = DispatchGroup()
    for member in members.prefix(blocks.count) {
      // A thread each, however few the processors are: they wait for their devices most of the time.
      DispatchQueue(label: member.name).async(group: group) {
        while let block = progress.take() {
          do throws(EsscherError) {
            progress.finish(
              try member.reduce(table, rows: progress.blocks[block], plan: plan))
          } catch { progress.fail(block, error) }
        }
      }
    }
    group.wait()
    return try progress.result()
  }

  /// Adds prompts to a bootstrap, on the first member: its sums run over prompts in order.
  func accumulate(
    _ bootstrap: inout PoissonBootstrap, indices: [Int], values: [Double]
  ) throws(EsscherError) {
    try members[0].accumulate(&bootstrap, indices: indices, values: values)
  }
}

extension StatisticsTable {
  /// Takes the rows of a table for the same plan that covers some of the rows of this one.
  mutating func take(_ part: StatisticsTable) {
    let start = part.rows.lowerBound - rows.lowerBound
    for offset in 0..<part.rows.count {
      summaries[start + offset] = part.summaries[offset]
      tails[start + offset] = part.tails[offset]
    }
    for (index, tilt) in part.tilts.enumerated() { tilts[start * lambdaCount + index] = tilt }
    for (index, best) in part.bestOf.enumerated() { bestOf[start * bestOfCount + index] = best }
    if let counted = part.methods { methods? += counted } else { methods = nil }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Rewards and what goes with them, behind `esscher_table`.

internal import CEsscher
internal import EsscherCore

/// What an array of a table holds.
enum TableRole: Int32 {
  case rewards, gold, logWeights, logProbabilities

  init(code: Int32) throws(EsscherError) {
    guard let role = TableRole(rawValue: code) else {
      throw EsscherError(
        .usage,
        "There is no role \(code); pass ESSCHER_REWARDS, ESSCHER_GOLD, ESSCHER_LOG_WEIGHTS or "
          + "ESSCHER_LOGPROBS.")
    }
    self = role
  }

  /// As provenance names it.
  var name: String {
    switch self {
    case .rewards: "rewards"
    case .gold: "gold"
    case .logWeights: "log-weights"
    case .logProbabilities: "logprobs"
    }
  }

  /// Names of columns that are taken for it.
  var guesses: [String] {
    switch self {
    case .rewards: UsualColumnNames.rewards
    case .gold: UsualColumnNames.gold + UsualColumnNames.rewards
    case .logWeights: UsualColumnNames.logWeights
    case .logProbabilities: UsualColumnNames.logProbabilities
    }
  }
}

/// The arrays of a run.
final class TableHandle: Handle {
  static let kind = "table"
  private let label: String
  private var members: [RewardMember] = []
  private var counts: CountsTable?
  private var companions: [TableRole: any RewardSource] = [:]
  private var inputs: [InputRecord] = []
  private var promptIDs: [String]?

  init(label: String) { self.label = label }

  /// Refuses what could not be added, before anything is read.
  func checkRoom(for role: TableRole, name: String) throws(EsscherError) {
    guard role == .rewards else {
      guard companions[role] == nil else {
        throw EsscherError(
          .usage, "The table has \(role.name) already; one array of them goes with the rewards.")
      }
      return
    }
    guard counts == nil else {
      throw EsscherError(.usage, "The table has counts, which are its rewards; make another table.")
    }
    guard !members.contains(where: { $0.name == name }) else {
      throw EsscherError(
        .usage, "the rewards '\(name)' are named twice; an ensemble needs different models")
    }
  }

  /// Adds an array; ``checkRoom(for:name:)`` was asked before.
  func add(_ source: HeldSource, _ role: TableRole, _ record: InputRecord) {
    if role == .rewards {
      members.append(RewardMember(name: source.name, source: source))
    } else {
      companions[role] = source
    }
    inputs.append(record)
  }

  func set(_ counts: CountsTable) throws(EsscherError) {
    guard members.isEmpty, self.counts == nil else {
      throw EsscherError(.usage, "The table has rewards already; make another table for counts.")
    }
    self.counts = counts
    inputs.append(
      InputRecord(
        role: "rewards", name: counts.name, format: "memory", elementType: "<i8",
        shape: [counts.sampleCounts.count, 2], path: nil))
  }

  func set(promptIDs: [String]) throws(EsscherError) {
    guard self.promptIDs == nil else {
      throw EsscherError(
        .usage, "The table has identifiers of its prompts already; make another table.")
    }
    self.promptIDs = promptIDs
  }

  /// The table as the engine takes it.
  func table() throws(EsscherError) -> RewardTable {
    let rows: RewardRows
    if let counts {
      rows = .counts(counts)
    } else if let first = members.first {
      rows = .cells(first.source)
    } else {
      throw EsscherError(
        .usage, "The table has no rewards; add them with the role ESSCHER_REWARDS, or set counts.")
    }
    var table = RewardTable(
      label: label, rewards: rows, gold: companions[.gold], logWeights: companions[.logWeights],
      logProbabilities: companions[.logProbabilities], inputs: inputs)
    if members.count > 1 { table.members = members }
    if let promptIDs {
      let promptCount =
        switch rows {
        case .cells(let source): source.rowCount
        case .counts(let counts): counts.sampleCounts.count
        }
      guard promptIDs.count == promptCount else {
        throw EsscherError(
          .badInput,
          "there are \(promptIDs.count) identifiers and \(promptCount) prompts; pass one for each")
      }
      table.promptIDs = promptIDs
    }
    return table
  }
}

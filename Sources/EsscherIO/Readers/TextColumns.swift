// SPDX-License-Identifier: Apache-2.0
// Which column of a text file stands for what: guessed by name, or as the user says.

internal import EsscherCore

/// What a column stands for.
enum ColumnRole: Int32, CaseIterable {
  case prompt
  case reward
  case gold
  case logWeight
  case sampleCount
  case correctCount
  case logProbability

  /// Name of the role in `--column role=name`.
  var name: String {
    switch self {
    case .prompt: "prompt"
    case .reward: "reward"
    case .gold: "gold"
    case .logWeight: "logweight"
    case .sampleCount: "num_samples"
    case .correctCount: "num_correct"
    case .logProbability: "logprob"
    }
  }

  /// What a file of such numbers beside the rewards is called in the report's provenance.
  var inputName: String {
    switch self {
    case .gold: "gold"
    case .logWeight: "log-weights"
    case .logProbability: "logprobs"
    case .prompt, .reward, .sampleCount, .correctCount: "rewards"
    }
  }

  /// Numbers that are read only where they are asked for by name, or look like what they are called.
  var isGuessedByContent: Bool { self == .gold || self == .logProbability }

  /// Column names that are taken for the role, the first that exists wins.
  var guesses: [String] {
    switch self {
    case .prompt:
      ["prompt_id", "prompt_idx", "task_id", "doc_id", "custom_id", "id", "prompt", "input"]
    case .reward: UsualColumnNames.rewards
    case .gold: UsualColumnNames.gold
    case .logWeight: []
    case .sampleCount: ["num_samples"]
    case .correctCount: ["num_correct"]
    case .logProbability: UsualColumnNames.logProbabilities
    }
  }
}

/// The columns a text file is read by.
struct TextColumns {
  /// Names by role: a list and not a dictionary, because readers ask for every line.
  private var names = [String?](repeating: nil, count: ColumnRole.allCases.count)
  /// Columns that are named like gold rewards and hold text.
  private(set) var textualGold: [String] = []
  /// Columns of several reward models, empty where there is one; `names` has the one that is read.
  private(set) var rewardColumns: [String] = []

  private(set) subscript(role: ColumnRole) -> String? {
    get { names[Int(role.rawValue)] }
    set { names[Int(role.rawValue)] = newValue }
  }

  /// A table of counts: how many samples, and how many of them correct.
  var isCounts: Bool {
    self[.reward] == nil && self[.sampleCount] != nil && self[.correctCount] != nil
  }

  /// Matches the columns that exist with roles.
  ///
  /// - Parameters:
  ///   - fields: names in the file's header or first line.
  ///   - use: what the file is read for, and the user's names.
  ///   - isNumeric: whether a column's first cell is a number, asked before gold is guessed: such
  ///     columns often hold an answer's text. Before log-probabilities are guessed it is asked too whether
  ///     there are as many as `rewards` has numbers: such columns often hold one for each token.
  /// - Throws: `.badInput` where a column that was named does not exist or is there twice, or where
  ///   nothing looks like the numbers wanted; both with the names that there are.
  init(
    fields: [String], use: TextUse, place: EsscherError.Location,
    isNumeric: (_ name: String, _ role: ColumnRole, _ rewards: String?) -> Bool
  ) throws(EsscherError) {
    let shown = fields.prefix(20).joined(separator: ", ")
    for role in use.roles {
      if let name = use.chosen[role] {
        if role == .reward, try chooseSeveral(name, fields, use, place) { continue }
        guard fields.contains(name) else {
          throw EsscherError(
            .badInput, "has no column '\(name)'; its columns are \(shown)", at: place)
        }
        self[role] = name
      } else {
        let known = use.guesses(role).filter { fields.contains($0) }
        guard role.isGuessedByContent else {
          self[role] = known.first
          continue
        }
        guard role == .gold else {
          self[role] = known.first { isNumeric($0, role, self[.reward]) }
          continue
        }
        for name in known + fields.filter({ $0.hasPrefix("gold") && !known.contains($0) })
        where self[role] == nil {
          if isNumeric(name, role, nil) { self[role] = name } else { textualGold.append(name) }
        }
      }
    }
    if use.chosen[.reward] == nil, self[.sampleCount] != nil, self[.correctCount] != nil {
      self[.reward] = nil
    }
    guard self[.reward] != nil || isCounts else {
      throw EsscherError(
        .badInput,
        "has no column of \(use.what); its columns are \(shown). Say which with \(use.remedy)",
        at: place)
    }
    for case let name? in names where fields.count(where: { $0 == name }) > 1 {
      throw EsscherError(
        .badInput, "has more than one column '\(name)'; rename all but one", at: place)
    }
  }
}

extension TextColumns {
  /// Takes `a,b,c` as the columns of several reward models, unless a column has that very name.
  ///
  /// - Returns: whether it did.
  private mutating func chooseSeveral(
    _ name: String, _ fields: [String], _ use: TextUse, _ place: EsscherError.Location
  ) throws(EsscherError) -> Bool {
    guard !fields.contains(name), name.contains(",") else { return false }
    let parts = name.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    for part in parts {
      guard fields.contains(part) else {
        let shown = fields.prefix(20).joined(separator: ", ")
        throw EsscherError(
          .badInput, "has no column '\(part)'; its columns are \(shown)", at: place)
      }
      guard parts.count(where: { $0 == part }) == 1 else {
        throw EsscherError(
          .usage, "--column reward=\(name) names '\(part)' twice; name each model once")
      }
    }
    rewardColumns = parts
    self[.reward] = parts[use.member]
    return true
  }
}

/// What a text file is read for.
struct TextUse {
  /// The numbers it must hold, for messages.
  let what: String
  /// How to name their column, for messages.
  let remedy: String
  /// The roles that are looked for.
  let roles: [ColumnRole]
  /// Columns that the user named.
  let chosen: [ColumnRole: String]
  private let rewardGuesses: [String]
  /// Which of several reward models is read.
  private(set) var member = 0

  /// The same file once more, for another of its reward models and for nothing else.
  func member(_ index: Int) -> TextUse {
    var use = TextUse(
      what: what, remedy: remedy, roles: [.prompt, .reward], chosen: chosen,
      rewardGuesses: rewardGuesses)
    use.member = index
    return use
  }

  /// The file of rewards, which may hold everything else too.
  ///
  /// - Parameter ownGold: whether gold rewards are read from here and not from another file.
  /// - Parameter ownWeights: likewise for log weights.
  /// - Parameter ownProbabilities: likewise for log-probabilities.
  static func rewards(
    chosen: [ColumnRole: String], ownGold: Bool, ownWeights: Bool, ownProbabilities: Bool
  ) -> TextUse {
    TextUse(
      what: "rewards", remedy: "--column reward=NAME",
      roles: ColumnRole.allCases.filter {
        ($0 != .gold || ownGold) && ($0 != .logWeight || ownWeights)
          && ($0 != .logProbability || ownProbabilities)
      }, chosen: chosen, rewardGuesses: ColumnRole.reward.guesses)
  }

  /// A file that holds one kind of number beside the rewards' file.
  ///
  /// - Parameter key: the column as `FILE:key` names it.
  static func companion(
    _ role: ColumnRole, key: String?, chosen: [ColumnRole: String]
  ) -> TextUse {
    var names: [ColumnRole: String] = [:]
    names[.prompt] = chosen[.prompt]
    names[.reward] = key ?? chosen[role]
    let (what, guesses) =
      switch role {
      case .gold: ("gold rewards", ColumnRole.gold.guesses + ColumnRole.reward.guesses)
      case .logProbability: ("log-probabilities", role.guesses)
      default: ("log weights", UsualColumnNames.logWeights)
      }
    return TextUse(
      what: what, remedy: "FILE:COLUMN", roles: [.prompt, .reward], chosen: names,
      rewardGuesses: guesses)
  }

  func guesses(_ role: ColumnRole) -> [String] {
    role == .reward ? rewardGuesses : role.guesses
  }

  /// The user's `--column role=name` by role.
  ///
  /// - Throws: `.usage` for a role that does not exist.
  static func chosen(_ columns: [String: String]) throws(EsscherError) -> [ColumnRole: String] {
    var chosen: [ColumnRole: String] = [:]
    for (name, column) in columns {
      guard let role = ColumnRole.allCases.first(where: { $0.name == name }) else {
        let roles = ColumnRole.allCases.map(\.name).joined(separator: ", ")
        throw EsscherError(.usage, "--column \(name)=\(column): the roles are \(roles)")
      }
      chosen[role] = column
    }
    return chosen
  }
}

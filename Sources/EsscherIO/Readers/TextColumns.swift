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

  /// Name of the role in `--column role=name`.
  var name: String {
    switch self {
    case .prompt: "prompt"
    case .reward: "reward"
    case .gold: "gold"
    case .logWeight: "logweight"
    case .sampleCount: "num_samples"
    case .correctCount: "num_correct"
    }
  }

  /// Column names that are taken for the role, the first that exists wins.
  var guesses: [String] {
    switch self {
    case .prompt:
      ["prompt_id", "prompt_idx", "task_id", "doc_id", "custom_id", "id", "prompt", "input"]
    case .reward:
      ["rewards", "reward", "scores", "score", "rm_scores", "all_rm_scores", "proxy_scores"]
    case .gold: ["gold_scores", "gold_score", "gold_rewards", "gold_reward", "gold"]
    case .logWeight: []
    case .sampleCount: ["num_samples"]
    case .correctCount: ["num_correct"]
    }
  }
}

/// The columns a text file is read by.
struct TextColumns {
  private(set) var names: [ColumnRole: String] = [:]

  subscript(role: ColumnRole) -> String? { names[role] }

  /// A table of counts: how many samples, and how many of them correct.
  var isCounts: Bool {
    names[.reward] == nil && names[.sampleCount] != nil && names[.correctCount] != nil
  }

  /// Matches the columns that exist with roles.
  ///
  /// - Parameters:
  ///   - fields: names in the file's header or first line.
  ///   - chosen: the user's names by role name.
  /// - Throws: `.usage` for a role that does not exist, `.badInput` where no reward column is found,
  ///   both with the names that there are.
  init(
    fields: [String], chosen: [String: String], place: EsscherError.Location
  ) throws(EsscherError) {
    let shown = fields.prefix(20).joined(separator: ", ")
    for role in chosen.keys where !ColumnRole.allCases.contains(where: { $0.name == role }) {
      let roles = ColumnRole.allCases.map(\.name).joined(separator: ", ")
      throw EsscherError(.usage, "--column \(role)=…: the roles are \(roles)")
    }
    for role in ColumnRole.allCases {
      if let name = chosen[role.name] {
        guard fields.contains(name) else {
          throw EsscherError(
            .badInput, "has no column '\(name)'; its columns are \(shown)", at: place)
        }
        names[role] = name
      } else {
        names[role] = role.guesses.first { fields.contains($0) }
      }
    }
    if chosen["reward"] == nil, names[.sampleCount] != nil, names[.correctCount] != nil {
      names[.reward] = nil
    }
    guard names[.reward] != nil || isCounts else {
      throw EsscherError(
        .badInput,
        "has no column of rewards; its columns are \(shown). Say which with --column reward=NAME",
        at: place)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// One option of the program as data: its names, its documentation, where it belongs and what it
// records. The parser and the help are both generated from the table of these, so they agree.

internal import Esscher
internal import EsscherOptions

/// Headings under which the help lists options.
enum OptionCategory: String, CaseIterable, Sendable {
  case input = "Input"
  case grids = "Grids"
  case estimation = "Estimation"
  case simulation = "Simulation"
  case machine = "Machine"
  case sweep = "Sweeps in parts"
  case output = "Output"
  case general = "General"
}

/// One option.
struct Option: Sendable {
  /// What an option does to the record when it is met.
  enum Update: Sendable {
    /// A switch: takes no value.
    case flag(@Sendable (inout LowArguments) -> Void)
    /// Takes a value, shown in the help as `placeholder`.
    case value(
      placeholder: String,
      @Sendable (_ record: inout LowArguments, _ text: String) throws(EsscherError) -> Void)
  }

  /// Long name without dashes; nil for an option that has only a letter.
  let name: String?
  let letter: Character?
  let category: OptionCategory
  let commands: Set<CommandName>
  /// What the option means, in one or two sentences.
  let documentation: String
  let update: Update

  /// A switch.
  static func flag(
    _ name: String, letter: Character? = nil, _ category: OptionCategory,
    _ commands: Set<CommandName>, _ documentation: String,
    update: @escaping @Sendable (inout LowArguments) -> Void
  ) -> Option {
    Option(
      name: name, letter: letter, category: category, commands: commands,
      documentation: documentation, update: .flag(update))
  }

  /// An option with a value.
  static func value(
    _ name: String?, letter: Character? = nil, _ placeholder: String, _ category: OptionCategory,
    _ commands: Set<CommandName>, _ documentation: String,
    update:
      @escaping @Sendable (_ record: inout LowArguments, _ text: String) throws(EsscherError) ->
      Void
  ) -> Option {
    Option(
      name: name, letter: letter, category: category, commands: commands,
      documentation: documentation, update: .value(placeholder: placeholder, update))
  }

  /// An option of a request, which other callers than the command line take too.
  static func request(
    _ option: RequestOption, _ category: OptionCategory, _ commands: Set<CommandName>
  ) -> Option {
    switch option.update {
    case .flag(let update):
      return .flag(option.name, category, commands, option.documentation) { update(&$0.asked) }
    case .value(let placeholder, let update):
      return .value(option.name, placeholder, category, commands, option.documentation) {
        (record, text) throws(EsscherError) in try update(&record.asked, text)
      }
    }
  }

  /// The option as messages name it: `--betas` or `-o`.
  var spelling: String {
    if let name { return "--" + name }
    return letter.map { "-\($0)" } ?? ""
  }
}

/// The table of every option.
enum OptionTable {
  static let all: [Option] =
    inputOptions + gridOptions + estimationOptions + ensembleOptions + simulationOptions
    + machineOptions + sweepOptions + outputOptions + generalOptions

  static func options(of command: CommandName) -> [Option] {
    all.filter { $0.commands.contains(command) }
  }
}

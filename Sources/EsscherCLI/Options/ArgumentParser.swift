// SPDX-License-Identifier: Apache-2.0
// Reads the command line against the option table. Accepts `--name=value`, `--name value`, `-x`,
// `-xVALUE`, `-x VALUE`, clusters of switches, and `--`, after which nothing is an option.

internal import Esscher
internal import EsscherOptions

/// What the command line asks for.
enum Invocation: Sendable {
  case help(CommandName?)
  case version
  case run(CommandName, LowArguments)
}

/// The parser.
struct ArgumentParser {
  private var rest: ArraySlice<String>
  private var record = LowArguments()
  private let command: CommandName
  private let options: [Option]

  /// - Parameter arguments: without the program's name.
  static func parse(_ arguments: [String]) throws(EsscherError) -> Invocation {
    guard let first = arguments.first else {
      throw EsscherError(
        .usage,
        "No command was given; use one of \(ValueParsing.list(commandNames)), or --help.")
    }
    switch first {
    case "--help", "-h": return .help(nil)
    case "--version", "-V": return .version
    default: break
    }
    guard let command = CommandName(rawValue: first) else {
      let kind = first.hasPrefix("-") ? "option before a command" : "command"
      throw EsscherError(
        .usage,
        "Unknown \(kind) '\(first)'." + Suggestion.sentence(for: first, among: commandNames)
          + " See esscher --help.")
    }
    var parser = ArgumentParser(command: command, arguments: arguments.dropFirst())
    return try parser.run()
  }

  private static let commandNames = CommandName.allCases.map(\.rawValue)

  private init(command: CommandName, arguments: ArraySlice<String>) {
    self.command = command
    self.options = OptionTable.options(of: command)
    self.rest = arguments
  }

  private mutating func run() throws(EsscherError) -> Invocation {
    while let word = rest.popFirst() {
      if word == "--" {
        record.positionals += rest
        break
      } else if word.hasPrefix("--") {
        try readLong(word)
      } else if word.hasPrefix("-"), word != "-" {
        try readCluster(word)
      } else {
        record.positionals.append(word)
      }
      if record.help { return .help(command) }
      if record.version { return .version }
    }
    return .run(command, record)
  }

  private mutating func readLong(_ word: String) throws(EsscherError) {
    let body = word.dropFirst(2)
    let split = body.firstIndex(of: "=")
    let name = String(split.map { body[..<$0] } ?? body)
    let attached = split.map { String(body[body.index(after: $0)...]) }
    guard let option = options.first(where: { $0.name == name }) else {
      throw unknown("--" + name)
    }
    switch option.update {
    case .flag(let update):
      guard attached == nil else {
        throw EsscherError(.usage, "--\(name) is a switch and takes no value; write --\(name).")
      }
      update(&record)
    case .value(let placeholder, let update):
      if let attached {
        try update(&record, attached)
      } else {
        try update(&record, try nextValue(of: "--" + name, placeholder))
      }
    }
  }

  private mutating func readCluster(_ word: String) throws(EsscherError) {
    var letters = word.dropFirst()
    while let letter = letters.popFirst() {
      guard let option = options.first(where: { $0.letter == letter }) else {
        throw unknown("-\(letter)")
      }
      switch option.update {
      case .flag(let update): update(&record)
      case .value(let placeholder, let update):
        let attached = letters.first == "=" ? letters.dropFirst() : letters
        let text =
          letters.isEmpty ? try nextValue(of: "-\(letter)", placeholder) : String(attached)
        try update(&record, text)
        return
      }
    }
  }

  /// The next word as a value. One that begins with `--` is far more likely an option whose
  /// predecessor lacks its value; `--name=--value` says it is meant.
  private mutating func nextValue(
    of option: String, _ placeholder: String
  ) throws(EsscherError) -> String {
    guard let word = rest.first, !word.hasPrefix("--") else {
      let joint = option.hasPrefix("--") ? "=" : " "
      throw EsscherError(.usage, "\(option) needs a value: \(option)\(joint)\(placeholder).")
    }
    rest.removeFirst()
    return word
  }

  private func unknown(_ spelling: String) -> EsscherError {
    let names = options.compactMap { $0.name.map { "--" + $0 } }
    let elsewhere = OptionTable.all.first { $0.spelling == spelling }
    let remedy =
      elsewhere.map { " It belongs to \(ValueParsing.list($0.commands.map(\.rawValue).sorted()))." }
      ?? Suggestion.sentence(for: spelling, among: names)
    return EsscherError(
      .usage,
      "Unknown option '\(spelling)' of \(command.rawValue).\(remedy) "
        + "See esscher \(command.rawValue) --help.")
  }
}

// SPDX-License-Identifier: Apache-2.0
// The help texts, generated from the commands and the option table.

internal import Esscher

/// The texts of `--help` and `--version`.
enum Help {
  /// The version the program reports.
  static let version = Engine.version

  private static let width = 80

  /// `esscher --help`.
  static var program: String {
    var text = "Usage: esscher COMMAND [OPTIONS]\n\n"
    text += wrap(
      "Estimates how much reward a KL budget can buy a language model, and how close best-of-n "
        + "comes, from samples of the base model alone.", indent: 0)
    text += "\nCommands:\n"
    for command in CommandName.allCases {
      text += "  " + padded(command.rawValue, to: 10) + "  " + command.summary + "\n"
    }
    text += "\nOptions:\n"
    for option in OptionTable.generalOptions { text += entry(option) }
    text += "\nSee esscher COMMAND --help for a command's options.\n"
    return text
  }

  /// `esscher COMMAND --help`.
  static func text(for command: CommandName) -> String {
    let positional = command.positional.map { " " + $0 } ?? ""
    var text = "Usage: esscher \(command.rawValue)\(positional) [OPTIONS]\n\n"
    text += wrap(command.description, indent: 0)
    for category in OptionCategory.allCases {
      let options = OptionTable.options(of: command).filter { $0.category == category }
      guard !options.isEmpty else { continue }
      text += "\n\(category.rawValue):\n"
      for option in options { text += entry(option) }
    }
    text += command.examples.count == 1 ? "\nExample:\n" : "\nExamples:\n"
    for example in command.examples { text += "  \(example)\n" }
    return text
  }

  private static func entry(_ option: Option) -> String {
    var names = option.letter.map { "-\($0)" } ?? "   "
    if let name = option.name { names += option.letter == nil ? " --\(name)" : ", --\(name)" }
    if case .value(let placeholder, _) = option.update { names += " " + placeholder }
    return "  " + names + "\n" + wrap(option.documentation, indent: 10)
  }

  private static func padded(_ text: String, to count: Int) -> String {
    text + String(repeating: " ", count: max(0, count - text.count))
  }

  private static func wrap(_ text: String, indent: Int) -> String {
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, indent + last.count + 1 + word.count <= width {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines.map { margin + $0 + "\n" }.joined()
  }
}

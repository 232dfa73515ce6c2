// SPDX-License-Identifier: Apache-2.0
// Sentences for the user on standard error: errors, warnings, notices.

/// Writes messages, coloured on a terminal unless that is unwanted.
struct Diagnostics {
  let console: any Console
  var isQuiet: Bool
  /// Whether colour is allowed at all; each stream also has to be a terminal.
  var allowsColor: Bool

  init(console: any Console, isQuiet: Bool, noColor: Bool) {
    self.console = console
    self.isQuiet = isQuiet
    let unwanted = console.environment("NO_COLOR").map { !$0.isEmpty } ?? false
    allowsColor = !noColor && !unwanted
  }

  func error(_ sentence: String) { say("error: ", color: 31, sentence) }

  func warning(_ sentence: String) {
    if !isQuiet { say("warning: ", color: 33, sentence) }
  }

  func notice(_ sentence: String) {
    if !isQuiet { say("", color: 0, sentence) }
  }

  private func say(_ kind: String, color: Int, _ sentence: String) {
    let paints = allowsColor && console.errorIsTerminal && !kind.isEmpty
    let label = paints ? "\u{1B}[1;\(color)m\(kind)\u{1B}[0m" : kind
    console.report("esscher: \(label)\(sentence)\n")
  }
}

// SPDX-License-Identifier: Apache-2.0
// The per-prompt CSV, written as the prompts come so that it never has to fit in memory.

public import EsscherCore
internal import EsscherReport

/// Streams the lines of `--per-prompt` into a file.
public final class PromptPointWriter {
  private let file: OutputFile
  private let promptIDs: [String]?

  /// Writes the header.
  /// - Parameter promptIDs: identifiers in row order, where the input has them.
  public init(to file: OutputFile, promptIDs: [String]?) throws(EsscherError) {
    self.file = file
    self.promptIDs = promptIDs
    try file.write(PromptPointText.header)
  }

  /// Forgets every line, for a run that starts again.
  public func restart() throws(EsscherError) {
    try file.rewind()
    try file.write(PromptPointText.header)
  }

  /// Appends the lines of a prompt.
  public func write(_ points: [PromptPoint]) throws(EsscherError) {
    for point in points { try file.write(PromptPointText.line(point, promptIDs: promptIDs)) }
  }
}

// SPDX-License-Identifier: Apache-2.0
// The per-prompt CSV, written as the prompts come so that it never has to fit in memory.

public import EsscherCore
internal import EsscherReport

/// Streams the lines of `--per-prompt` into a file.
public final class PromptPointWriter {
  /// Column names, in order.
  public static let header =
    "prompt,prompt_id,samples,curve,beta,lambda,n,kl,reverse_kl,jeffreys,reward,gain,gold,win_rate,"
    + "ess,kl_ceiling,khat,max_weight,kl_bias,gain_bias,gold_bias,kl_se,reward_se,gain_se,gold_se,"
    + "kl_se_delta,gain_se_delta,gold_se_delta"

  private let file: OutputFile
  private let promptIDs: [String]?

  /// Writes the header.
  /// - Parameter promptIDs: identifiers in row order, where the input has them.
  public init(to file: OutputFile, promptIDs: [String]?) throws(EsscherError) {
    self.file = file
    self.promptIDs = promptIDs
    try file.write(Self.header + "\n")
  }

  /// Forgets every line, for a run that starts again.
  public func restart() throws(EsscherError) {
    try file.rewind()
    try file.write(Self.header + "\n")
  }

  /// Appends the lines of a prompt.
  public func write(_ points: [PromptPoint]) throws(EsscherError) {
    for point in points { try file.write(line(point)) }
  }

  private func line(_ point: PromptPoint) -> String {
    var identifier = ""
    if let promptIDs, promptIDs.indices.contains(point.prompt) {
      identifier = CSVText.quoted(promptIDs[point.prompt])
    }
    var cells = [String(point.prompt), identifier, String(point.sampleCount), point.curve.rawValue]
    cells += [CSVText.cell(point.beta), CSVText.cell(point.lambda)]
    cells.append(point.n.map(String.init) ?? "")
    cells += [
      point.kl, point.reverseKL, point.jeffreys, point.reward, point.gain, point.gold,
      point.winRate, point.ess, point.klCeiling, point.khat, point.bias?.largestWeight,
      point.bias?.kl, point.bias?.gain, point.gold == nil ? nil : point.bias?.gold,
      point.errors.kl, point.errors.reward, point.errors.gain, point.errors.gold,
      point.errors.klDelta, point.errors.gainDelta, point.errors.goldDelta,
    ].map { CSVText.cell($0) }
    return cells.joined(separator: ",") + "\n"
  }
}

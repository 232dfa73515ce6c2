// SPDX-License-Identifier: Apache-2.0
// The text of the per-prompt CSV, for files and for callers in memory alike.

public import EsscherCore

/// Lines of `--per-prompt`.
public enum PromptPointText {
  /// Column names, in order, with the line's end.
  public static let header =
    "prompt,prompt_id,samples,curve,beta,lambda,n,kl,reverse_kl,jeffreys,reward,gain,gold,win_rate,"
    + "ess,kl_ceiling,khat,max_weight,kl_bias,gain_bias,gold_bias,kl_se,reward_se,gain_se,gold_se,"
    + "kl_se_delta,gain_se_delta,gold_se_delta\n"

  /// The line of a point, with its end; a value that is not defined is an empty cell.
  ///
  /// - Parameters:
  ///   - point: of a prompt.
  ///   - promptIDs: identifiers in row order, where the input has them.
  public static func line(_ point: PromptPoint, promptIDs: [String]?) -> String {
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

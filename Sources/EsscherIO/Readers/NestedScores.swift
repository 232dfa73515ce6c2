// SPDX-License-Identifier: Apache-2.0
// Lists inside the list of rewards: one a sample, with a score of each reward model, as tools that score a
// sample with several models write them. One list a model looks the same, so that the shape has to tell.

internal import CJSONLines
internal import EsscherCore

/// What the lines of a file say about lists inside their lists of rewards.
struct NestedScores {
  let name: String
  private var width = 0
  private var hasPlainNumbers = false
  /// Whether some prompt has more lists than each list has numbers, which lists a model would not have.
  private var isTold = false
  private var firstLine = 0

  init(name: String) { self.name = name }

  /// Takes a line into account.
  ///
  /// - Throws: `.badInput` where it contradicts the lines before.
  mutating func look(at line: cjl_line) throws(EsscherError) {
    let (count, inner) = (unsafe Int(line.counts.1), unsafe Int(line.width))
    guard inner > 0 else {
      guard !hasPlainNumbers, count > 0, let values = unsafe line.values.1 else { return }
      hasPlainNumbers = (0..<count).contains { unsafe !values[$0].isNaN }
      if hasPlainNumbers, width > 0 { throw unsafe refusal(Self.mixed, line) }
      return
    }
    guard !hasPlainNumbers else { throw unsafe refusal(Self.mixed, line) }
    if width == 0 { (width, firstLine) = unsafe (inner, Int(line.number)) }
    guard inner == width else {
      throw unsafe refusal(Self.ragged("\(width) and \(inner)"), line)
    }
    if count > inner { isTold = true }
  }

  /// Names of the models, nil where there are no lists inside lists, or lists of one number.
  ///
  /// - Throws: `.badInput` where lists a sample cannot be told from lists a model.
  func memberNames(_ columns: TextColumns) throws(EsscherError) -> [String]? {
    guard width > 1 else { return nil }
    let place = EsscherError.Location(file: name, line: firstLine)
    guard columns.rewardColumns.isEmpty else {
      throw EsscherError(
        .badInput,
        "lists inside the lists of scores, and several columns of rewards; name one of them, or write one "
          + "number a sample", at: place)
    }
    guard isTold else {
      throw EsscherError(
        .badInput,
        "several rewards a sample as lists inside the list of scores, but no prompt has more lists than "
          + "each has numbers (\(width)), so that lists a sample cannot be told from lists a model; write "
          + "each model's scores to a field of its own and name them with --column reward=A,B",
        at: place)
    }
    let column = columns[.reward] ?? "rewards"
    return (0..<width).map { "\(column)[\($0)]" }
  }

  /// The sentence for lists of different lengths.
  static func ragged(_ lengths: String) -> String {
    "the lists inside the list of scores differ in length (\(lengths)); each must hold the scores of one "
      + "sample, one a reward model. Scores of steps must be aggregated first; lists a model go to fields "
      + "of their own, named with --column reward=A,B"
  }

  private static let mixed =
    "plain numbers and lists of several rewards a sample are mixed; write all prompts in one way"

  private func refusal(_ sentence: String, _ line: cjl_line) -> EsscherError {
    EsscherError(
      .badInput, sentence, at: EsscherError.Location(file: name, line: unsafe Int(line.number)))
  }
}

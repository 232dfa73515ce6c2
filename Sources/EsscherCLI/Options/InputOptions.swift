// SPDX-License-Identifier: Apache-2.0
// Options that say what is read and how.

internal import Esscher
internal import EsscherIO
internal import EsscherOptions

extension OptionTable {
  static let inputOptions: [Option] = [
    .value(
      "input-format", "FORMAT", .input, [.frontier],
      "Format of the input: npy, npz, jsonl, csv or tsv. Needed for standard input; otherwise the "
        + "ending of the file says it."
    ) { (record, text) throws(EsscherError) in
      record.inputFormat = try ValueParsing.choice(text, option: "--input-format")
    },
    .value(
      "key", "NAME", .input, [.frontier], "Name of the array inside an .npz file."
    ) { (record, text) throws(EsscherError) in
      record.key = try ValueParsing.nonEmpty(text, option: "--key")
    },
    .value(
      "gold", "FILE[:KEY]", .input, [.frontier, .bench],
      "Gold reward of the same samples, in the same shape."
    ) { (record, text) throws(EsscherError) in
      record.gold = try ValueParsing.nonEmpty(text, option: "--gold")
    },
    .value(
      "log-weights", "FILE[:KEY]", .input, [.frontier],
      "Log importance weights of the same samples, when they were not drawn from the base policy."
    ) { (record, text) throws(EsscherError) in
      record.logWeights = try ValueParsing.nonEmpty(text, option: "--log-weights")
    },
    .value(
      "logprobs", "FILE[:KEY]", .input, [.frontier],
      "Log-probabilities of the same samples under the base policy, for the estimate of best-of-n's KL "
        + "from them."
    ) { (record, text) throws(EsscherError) in
      record.logProbabilities = try ValueParsing.nonEmpty(text, option: "--logprobs")
    },
    .value(
      "policies", "FILE", .input, [.frontier],
      "Trained policies to place against the frontier: a CSV file with the columns name,kl,reward and, "
        + "where measured, gold; KL to the base policy in nats."
    ) { (record, text) throws(EsscherError) in
      record.policies = try ValueParsing.nonEmpty(text, option: "--policies")
    },
    .value(
      "column", "ROLE=NAME", .input, [.frontier],
      "Column or field of a text input that plays a role (prompt, reward, gold, logweight, logprob, "
        + "num_samples, num_correct); repeatable. reward=A,B,C names several reward models. Without it the usual "
        + "names are tried."
    ) { (record, text) throws(EsscherError) in
      guard let split = text.firstIndex(of: "="), split > text.startIndex,
        text.index(after: split) < text.endIndex
      else {
        throw EsscherError(
          .usage, "--column takes ROLE=NAME, for example reward=rm_score, not '\(text)'.")
      }
      let role = String(text[..<split])
      guard record.columns[role] == nil else {
        throw EsscherError(.usage, "--column names the role '\(role)' twice; keep one of them.")
      }
      record.columns[role] = String(text[text.index(after: split)...])
    },
    .request(.missing, .input, [.frontier]),
  ]
}

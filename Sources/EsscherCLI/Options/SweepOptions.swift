// SPDX-License-Identifier: Apache-2.0
// Options of sweeps whose prompts are spread over many runs.

internal import Esscher
internal import EsscherOptions

extension OptionTable {
  static let sweepOptions: [Option] = [
    .value(
      "shard", "I/N", .sweep, [.frontier],
      "Run over the I-th of N parts of the prompts alone and write --state in place of a report; esscher merge "
        + "puts the parts together."
    ) { (record, text) throws(EsscherError) in
      let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2, let index = Int(parts[0]), let count = Int(parts[1]),
        let shard = Shard(index: index, count: count)
      else {
        throw EsscherError(
          .usage,
          "--shard takes I/N with I from 1 to N and N at most 1,000,000, for example 3/17, not '\(text)'."
        )
      }
      record.shard = shard
    },
    .value(
      "state", "FILE", .sweep, [.frontier, .merge],
      "Where the partial result goes: a shard's, or the merge's that the next round of shards goes by."
    ) { (record, text) throws(EsscherError) in
      guard text != "-" else {
        throw EsscherError(.usage, "--state needs a file: a state is bytes for esscher merge.")
      }
      record.state = try ValueParsing.nonEmpty(text, option: "--state")
    },
    .value(
      "after", "FILE", .sweep, [.frontier],
      "The state that the last merge wrote: this shard's next round goes by it. Where the sweep is "
        + "finished, nothing is done."
    ) { (record, text) throws(EsscherError) in
      record.after = try ValueParsing.nonEmpty(text, option: "--after")
    },
  ]
}

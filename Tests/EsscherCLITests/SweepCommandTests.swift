// SPDX-License-Identifier: Apache-2.0
// `frontier --shard` and `merge` as a user runs them.

import EsscherTestSupport
import Testing

@testable import EsscherCLI

@Suite("esscher merge")
struct SweepCommandTests {
  @Test("shards, merges and rounds end in the bytes of one run")
  func bytes() throws {
    let file = ScratchFile(sampleText, ending: ".csv")
    let folder = ScratchFolder()
    let merged = "\(folder.path)/sweep.state"
    let whole = esscher("frontier", file.path, "--format", "csv", "--resamples", "30")
    var after: [String] = []
    for round in 1...20 {
      let states = (1...3).map { "\(folder.path)/\($0).state" }
      for (index, state) in states.enumerated() {
        let shard = esscher(
          arguments: ["frontier", file.path, "--resamples", "30", "--shard", "\(index + 1)/3"]
            + ["--state", state] + after)
        #expect(shard.code == 0 && shard.output == "" && shard.errors == "")
      }
      let merge = esscher(
        arguments: ["merge"] + states.reversed() + (round > 1 ? [merged] : [])
          + ["--state", merged, "--format", "csv"])
      if merge.code == 0 {
        #expect(round > 1)
        #expect(merge.output == whole.output)
        break
      }
      #expect(merge.code == 6 && merge.output == "")
      #expect(merge.errors.hasPrefix("esscher: Round \(round) is merged"))
      #expect(merge.errors.contains("--after \(merged)"))
      after = ["--after", merged]
    }
    // A job that comes late finds nothing to do.
    let late = esscher(
      "frontier", file.path, "--resamples", "30", "--shard", "1/3", "--state",
      "\(folder.path)/late.state", "--after", merged)
    #expect(late.code == 0 && late.errors.contains("the sweep is finished"))
    #expect(folder.names == ["1.state", "2.state", "3.state", "sweep.state"])
  }

  @Test("what does not fit together is a sentence with exit code 2 or 3")
  func refusals() throws {
    let file = ScratchFile(sampleText, ending: ".csv")
    let folder = ScratchFolder()
    let state = "\(folder.path)/1.state"
    for (arguments, sentence) in [
      (["--shard", "0/3"], "I from 1 to N"), (["--shard", "4/3"], "I from 1 to N"),
      (["--shard", "a"], "I from 1 to N"), (["--shard", "1/3"], "add --state"),
      (["--state", state], "add --shard"), (["--after", state], "add --shard"),
      (["--shard", "1/3", "--state", state, "-o", "x.csv"], "give -o to esscher merge"),
      (["--shard", "1/3", "--state", state, "--plot", "x.svg"], "give --plot to esscher merge"),
      (["--shard", "1/3", "--state", state, "--per-prompt", "x.csv"], "--per-prompt"),
      (["--shard", "1/3", "--state", "-"], "needs a file"),
      (["--shard", "1/3", "--state", file.path], "would replace the input"),
    ] {
      let run = esscher(arguments: ["frontier", file.path] + arguments)
      #expect(run.code == 2, "\(arguments)")
      #expect(run.errors.contains(sentence), "\(arguments): \(run.errors)")
    }
    #expect(folder.names == [])
    #expect(esscher("merge").code == 2)
    let text = esscher("merge", file.path)
    #expect(text.code == 3 && text.errors.contains("is no state of a sweep"))
    #expect(text.errors.contains(file.path))
    #expect(esscher("merge", "\(folder.path)/none.state").code == 3)
    let shard = ["frontier", file.path, "--resamples", "9", "--shard", "1/2", "--state", state]
    #expect(esscher(arguments: shard).code == 0)
    let alone = esscher("merge", state)
    #expect(alone.code == 3 && alone.errors.contains("shard 2 of 2 is missing"))
    let other = esscher(
      "frontier", file.path, "--resamples", "9", "--shard", "1/2", "--state",
      "\(folder.path)/2.state", "--after", state)
    #expect(other.code == 3 && other.errors.contains("the state of a shard"))
    let whole = esscher(
      "frontier", file.path, "--shard", "1/1", "--state", state, "--resamples", "9")
    #expect(whole.code == 0)
    let unkept = esscher("merge", state)
    #expect(unkept.code == 2 && unkept.errors.contains("add --state FILE"))
    #expect(esscher("merge", state, "-o", state, "--format", "csv").code == 2)
    let cancelled = esscher(
      "frontier", file.path, "--shard", "1/1", "--state", "\(folder.path)/c.state", cancelled: true)
    #expect(cancelled.code == 130)
    #expect(folder.names == ["1.state"])
  }
}

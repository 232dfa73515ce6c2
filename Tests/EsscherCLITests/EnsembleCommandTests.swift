// SPDX-License-Identifier: Apache-2.0
// Several reward models on the command line: options, the table, the picture.

import EsscherTestSupport
import Testing

@testable import EsscherCLI

@Suite("esscher frontier with several rewards")
struct EnsembleCommandTests {
  /// Six prompts of twelve samples, two models.
  private let text: String = {
    var text = "prompt_id,rm_a,rm_b,gold\n"
    for index in 0..<72 {
      text += "p\(index / 12),\(index * 7 % 11),\(index * 5 % 13),\(index * 3 % 7)\n"
    }
    return text
  }()

  @Test("the aggregate and its members in every format")
  func formats() throws {
    let file = ScratchFile(text, ending: ".csv")
    let folder = ScratchFolder()
    let run = esscher(
      "frontier", file.path, "--column", "reward=rm_a,rm_b", "--ensemble", "uwo:0.1", "--format",
      "csv", "--lambdas", "0.1", "--ns", "2", "--resamples", "20", "--per-prompt",
      folder.path + "/p.csv", "--plot", folder.path + "/a.gp")
    #expect(run.code == 0 && run.errors == "", "\(run.errors)")
    let lines = csv(run.output)
    #expect(
      lines.map { $0["label"] ?? "" } == (0..<3).flatMap { _ in ["uwo:0.1(2)", "rm_a", "rm_b"] })
    #expect(lines.map { $0["squared_error"] != "" } == (0..<9).map { $0 > 5 })
    // One line a prompt and point of the aggregate, and the header.
    let prompts = ScratchFile.text(at: folder.path + "/p.csv") ?? ""
    #expect(prompts.split(separator: "\n").count == 13)
    let script = ScratchFile.text(at: folder.path + "/a.gp") ?? ""
    #expect(script.contains("title 'rm_a' noenhanced") && script.contains("$member1 << EOD"))
    let table = esscher(
      "frontier", file.path, "--column", "reward=rm_a,rm_b", "--ensemble", "min", "--lambdas", "0.1"
    )
    #expect(table.output.contains("label") && table.output.contains("min(2)"))
    #expect(table.output.contains("sq.err"))
    let single = esscher("frontier", file.path, "--column", "reward=rm_a", "--lambdas", "0.1")
    #expect(!single.output.contains("label"))
  }

  @Test("options that do not fit are refused with exit code 2")
  func refusals() {
    let file = ScratchFile(text, ending: ".csv")
    for (arguments, sentence) in [
      (["--column", "reward=rm_a,rm_b"], "--ensemble mean, median, min, uwo:C or entropic:B"),
      (["--column", "reward=rm_a,rm_b", "--ensemble", "max"], "not 'max'"),
      (["--column", "reward=rm_a,rm_b", "--ensemble", "uwo:-1"], "C at least 0"),
      (
        ["--column", "reward=rm_a,rm_b", "--ensemble", "mean", "--standardize", "z"],
        "--standardize"
      ),
      (["--column", "reward=rm_a", "--ensemble", "mean"], "is for several reward models"),
    ] {
      let console = TestConsole()
      let code = CommandLineTool.run(
        arguments: ["esscher", "frontier", file.path] + arguments, console: console,
        isCancelled: { false })
      #expect(code == 2 && console.errors.contains(sentence), "\(console.errors)")
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// The option table: what parses, what is refused with which sentence.

import EsscherCore
import Testing

@testable import EsscherCLI

@Suite("Options of frontier")
struct FrontierOptionsTests {
  @Test("both spellings of a value, files after a double dash")
  func parses() throws {
    let arguments = try FrontierOptions.parse([
      "--kl-budgets=2,1,1", "--ns", "4,1", "--memory-budget", "256MiB", "--", "--odd.npy",
    ])
    #expect(arguments.budgets == [1, 2])
    #expect(arguments.bestOf == [1, 4])
    #expect(arguments.request.memoryBudgetBytes == 256 << 20)
    #expect(arguments.rewards == ["--odd.npy"])
  }

  @Test("grids hit their ends exactly")
  func grids() throws {
    let log = try GridSpec.numbers("log:0.01:50:64", option: "--lambdas")
    #expect(log.count == 64 && log.first == 0.01 && log.last == 50)
    #expect(try GridSpec.numbers("lin:0:1:5", option: "--lambdas") == [0, 0.25, 0.5, 0.75, 1])
  }

  @Test(
    "refusals",
    arguments: [
      (["--betas", "0"], "beta must be above 0"), (["--lambdas", "-1"], "must not be negative"),
      (["--lambdas", "1,,2"], "is not a grid"), (["--lambdas", "log:0:1:5"], "LO above 0"),
      (["--ns", "1.5"], "whole number"), (["--seed"], "needs a value"),
      (["--bogus"], "unknown option"), (["--memory-budget", "1MiB"], "at least 16MiB"),
      (["--confidence", "1"], "between 0 and 1"), (["--help=yes"], "takes no value"),
    ])
  func refuses(words: [String], sentence: String) {
    #expect {
      _ = try FrontierOptions.parse(words)
    } throws: { error in
      guard let error = error as? EsscherError else { return false }
      return error.code == .usage && error.message.contains(sentence)
    }
  }

  @Test("help names every option")
  func help() {
    for option in FrontierOptions.table { #expect(FrontierOptions.help.contains(option.name)) }
  }

  @Test("exit codes", arguments: [(["--version"], 0), (["bogus"], 2), ([], 2)])
  func exitCodes(words: [String], code: Int) {
    #expect(CommandLineTool.run(arguments: words) == Int32(code))
  }
}

// SPDX-License-Identifier: Apache-2.0
// The option table: what parses, what is refused with which sentence, and what the help shows.

import Esscher
import EsscherOptions
import EsscherTestSupport
import Testing

@testable import EsscherCLI

@Suite("Command line")
struct ParserTests {
  private func parse(_ arguments: String...) throws -> LowArguments {
    guard case .run(_, let record) = try ArgumentParser.parse(arguments) else {
      throw EsscherError(.internal, "not a command")
    }
    return record
  }

  @Test("every spelling of a value, clusters, files after a double dash")
  func spellings() throws {
    let record = try parse(
      "frontier", "--kl-budgets=2,1,1", "--ns", "4,1", "-qo", "a.csv", "-o=b.json", "-oc.jsonl",
      "--memory-budget", "256MiB", "-", "--", "--odd.npy")
    #expect(record.klBudgets?.values == [2, 1, 1])
    #expect(record.ns == .list([4, 1]))
    #expect(record.quiet)
    #expect(record.outputs == ["a.csv", "b.json", "c.jsonl"])
    #expect(record.memoryBudgetBytes == 256 << 20)
    #expect(record.positionals == ["-", "--odd.npy"])
  }

  @Test("curves by name, and the sentence for one that is none")
  func curves() throws {
    #expect(try parse("frontier", "a.npy").curves == [.tilt, .bestOfN])
    let all = "tilt,best_of_n,best_of_poisson,soft_best_of_n,rewind_and_repeat,equal_kl"
    #expect(
      try parse("frontier", "a.npy", "--curves", all).curves == [
        .tilt, .bestOfN, .bestOfPoisson, .softBestOfN, .rewindAndRepeat, .equalKL,
      ])
    #expect(try parse("frontier", "a.npy", "--curves", "tilt,tilt").curves == [.tilt])
    for (text, part) in [
      ("best_of_possion", "Did you mean best_of_poisson?"), ("", "'' is none of them"),
      ("tilt,", "such as tilt,best_of_n"), ("budget", "'budget' is none of them"),
    ] {
      #expect {
        _ = try parse("frontier", "a.npy", "--curves", text)
      } throws: { error in
        guard let error = error as? EsscherError else { return false }
        return error.code == .usage && error.message.contains(part)
      }
    }
  }

  @Test("grids hit their ends exactly, and n by powers")
  func grids() throws {
    let log = try GridSpec(parsing: "log:0.01:50:64", option: "--lambdas", allowsZero: true).values
    #expect(log.count == 64 && log.first == 0.01 && log.last == 50)
    let steps = try GridSpec(parsing: "lin:0:1:5", option: "--lambdas", allowsZero: true).values
    #expect(steps == [0, 0.25, 0.5, 0.75, 1])
    #expect(
      try IntegerGridSpec(parsing: "log:1:1024:11", option: "--ns")
        == .list(
          (0...10).map { 1 << $0 }))
    let record = try parse("frontier", "x", "--betas", "0.5,2", "--lambdas", "0,2,1")
    #expect(record.lambdaGrid == [0, 0.5, 1, 2])
  }

  @Test(
    "refusals",
    arguments: [
      (["frontier", "--lamdas", "1"], "Did you mean --lambdas?"),
      (["frontier", "--exact"], "It belongs to simulate."),
      (["fronteir"], "Did you mean frontier?"),
      ([], "No command was given"),
      (["frontier", "--ns", "1.5"], "whole numbers"),
      (["frontier", "--ns", "0"], "whole numbers"),
      (["frontier", "--betas", "0"], "above 0"),
      (["frontier", "--betas", "1e-310"], "not finite"),
      (["frontier", "--lambdas", "-1"], "at least 0"),
      (["frontier", "--lambdas", "log:0:1:5"], "must start above 0"),
      (["frontier", "--lambdas", "log:2:1:5"], "runs downwards"),
      (["frontier", "--lambdas", "lin:0:1:0"], "from 1 to 100000"),
      (["frontier", "--lambdas", "nan"], "not a finite number"),
      (["frontier", "--lambdas", ""], "at least one number"),
      (["frontier", "--lambdas"], "needs a value: --lambdas=SPEC"),
      (["frontier", "--lambdas", "--quiet"], "needs a value"),
      (["frontier", "--quiet=yes"], "takes no value"),
      (["frontier", "--resamples", "-1"], "from 0 to"),
      (["frontier", "--confidence", "1"], "between 0.0 and 1.0"),
      (["frontier", "--memory-budget", "10"], "at least 16MiB"),
      (["frontier", "--memory-budget", "lots"], "256MiB"),
      (["frontier", "--precision", "duoble"], "Did you mean double?"),
      (["frontier", "--column", "reward"], "ROLE=NAME"),
      (["frontier", "--input-format", "xls"], "npy, npz, jsonl, csv or tsv"),
      (["simulate", "normal", "--dtype", "f16"], "--dtype takes"),
    ])
  func refusals(arguments: [String], part: String) {
    #expect {
      _ = try ArgumentParser.parse(arguments)
    } throws: { error in
      (error as? EsscherError).map { $0.code == .usage && $0.message.contains(part) } ?? false
    }
  }

  @Test("the help names every option, in lines of at most 80 columns")
  func help() {
    #expect(esscher("--version").output == "esscher \(Engine.version)\n")
    let program = esscher("--help").output
    for command in CommandName.allCases {
      #expect(program.contains("  \(command.rawValue)"))
      let text = esscher(command.rawValue, "--help").output
      #expect(text.split(separator: "\n").allSatisfy { $0.count <= 88 })
      for option in OptionTable.options(of: command) {
        #expect(text.contains(option.spelling), "\(command): \(option.spelling)")
      }
    }
  }

  @Test("no two options of a command share a spelling")
  func distinct() {
    for command in CommandName.allCases {
      let options = OptionTable.options(of: command)
      #expect(Set(options.compactMap(\.name)).count == options.compactMap(\.name).count)
      #expect(Set(options.compactMap(\.letter)).count == options.compactMap(\.letter).count)
    }
  }
}

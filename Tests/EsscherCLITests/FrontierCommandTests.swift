// SPDX-License-Identifier: Apache-2.0
// `esscher frontier` as a user runs it: formats, files that appear whole or not at all, exit codes.

import Esscher
import EsscherIO
import EsscherTestSupport
import Testing

@testable import EsscherCLI

@Suite("esscher frontier")
struct FrontierCommandTests {
  private let header =
    "curve,label,beta,lambda,n,kl,kl_low,kl_high,reverse_kl,jeffreys,reward,reward_low,reward_high,"
    + "gain,gain_low,gain_high,gold,gold_low,gold_high,win_rate,kl_bound,kl_estimate,efficiency,ess,"
    + "khat,kl_ceiling,trusted,n_prompts,note,max_weight,efficiency_low,efficiency_high,win_rate_limit,"
    + "reward_se,allocation,gold_slope,gold_frontier,hacking_gap,hacking_gap_low,hacking_gap_high,hacking_bound,"
    + "equal_beta_gap,fit_alpha,fit_alpha_low,fit_alpha_high,fit_beta,fit_beta_low,fit_beta_high,"
    + "frontier_reward,frontier_reward_low,frontier_reward_high,kl_needed,kl_needed_low,kl_needed_high,"
    + "ambiguity,squared_error,squared_error_low,squared_error_high"

  @Test("policies are placed after the other curves, and a bad table stops the run")
  func policies() throws {
    let file = ScratchFile(sampleText, ending: ".csv")
    let table = ScratchFile("name,kl,reward\nppo,0.1,0.2\n", ending: ".csv")
    let run = esscher(
      "frontier", file.path, "--format", "csv", "--lambdas", "1", "--ns", "2", "--policies",
      table.path,
      "--resamples", "50", "--bias-correct")
    #expect(run.code == 0, "\(run.errors)")
    let line = try #require(csv(run.output).last)
    #expect(line["curve"] == "policy" && line["label"] == "ppo" && line["kl"] == "0.1")
    for column in ["frontier_reward", "frontier_reward_low", "efficiency", "efficiency_high"] {
      #expect(line[column] != "", "\(column)")
    }
    #expect(esscher("frontier", file.path, "--policies", "no-such-file.csv").code == 3)
    #expect(esscher("frontier", file.path, "--policies", table.path, "-o", table.path).code == 2)
  }

  @Test("CSV has the contract's columns, lines in curve order")
  func csvColumns() throws {
    let file = ScratchFile(sampleText, ending: ".csv")
    let run = esscher(
      "frontier", file.path, "--format", "csv", "--betas", "2,1", "--kl-budgets", "0.2,9",
      "--resamples", "50")
    #expect(run.code == 0 && run.errors == "")
    #expect(run.output.hasPrefix(header + "\n"))
    let lines = csv(run.output)
    #expect(
      lines.map { $0["curve"] ?? "" } == [
        "tilt", "tilt", "budget", "budget", "best_of_n", "best_of_n", "best_of_n", "best_of_n",
        "gold_peak",
      ])
    #expect(lines.map { $0["lambda"] ?? "" }.prefix(2) == ["0.5", "1.0"])
    #expect(lines.map { $0["n"] ?? "" }[4..<8] == ["1", "2", "4", "8"])
    #expect(
      ["kl", "gain", "trusted"].allSatisfy { lines[3][$0] == "" }
        && lines[3]["note"]?.contains("the budget 9.0 is not below") == true)
    #expect(lines.allSatisfy { $0["n_prompts"] == "6" && $0["label"] == "reward" })
    // A budget's KL is the budget, and so are its ends.
    #expect(lines[2]["kl"] == "0.2" && lines[2]["kl_low"] == "0.2" && lines[2]["kl_high"] == "0.2")
  }

  @Test("every format holds the same points; JSON has no NaN")
  func formats() throws {
    let file = ScratchFile(sampleText, ending: ".csv")
    let folder = ScratchFile("", ending: ".out")
    let names = ["csv", "json", "jsonl", "txt"].map { folder.path + "." + $0 }
    let run = esscher(
      "frontier", file.path, "-o", names[0], "-o", names[1], "-o", names[2], "-o", names[3], "-o",
      "-", "--format", "csv", "--resamples", "20")
    #expect(run.code == 0, "\(run.errors)")
    let texts = names.map { ScratchFile.text(at: $0) ?? "" }
    #expect(texts[0] == run.output)
    let count = csv(texts[0]).count
    #expect(texts[2].split(separator: "\n").count == count)
    #expect(texts[1].contains("\"provenance\"") && texts[1].contains("\"sha256\": \""))
    for text in [texts[1], texts[2]] {
      #expect(!text.contains("NaN") && !text.contains("Infinity") && !text.contains("inf"))
    }
    for line in texts[2].split(separator: "\n") { #expect(texts[1].contains(line)) }
    #expect(texts[3].contains("best_of_n"))
    for name in names { removeFile(name) }
  }

  @Test("outputs appear whole or not at all, and an earlier one survives a failure")
  func atomic() throws {
    let folder = ScratchFolder()
    let output = folder.path + "/out.csv"
    let bad = ScratchFile("prompt_id,reward\na,x\n", ending: ".csv")
    let good = ScratchFile(sampleText, ending: ".csv")
    let failed = esscher("frontier", bad.path, "-o", output)
    #expect(failed.code == 3 && failed.output == "" && failed.errors.contains("line 2"))
    #expect(folder.names == [])
    #expect(esscher("frontier", good.path, "-o", output, "--resamples", "10").code == 0)
    let first = ScratchFile.text(at: output)
    #expect(first?.hasPrefix("curve,") == true)
    #expect(esscher("frontier", bad.path, "-o", output).code == 3)
    let stopped = esscher("frontier", good.path, "-o", output, cancelled: true)
    #expect(stopped.code == 130 && stopped.output == "")
    #expect(ScratchFile.text(at: output) == first)
    #expect(folder.names == ["out.csv"])
    #expect(esscher("frontier", good.path, "-o", output, "--resamples", "20").code == 0)
    #expect(ScratchFile.text(at: output) != first)
  }

  @Test(
    "contradictions between options are found before anything is opened",
    arguments: [
      (["-o", "x.csv", "-o", "x.csv"], 2, "Two outputs go to"),
      (["-o", "x.csv", "--per-prompt", "./x.csv"], 2, "Two outputs go to"),
      (["--per-prompt", "-"], 2, "needs a file"),
      (["--per-prompt", "x.json"], 2, "writes CSV"),
      (["-o", "INPUT"], 2, "would replace the input"),
      (["-o", "x.pdf"], 2, "names no format"),
      (["-o", "x.csv", "--format", "json"], 2, "contradicts the ending"),
      (["-o", "no-such-folder/x.csv"], 2, "Cannot create"),
      (["--device", "opencl:9.9"], 4, "cannot be used"),
      (["--device", "no such board"], 4, "Usable: cpu"),
      (["--ns", "9"], 3, "n = 9 exceeds the 8 samples"),
      (["other.csv"], 3, "no such file"),
    ] as [([String], Int32, String)])
  func contradictions(arguments: [String], code: Int32, part: String) throws {
    let file = ScratchFile(sampleText, ending: ".csv")
    let words =
      ["esscher", "frontier", file.path] + arguments.map { $0 == "INPUT" ? file.path : $0 }
    let console = TestConsole()
    #expect(
      CommandLineTool.run(arguments: words, console: console, isCancelled: { false }) == code)
    #expect(console.errors.contains(part), "\(console.errors)")
    #expect(console.output == "")
  }

  @Test("a line a prompt and point, streamed; the mean over prompts is the report's line")
  func perPrompt() throws {
    let file = ScratchFile(sampleText, ending: ".csv")
    let lines = ScratchFile("", ending: ".csv")
    let run = esscher(
      "frontier", file.path, "--format", "csv", "--lambdas", "1", "--ns", "2", "--per-prompt",
      lines.path)
    #expect(run.code == 0)
    let prompts = csv(lines.text ?? "")
    #expect(prompts.count == 12)
    #expect(prompts.map { $0["prompt_id"] ?? "" }.prefix(3) == ["p0", "p0", "p1"])
    for curve in ["tilt", "best_of_n"] {
      for column in ["kl", "gain", "gold", "win_rate", "reverse_kl"] {
        let cells = prompts.filter { $0["curve"] == curve }.compactMap { Double($0[column] ?? "") }
        let mean = cells.reduce(0, +) / 6
        let point = csv(run.output).first { $0["curve"] == curve }
        let reported = Double(point?[column] ?? "") ?? .nan
        // Six numbers in double precision.
        #expect(abs(reported - mean) <= 1e-14 * max(1, abs(mean)), "\(curve) \(column)")
      }
    }
  }

  @Test("progress: a bar on a terminal, lines elsewhere, nothing when quiet")
  func progress() throws {
    let file = ScratchFile(sampleText, ending: ".csv")
    let always = esscher("frontier", file.path, "--progress", "always")
    #expect(always.errors.contains("esscher: computing: 100 %\n"))
    let terminal = TestConsole()
    terminal.errorIsTerminal = true
    #expect(esscher("frontier", file.path, console: terminal).errors.contains("\r"))
    #expect(esscher("frontier", file.path, "--progress", "always", "--quiet").errors == "")
    #expect(esscher("frontier", file.path).errors == "")
  }

  @Test("warnings go to standard error, and colour only to a terminal that wants it")
  func diagnostics() throws {
    let file = ScratchFile("reward\n1\n2\n", ending: ".csv")
    let plain = esscher("frontier", file.path)
    #expect(plain.errors.contains("warning: No column names the prompts"))
    #expect(esscher("frontier", file.path, "-q").errors == "")
    let terminal = TestConsole()
    terminal.errorIsTerminal = true
    #expect(esscher("nothing", console: terminal).errors.contains("\u{1B}[1;31merror"))
    let monochrome = TestConsole()
    monochrome.errorIsTerminal = true
    monochrome.variables["NO_COLOR"] = "1"
    #expect(!esscher("nothing", console: monochrome).errors.contains("\u{1B}["))
  }

  @Test("the same bytes whatever the threads and the memory budget")
  func determinism() throws {
    let file = ScratchFile(sampleText, ending: ".csv")
    let one = esscher("frontier", file.path, "--format", "csv", "--threads", "1")
    let two = esscher(
      "frontier", file.path, "--format", "csv", "--threads", "2", "--memory-budget", "16MiB")
    #expect(one.output == two.output && one.code == 0)
    let other = esscher("frontier", file.path, "--format", "csv", "--seed", "1")
    #expect(one.output != other.output)
  }

  @Test("a device prints the processor's table, and auto says why it passed devices over")
  func devices() throws {
    let file = ScratchFile(sampleText, ending: ".csv")
    func table(_ device: String) -> [Substring] {
      let run = esscher("frontier", file.path, "--device", device)
      #expect(run.code == 0, "\(run.errors)")
      return run.output.split(separator: "\n").filter {
        !$0.contains("prompts x") && $0 != "KL in nats."
      }
    }
    let processor = table("cpu").filter { $0.hasPrefix("tilt") || $0.hasPrefix("best") }
    #expect(processor.count > 40)
    #expect(table("opencl").filter { $0.hasPrefix("tilt") || $0.hasPrefix("best") } == processor)
    let automatic = esscher("frontier", file.path, "--format", "json").output
    #expect(automatic.contains("\"reason\": \"not looked for"))
  }

  @Test("relatives of best-of-n and the KL from log-probabilities, on either device")
  func relatives() throws {
    let rows = (0..<120).map { "p\($0 % 3),\($0 * 37 % 101),\(-1 - Double($0 % 7) / 2)\n" }
    let file = ScratchFile("prompt_id,reward,logprob\n" + rows.joined(), ending: ".csv")
    func lines(_ more: String...) -> [[String: String]] {
      let arguments = ["esscher", "frontier", file.path, "--ns", "1,4", "--format", "csv"]
      let console = TestConsole()
      let code = CommandLineTool.run(
        arguments: arguments + more, console: console, isCancelled: { false })
      #expect(code == 0, "\(console.errors)")
      return csv(console.output)
    }
    let chosen = lines(
      "--curves", "best_of_n,best_of_poisson,rewind_and_repeat,soft_best_of_n,equal_kl")
    let all = chosen.filter { !["soft_best_of_n", "equal_kl"].contains($0["curve"]) }
    // Eight lambdas of n = 4, and n = 1 and 4.
    #expect(chosen.count { $0["curve"] == "soft_best_of_n" } == 8)
    #expect(chosen.suffix(2).map { $0["curve"] } == ["equal_kl", "equal_kl"])
    #expect(
      all.map { $0["curve"] ?? "" } == [
        "best_of_n", "best_of_n", "best_of_poisson", "best_of_poisson", "rewind_and_repeat",
        "rewind_and_repeat",
      ])
    #expect(all.map { $0["kl_estimate"]?.isEmpty } == [false, false, true, true, true, true])
    #expect(all[0]["kl_estimate"] == "0.0" && all[0]["kl_bound"] == "0.0")
    let device = lines(
      "--curves", "rewind_and_repeat,best_of_n,best_of_poisson", "--device", "opencl")
    for (one, other) in zip(all, device) {
      for column in ["kl", "reward", "win_rate", "kl_estimate", "gain_low"] {
        let (a, b) = (Double(one[column] ?? ""), Double(other[column] ?? ""))
        // Two backends within 1e-10 each of the same values.
        #expect(
          a == b || ((a ?? .nan) - (b ?? .nan)).magnitude <= 2e-10 * (a ?? 0).magnitude, "\(column)"
        )
      }
    }
    let bad = esscher("frontier", file.path, "--column", "logprob=reward")
    #expect(bad.code == 3 && bad.errors.contains("a probability is at most 1"))
  }

  @Test("counts of correct samples stay on the processor, which the report says")
  func counts() throws {
    let file = ScratchFile("task_id,num_samples,num_correct\na,10,3\nb,8,1\n", ending: ".csv")
    let run = esscher("frontier", file.path, "--device", "opencl", "--format", "json")
    #expect(run.code == 0 && run.output.contains("closed form, on the processor"))
  }

  @Test("a picture's script holds the data; an SVG appears whole")
  func plots() throws {
    let folder = ScratchFolder()
    let file = ScratchFile(sampleText, ending: ".csv")
    let run = esscher(
      "frontier", file.path, "--resamples", "20", "--plot", folder.path + "/a.gp", "--plot",
      folder.path + "/a 'b'.svg", "-o", folder.path + "/a.csv")
    #expect(run.code == 0, "\(run.errors)")
    #expect(folder.names == ["a 'b'.svg", "a.csv", "a.gp"])
    let script = ScratchFile.text(at: folder.path + "/a.gp") ?? ""
    #expect(script.contains("set terminal svg") && script.contains("$best << EOD"))
    #expect(!script.contains("nan "))
    let picture = ScratchFile.text(at: folder.path + "/a 'b'.svg") ?? ""
    #expect(picture.contains("<svg") && picture.contains("</svg>"))
    #expect(esscher("frontier", file.path, "--plot", "x.jpeg").code == 2)
  }
}

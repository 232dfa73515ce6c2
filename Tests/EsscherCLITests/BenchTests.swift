// SPDX-License-Identifier: Apache-2.0
// `esscher bench`: its options, its table and its JSON.

import Esscher
import EsscherTestSupport
import FoundationEssentials
import Testing

@testable import EsscherCLI

@Suite("esscher bench")
struct BenchTests {
  private struct Report: Decodable {
    struct Job: Decodable {
      var job: String
      var device: String
      var prompts: Int
      var samples: Int
      var medianS: Double
      var minimumS: Double
      var seconds: [Double]
      var rate: Double
      var ceiling: String?
      var ceilingRate: Double?
      var ceilingShare: Double?
      var values: [Double]
    }

    struct DeviceCeilings: Decodable {
      var device: String
      var units: Int
      var memoryBytesPerS, fp64MultiplyAddsPerS, fp32MultiplyAddsPerS, exponentialsPerS: Double
    }

    var threads: Int
    var ceilings: [String: Double]
    var deviceCeilings: [DeviceCeilings]
    var jobs: [Job]
  }

  private func report(_ output: String) throws -> Report {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Report.self, from: Data(output.utf8))
  }

  @Test("every job at every shape, in order, with its ceiling")
  func everything() throws {
    let run = esscher(
      "bench", "--shape", "7x300", "--shape", "40x5", "--device", "cpu", "--threads", "1",
      "--repeats", "2", "--json")
    #expect(run.code == 0, "\(run.errors)")
    let report = try report(run.output)
    #expect(report.threads == 1 && report.ceilings.count == 4)
    #expect(report.ceilings.values.allSatisfy { $0 > 0 })
    #expect(
      Set(report.ceilings.keys) == [
        "memory_bytes_per_s", "fp64_multiply_adds_per_s", "fp32_multiply_adds_per_s",
        "exponentials_per_s",
      ])
    #expect(report.deviceCeilings.isEmpty)
    let names = BenchmarkJob.allCases.map(\.rawValue)
    #expect(report.jobs.map(\.job) == names + names)
    #expect(report.jobs.map(\.prompts) == names.map { _ in 7 } + names.map { _ in 40 })
    for job in report.jobs {
      #expect(job.seconds.count == 2 && job.seconds.min() == job.minimumS)
      #expect(job.medianS == (job.seconds[0] + job.seconds[1]) / 2)
      #expect(job.ceiling != nil && (job.ceilingShare ?? 0) > 0)
      #expect(job.job == "read" || !job.values.isEmpty)
    }
  }

  @Test("lambdas and n of one's own")
  func grids() throws {
    let run = esscher(
      "bench", "--shape", "7x300", "--device", "cpu", "--repeats", "1", "--json", "--job", "tilt",
      "--job", "best_of_n", "--job", "khat", "--lambdas", "2,1,1,0", "--ns", "lin:1:7:4")
    #expect(run.code == 0, "\(run.errors)")
    #expect(try report(run.output).jobs.map(\.values.count) == [6, 4, 3])
  }

  @Test("a device's jobs stand beside its own ceilings")
  func device() throws {
    let run = esscher(
      "bench", "--shape", "7x300", "--device", "opencl", "--repeats", "1", "--json", "--job",
      "read", "--job", "tilt", "--job", "bootstrap", "--job", "khat")
    guard run.code == 0 else {
      // No OpenCL here: that is a device that cannot be used.
      #expect(run.code == 4)
      return
    }
    let report = try report(run.output)
    #expect(report.jobs.map(\.job) == ["read", "tilt", "bootstrap", "khat"])
    #expect(report.ceilings.count == 4 && report.ceilings.values.allSatisfy { $0 > 0 })
    let own = try #require(report.deviceCeilings.first)
    #expect(report.deviceCeilings.count == 1 && own.device == "opencl" && own.units > 0)
    // These jobs' work is counted in the units of their ceilings.
    let rates = [own.memoryBytesPerS, own.exponentialsPerS, own.fp64MultiplyAddsPerS]
    #expect((rates + [own.fp32MultiplyAddsPerS]).allSatisfy { $0.isFinite && $0 > 0 })
    let names = ["memory", "exponentials", "multiply-add"]
    for (job, (name, rate)) in zip(report.jobs, zip(names, rates)) {
      #expect(job.ceiling == name)
      // Both are written with 17 digits; the quotients between them round a few times.
      #expect(abs((job.ceilingRate ?? 0) / rate - 1) < 1e-14)
      #expect(abs((job.ceilingShare ?? 0) * rate / job.rate - 1) < 1e-14)
    }
    // Pareto shapes are the processor's work.
    #expect(report.jobs[3].ceiling == nil && report.jobs[3].ceilingShare == nil)
  }

  @Test("devices that share a run have times and no ceiling")
  func severalDevices() throws {
    let run = esscher(
      "bench", "--shape", "7x300", "--device", "cpu,opencl", "--repeats", "1", "--json", "--job",
      "tilt")
    guard run.code == 0 else {
      #expect(run.code == 4)
      return
    }
    let report = try report(run.output)
    #expect(report.jobs.count == 1 && report.ceilings.count == 4)
    #expect(report.deviceCeilings.isEmpty)
    #expect(report.jobs.allSatisfy { $0.ceiling == nil && $0.ceilingShare == nil })
  }

  @Test("a device that is not there ends it, as everywhere, before anything is timed")
  func missingDevice() {
    let run = esscher("bench", "--shape", "7x300", "--device", "opencl:91.7", "--repeats", "1")
    #expect(run.code == 4 && run.output.isEmpty)
    #expect(run.errors.contains("opencl:91.7"))
  }

  @Test("a file takes the place of made rewards, with gold where there is some")
  func file() throws {
    let rewards = ScratchFile("", ending: ".npy")
    let gold = ScratchFile("", ending: ".npy")
    #expect(
      esscher(
        "simulate", "normal:0.5", "--prompts", "6", "--samples", "50", "-o", rewards.path,
        "--gold-output", gold.path, "--quiet"
      ).code == 0)
    let common = ["bench", rewards.path, "--device", "cpu", "--repeats", "1", "--json"]
    func jobs(_ extra: [String]) throws -> [Report.Job] {
      let console = TestConsole()
      let code = CommandLineTool.run(
        arguments: ["esscher"] + common + extra, console: console, isCancelled: { false })
      #expect(code == 0, "\(console.errors)")
      return try report(console.output).jobs
    }
    let without = try jobs([])
    #expect(without.count == BenchmarkJob.allCases.count - 1)
    #expect(
      without.allSatisfy { $0.prompts == 6 && $0.samples == 50 && $0.job != "best_of_n_gold" })
    let with = try jobs(["--gold", gold.path, "--job", "best_of_n_gold", "--job", "best_of_n"])
    // n = 1, 2, 4, 8, 16 and 32.
    #expect(with.map(\.values.count) == [6, 6])
    #expect(with[0].values != with[1].values)
  }

  @Test("the table has a line of ceilings for each device it times")
  func deviceTable() {
    let run = esscher(
      "bench", "--shape", "5x20", "--device", "opencl", "--repeats", "1", "--job", "tilt")
    guard run.code == 0 else {
      #expect(run.code == 4)
      return
    }
    let lines = run.output.split(separator: "\n")
    #expect(lines.count == 4)
    #expect(lines.first?.hasPrefix("ceilings of cpu, ") == true)
    #expect(lines.dropFirst().first?.hasPrefix("ceilings of opencl, ") == true)
    #expect(lines.dropFirst().first?.contains(" compute units: memory ") == true)
    #expect(lines.last?.hasSuffix(" % of exponentials") == true)
  }

  @Test("the table has the ceilings, a heading and a line a job")
  func table() {
    let run = esscher(
      "bench", "--shape", "5x20", "--device", "cpu", "--repeats", "1", "--job", "read", "--job",
      "khat")
    let lines = run.output.split(separator: "\n")
    #expect(run.code == 0 && lines.count == 4)
    #expect(lines.first?.hasPrefix("ceilings of cpu, ") == true)
    #expect(lines.dropFirst().first?.contains("share of ceiling") == true)
    #expect(lines.dropFirst(2).first?.hasPrefix("5x20 ") == true)
    #expect(lines.last?.contains("khat ") == true && lines.last?.contains("fits/s") == true)
  }

  @Test(
    "what it refuses",
    arguments: [
      (["--shape", "3"], "such as 2000x10000, not '3'"),
      (["--shape", "0x5"], "such as 2000x10000"),
      (["--shape", "3x4x5"], "such as 2000x10000"),
      (["--shape", "9999999x9999999"], "cells at most"),
      (["--shape", "99999999999x99999999999"], "cells at most"),
      (["--job", "tlt"], "Did you mean tilt?"),
      (["a.npy", "--shape", "3x4"], "a file or --shape, not both"),
      (["a.npy", "b.npy"], "one .npy file at most"),
      (["--gold", "a.npy"], "goes with a file of rewards"),
    ])
  func refusals(arguments: [String], sentence: String) {
    let console = TestConsole()
    let code = CommandLineTool.run(
      arguments: ["esscher", "bench"] + arguments, console: console, isCancelled: { false })
    #expect(code == 2)
    #expect(console.errors.contains(sentence), "\(console.errors)")
    #expect(console.output.isEmpty)
  }

  @Test("gold asked for by name without a gold file is wrong usage")
  func missingGold() {
    let rewards = ScratchFile("", ending: ".npy")
    #expect(
      esscher(
        "simulate", "normal", "--prompts", "6", "--samples", "50", "-o", rewards.path, "--quiet"
      ).code == 0)
    let run = esscher("bench", rewards.path, "--device", "cpu", "--job", "best_of_n_gold")
    #expect(run.code == 2 && run.errors.contains("--gold FILE"))
  }

  @Test("an interrupt ends it")
  func interrupt() {
    let run = esscher("bench", "--shape", "5x20", "--device", "cpu", cancelled: true)
    #expect(run.code == 130 && run.output.isEmpty)
  }
}

// SPDX-License-Identifier: Apache-2.0
// `esscher simulate` and `esscher verify`: the samples' bytes, the exact answers, the checks.

import Esscher
import EsscherTestSupport
import Testing

@testable import EsscherCLI

@Suite("esscher simulate and verify")
struct SimulateTests {
  @Test("bytes depend on law, shape, type and seed alone")
  func bytes() throws {
    let file = ScratchFile("", ending: ".npy")
    func bytes(_ extra: String...) -> [UInt8] {
      let console = TestConsole()
      let words =
        ["esscher", "simulate", "normal", "--prompts", "300", "--samples", "71", "-o", file.path]
        + extra
      #expect(
        CommandLineTool.run(arguments: words, console: console, isCancelled: { false }) == 0)
      return ScratchFile.bytes(at: file.path) ?? []
    }
    let one = bytes("--threads", "1")
    #expect(one.count == 128 + 300 * 71 * 4)
    #expect(one == bytes("--threads", "2"))
    #expect(one != bytes("--seed", "1"))
    #expect(bytes("--dtype", "f8").count == 128 + 300 * 71 * 8)
  }

  @Test("samples follow their law: mean and variance within five standard errors")
  func moments() throws {
    // A mean of N samples is off by more than 5 sigma/sqrt(N) once in 1.7 million laws; seed 0.
    let (count, laws) = (40_000, [Law.normal, .uniform, .exponential, .gumbel])
    for law in laws {
      let stream = SampleStream(law: law, seed: 0, samplesPerPrompt: count)
      var row = [Double](repeating: 0, count: count)
      unsafe row.withUnsafeMutableBufferPointer { unsafe stream.rewards(from: 0, into: $0) }
      let mean = row.reduce(0, +) / Double(count)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
      let exact = try #require(law.tilt(0)?.variance)
      #expect(abs(mean - law.mean) < 5 * (exact / Double(count)).squareRoot(), "\(law)")
      // The kurtosis of these laws is at most 9: Var s^2 <= 8 sigma^4 / N.
      #expect(abs(variance / exact - 1) < 5 * (8 / Double(count)).squareRoot(), "\(law)")
    }
  }

  @Test("exact answers against 20-digit closed forms")
  func exactTilt() throws {
    var checked = 0
    for form in try ClosedForms.load().tilt {
      guard let law = Self.law(form), let lambda = Double(form.lambda) else { continue }
      let tilt = try #require(law.tilt(lambda))
      // A few roundings, amplified by at most J/KL ~ 2 in KL = J - R.
      let what = "\(form.law) at \(form.lambda)"
      expectClose(tilt.gain, form.gain, tolerance: 1e-12, what + " gain")
      expectClose(tilt.kl, form.kl, tolerance: 1e-12, what + " KL")
      expectClose(tilt.reverseKL, form.reverseKl, tolerance: 1e-12, what + " reverse KL")
      expectClose(tilt.variance, form.variance, tolerance: 1e-12, what + " variance")
      checked += 1
    }
    #expect(checked >= 30)
  }

  private static func law(_ form: ClosedForms.Tilt) -> Law? {
    switch (form.law, form.parameters) {
    case ("normal", ["0", "1"]): .normal
    case ("uniform", _): .uniform
    case ("exponential", _): .exponential
    case ("gumbel", _): .gumbel
    case ("bernoulli", let parameters):
      parameters.first.flatMap(Double.init).map { .bernoulli(p: $0) }
    case ("alphabet", let parameters):
      parameters.first.flatMap(Int.init).map { .alphabet(size: $0) }
    default: nil
    }
  }

  @Test("exact best-of-n against 20-digit closed forms")
  func exactBestOfN() throws {
    let forms = try ClosedForms.load().bestOfN
    for form in forms.normalMeanOfMaximum {
      let got = Law.normal.bestOfN(form.n).reward
      // Quadrature of a smooth integrand, in double precision.
      expectClose(got, form.mean, tolerance: 1e-12, scale: 1e-3, "normal maximum of \(form.n)")
    }
    for form in forms.continuousLaw {
      let best = Law.uniform.bestOfN(form.n)
      // log n - (n - 1)/n loses a digit at n = 2.
      expectClose(best.kl, form.kl, tolerance: 1e-14 * 10, "KL of best of \(form.n)")
      expectClose(best.reverseKL, form.reverseKl, tolerance: 1e-14 * 10, "reverse KL of \(form.n)")
    }
    for form in forms.uniformAlphabet {
      let best = Law.alphabet(size: form.k).bestOfN(form.n)
      expectClose(best.kl, form.kl, tolerance: 1e-10, "KL of \(form.k) letters, best of \(form.n)")
    }
  }

  @Test(
    "refusals",
    arguments: [
      (["norml", "--exact"], "Did you mean normal?"),
      (["normal"], "nothing to do"),
      (["normal", "-o", "x.npy"], "--prompts P and --samples M"),
      (["normal", "-o", "x.csv", "--prompts", "1", "--samples", "1"], "FILE.npy"),
      (["normal", "-o", "-", "--prompts", "1", "--samples", "1"], "not to standard output"),
      (
        ["normal", "-o", "x.npy", "--prompts", "2", "--samples", "2", "--dtype", "i4"], "continuous"
      ),
      (
        ["alphabet:1000", "-o", "x.npy", "--prompts", "2", "--samples", "2", "--dtype", "i1"],
        "up to"
      ),
      (["bernoulli:2", "--exact"], "probability"),
      (["normal:1.5", "--exact"], "correlation"),
    ])
  func refusals(arguments: [String], part: String) {
    let console = TestConsole()
    let code = CommandLineTool.run(
      arguments: ["esscher", "simulate"] + arguments, console: console, isCancelled: { false })
    #expect(code == 2 && console.errors.contains(part), "\(console.errors)")
  }

  @Test("verify holds on this machine, and would say where it does not")
  func verify() throws {
    let run = esscher("verify")
    #expect(run.code == 0)
    #expect(run.output.split(separator: "\n").allSatisfy { $0.hasPrefix("ok ") })
    // A wrong expectation must fail, so that a passing check means something.
    let item = try #require(KnownAnswers.all.first)
    let report = try Engine().frontier(item.table, item.request)
    for check in item.checks where check.expected != 0 {
      let wrong = Check(
        name: check.name, expected: check.expected * 1.01, tolerance: check.tolerance,
        value: check.value)
      #expect(check.outcome(report).holds && !wrong.outcome(report).holds, "\(check.name)")
    }
  }

  @Test("devices lists the processor, as text and as JSON")
  func devices() {
    #expect(esscher("devices").output.hasPrefix("cpu: "))
    #expect(esscher("devices", "--json").output.contains("\"auto\": \"cpu\""))
    #expect(esscher("devices", "surplus").code == 2)
  }
}

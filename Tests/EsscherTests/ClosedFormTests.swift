// SPDX-License-Identifier: Apache-2.0
// Laws whose answers are known in closed form, through the whole engine.

import Esscher
import EsscherTestSupport
import Testing

@Suite("Closed forms")
struct ClosedFormTests {
  private func points(_ row: [Double], ns: [Int]) throws -> [FrontierPoint] {
    let table = RewardTable(
      label: "law", rewards: .cells(MemorySource(name: "law", rows: [row])))
    return try Engine().frontier(
      table, FrontierRequest(lambdas: [0], bestOf: ns, resamples: 0)
    ).points.filter { $0.curve == .bestOfN }
  }

  @Test("alphabets of 10 to 10,000 letters, each letter twice")
  func alphabets() throws {
    for form in try ClosedForms.load().bestOfN.uniformAlphabet where form.n <= 2 * form.k {
      let row = (0..<2 * form.k).map { Double($0 / 2) }
      let point = try #require(try points(row, ns: [form.n]).first)
      expectClose(point.kl, form.kl, tolerance: 1e-10, "KL of \(form.k) letters, n = \(form.n)")
      expectClose(point.klBound, form.bound, tolerance: 1e-10, "bound of n = \(form.n)")
      #expect((point.kl ?? 1) <= (point.klBound ?? 0))
    }
  }

  @Test("a fair coin: log 2 less the entropy of 2^-n")
  func fairCoin() throws {
    let row = (0..<100).map { Double($0 % 2) }
    for form in try ClosedForms.load().bestOfN.binaryUniformKl {
      let point = try #require(try points(row, ns: [form.n]).first)
      expectClose(point.kl, form.kl, tolerance: 1e-10, "n = \(form.n)")
    }
  }

  @Test("untied samples: the law of a continuum, whatever the samples are")
  func continuum() throws {
    let row = (0..<1000).map { Double($0 * $0) }
    for form in try ClosedForms.load().bestOfN.continuousLaw where form.n <= 1000 {
      let point = try #require(try points(row, ns: [form.n]).first)
      expectClose(point.kl, form.kl, tolerance: 1e-10, "KL of n = \(form.n)")
      expectClose(point.reverseKL, form.reverseKl, tolerance: 1e-10, "reverse KL of n = \(form.n)")
      expectClose(point.winRate, form.winRate, tolerance: 1e-10, "win rate of n = \(form.n)")
    }
  }

  @Test("normal samples: gain, KL and best-of-n within five standard errors of the exact law")
  func normal() throws {
    var random = SeededGenerator(seed: 17)
    let (prompts, samples) = (400, 500)
    let rows = (0..<prompts).map { _ in RowShape.normal.row(samples, &random) }
    let table = RewardTable(
      label: "normal", rewards: .cells(MemorySource(name: "normal", rows: rows)))
    let report = try Engine().frontier(
      table, FrontierRequest(lambdas: [0.5], bestOf: [2, 16], resamples: 1000))
    // 95 % of a normal error is 1.96 standard errors each way; the plug-in bias at lambda 0.5 and
    // M = 500 is about 1/M of the value, a fifth of a standard error here.
    func check(_ got: Double?, _ low: Double?, _ high: Double?, _ want: Double, _ what: String)
      throws
    {
      let got = try #require(got)
      let error = (try #require(high) - (try #require(low))) / (2 * 1.96)
      #expect((got - want).magnitude < 5 * error, "\(what): \(got), exact \(want), s.e. \(error)")
    }
    let tilt = report.points[0]
    try check(tilt.gain, tilt.gainLow, tilt.gainHigh, 0.5, "gain")
    try check(tilt.kl, tilt.klLow, tilt.klHigh, 0.125, "KL")
    for form in try ClosedForms.load().bestOfN.normalMeanOfMaximum where [2, 16].contains(form.n) {
      let point = try #require(report.points.first { $0.n == form.n })
      try check(
        point.gain, point.gainLow, point.gainHigh, Double(form.mean) ?? .nan, "best of \(form.n)")
    }
  }
}

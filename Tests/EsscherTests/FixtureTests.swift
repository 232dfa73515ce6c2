// SPDX-License-Identifier: Apache-2.0
// The accuracy contract, cell by cell, against the 60-digit oracle.

import Esscher
import EsscherTestSupport
import Testing

@Suite("Accuracy against the oracle")
struct FixtureTests {
  /// docs/accuracy.md: relative error of every cell for double arithmetic. The CPU backend computes
  /// in double for either precision, so float32 input must meet it too.
  static let tolerance = 1e-10

  @Test("every cell of every fixture", arguments: Fixture.names)
  func cells(name: String) throws {
    let fixture = try Fixture.load(name)
    let report = try Engine().frontier(fixture.table, fixture.request)
    let sigma = largestDeviation(fixture.rows)
    let goldSigma = fixture.gold.map(largestDeviation) ?? 0
    let lines =
      fixture.tilt + fixture.budget + (fixture.logWeights == nil ? fixture.bestOfN : [])
    // Peaks and fits are no part of the oracle.
    let curves: [Curve] = [.tilt, .budget] + (fixture.logWeights == nil ? [.bestOfN] : [])
    let points = report.points.filter { curves.contains($0.curve) }
    #expect(points.count == lines.count)
    for (point, line) in zip(points, lines) {
      let place =
        "\(name) \(point.curve.rawValue) \(line.lambda ?? line.budget ?? line.n.map(String.init) ?? "")"
      func check(_ got: Double?, _ want: String?, scale: Double = 0, _ column: String) {
        expectClose(got, want, tolerance: Self.tolerance, scale: scale, "\(place) \(column)")
      }
      check(point.kl, line.kl ?? line.budget, "kl")
      check(point.reverseKL, line.reverseKl, "reverse_kl")
      check(point.jeffreys, line.jeffreys, "jeffreys")
      check(point.reward, line.reward, scale: sigma, "reward")
      check(point.gain, line.gain, "gain")
      check(point.gold, line.gold, scale: goldSigma, "gold")
      check(point.winRate, line.winRate, "win_rate")
      check(point.efficiency, line.efficiency, "efficiency")
      if let ceiling = line.klCeiling { check(point.klCeiling, ceiling, "kl_ceiling") }
      if line.budget != nil { check(point.lambda, line.lambda, "lambda") }
      if line.n != nil { check(point.klBound, line.klBound, "kl_bound") }
      if line.essPerPrompt != nil { expectESS(point.ess, line.essPerPrompt, place) }
    }
  }

  /// The ess cell is the median's bin midpoint: within half a bin, 2^(1/256) − 1, of each of the two
  /// middle values.
  private func expectESS(_ got: Double?, _ want: [String]?, _ place: String) {
    let values = (want ?? []).compactMap(Double.init).sorted()
    guard let got, !values.isEmpty else {
      #expect(Bool(false), "\(place): no ess")
      return
    }
    let median = (values[(values.count - 1) / 2] + values[values.count / 2]) / 2
    #expect((got / median - 1).magnitude <= 0.0028, "\(place) ess: got \(got), want \(median)")
  }

  private func largestDeviation(_ rows: [[Double]]) -> Double {
    rows.map { row in
      let mean = row.reduce(0, +) / Double(row.count)
      return (row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)).squareRoot()
    }.max() ?? 0
  }
}

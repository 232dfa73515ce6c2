// SPDX-License-Identifier: Apache-2.0
// The Pareto shape against ArviZ, and against a law whose weights are Pareto.

import EsscherCPU
import EsscherCore
import EsscherTestSupport
import Testing

@Suite("Pareto shape of the weights")
struct ParetoTailTests {
  private struct Cases: Decodable {
    struct Case: Decodable {
      let law: String
      let lambda: Double
      let rewards: [Double]
      let khat: Double
    }
    let cases: [Case]
  }

  private func top(_ rewards: [Double]) -> [Double] {
    Array(rewards.sorted(by: >).prefix(ParetoTail.count(sampleCount: rewards.count) + 1))
  }

  private func shape(lambda: Double, top: [Double], level: CPULevel = .v2) -> Double? {
    ParetoTail.shape(lambda: lambda, top: top, tails: TiltTails(level: level))
  }

  @Test(
    "within 0.01 of ArviZ on 20 weight vectors",
    arguments: CPULevel.allCases.filter { $0.rawValue <= CPULevel.current.rawValue })
  func arviz(level: CPULevel) throws {
    let cases: Cases = try Fixture.decode("khat")
    #expect(cases.cases.count == 20)
    for item in cases.cases {
      let shape = try #require(
        self.shape(lambda: item.lambda, top: top(item.rewards), level: level))
      // The same fit up to ArviZ's dropping of guesses that weigh less than 2e-15.
      #expect(
        (shape - item.khat).magnitude < 1e-8, "\(item.law) \(item.lambda): \(shape), \(item.khat)")
    }
  }

  @Test(
    "exponential rewards: the weights are Pareto with shape lambda", arguments: [0.2, 0.5, 0.8])
  func exponential(lambda: Double) throws {
    var random = SeededGenerator(seed: 31)
    var sum = 0.0
    let (turns, samples) = (200, 2000)
    for _ in 0..<turns {
      let row = RowShape.exponential.row(samples, &random)
      sum += try #require(shape(lambda: lambda, top: top(row)))
    }
    // The prior pulls towards 1/2 with the weight of 10 of 145 samples; a shape fitted to 135 of them has
    // a standard error of (1 + k)/sqrt(135) at most, and its bias is of the order of 1/135.
    let tail = Double(ParetoTail.count(sampleCount: samples))
    let expected = (tail * lambda + 5) / (tail + 10)
    let error = (1 + lambda) / tail.squareRoot()
    #expect(
      (sum / Double(turns) - expected).magnitude
        < 5 * error / Double(turns).squareRoot() + 2 / tail,
      "\(sum / Double(turns)) for \(expected)")
  }

  @Test("tails that say nothing give no shape")
  func undefined() {
    #expect(shape(lambda: 1, top: [1, 1, 1, 1, 1, 1, 1]) == nil)
    #expect(shape(lambda: 1, top: [5, 4, 3, 2, 1]) == nil)
    #expect(shape(lambda: 1, top: [2, 2, 2, 2, 2, 2, 1]) == nil)
    #expect(shape(lambda: 0, top: [7, 6, 5, 4, 3, 2, 1]) == nil)
    #expect(shape(lambda: 1, top: []) == nil)
  }
}

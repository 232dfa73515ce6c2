// SPDX-License-Identifier: Apache-2.0
// Each condition of `trusted` alone, on data that fails only that one; and where the default grid ends.

import Esscher
import EsscherTestSupport
import Testing

@Suite("Trust")
struct TrustTests {
  private static func points(
    _ shape: RowShape, prompts: Int, samples: Int, _ request: FrontierRequest
  ) throws -> [FrontierPoint] {
    var random = SeededGenerator(seed: 61)
    let rows = (0..<prompts).map { _ in shape.row(samples, &random) }
    let table = RewardTable(label: "r", rewards: .cells(MemorySource(name: "r", rows: rows)))
    return try Engine().frontier(table, request).points.filter { $0.curve == .tilt }
  }

  @Test("bias: many prompts are not trusted at the wrong value, unless it is corrected")
  func bias() throws {
    // Bias over standard error at lambda = 0.2 is 0.023·√P with M = 1,000: 0.16 for 50 prompts, 0.46 for 400.
    var request = FrontierRequest(lambdas: [0.2], bestOf: [1], resamples: 0)
    #expect(try Self.points(.normal, prompts: 50, samples: 1000, request)[0].trusted == true)
    #expect(try Self.points(.normal, prompts: 400, samples: 1000, request)[0].trusted == false)
    request.biasCorrect = true
    #expect(try Self.points(.normal, prompts: 400, samples: 1000, request)[0].trusted == true)
  }

  @Test("tails: exponential rewards beyond k-hat 0.4, with KL, ESS and bias as they should be")
  func tails() throws {
    let request = FrontierRequest(lambdas: [0.1, 0.35], bestOf: [1], resamples: 0)
    let points = try Self.points(.exponential, prompts: 30, samples: 2000, request)
    #expect(points[0].trusted == true && (points[0].khat ?? 1) < 0.4)
    #expect(points[1].trusted == false && (points[1].khat ?? 0) > 0.4)
    #expect((points[1].ess ?? 0) > 500 && (points[1].kl ?? 9) < (points[1].klCeiling ?? 0) - 3)
  }

  @Test("the ceiling: two-valued rewards, whose KL cannot be 3 nats below it")
  func ceiling() throws {
    let request = FrontierRequest(lambdas: [0.5], bestOf: [1], resamples: 0)
    let point = try Self.points(.twoValued, prompts: 20, samples: 2000, request)[0]
    #expect(point.trusted == false && point.khat == nil && (point.ess ?? 0) > 1000)
    #expect((point.kl ?? 0) > (point.klCeiling ?? 9) - 3)
  }

  @Test("ESS: few samples carry a large lambda")
  func samples() throws {
    let request = FrontierRequest(lambdas: [3], bestOf: [1], resamples: 0)
    let point = try Self.points(.normal, prompts: 4, samples: 1000, request)[0]
    #expect(point.trusted == false && (point.ess ?? 99) < 30)
  }

  @Test(
    "the default grid ends six points after the last trusted one; a grid that was asked for does not"
  )
  func grid() throws {
    let points = try Self.points(
      .normal, prompts: 30, samples: 1000, FrontierRequest(bestOf: [1], resamples: 0))
    let last = try #require(points.lastIndex { $0.trusted == true })
    #expect(points.count == last + 7 && points.count < 48)
    let all = try Self.points(
      .normal, prompts: 30, samples: 1000,
      FrontierRequest(
        lambdas: (1...40).map { 0.1 * Double($0) }, bestOf: [1], resamples: 0))
    #expect(all.count == 40)
    // Nothing to be trusted: nothing is hidden.
    let few = try Self.points(
      .normal, prompts: 3, samples: 8, FrontierRequest(bestOf: [1], resamples: 0))
    #expect(few.count == 48 && few.allSatisfy { $0.trusted == false })
  }
}

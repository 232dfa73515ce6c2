// SPDX-License-Identifier: Apache-2.0
// Policies beside the frontier: points whose place is known.

import Esscher
import EsscherTestSupport
import Testing

@Suite("Policies")
struct PolicyTests {
  private static func table(prompts: Int, samples: Int, seed: UInt64) -> RewardTable {
    var random = SeededGenerator(seed: seed)
    let rows = (0..<prompts).map { _ in RowShape.normal.row(samples, &random) }
    return RewardTable(label: "r", rewards: .cells(MemorySource(name: "r", rows: rows)))
  }

  @Test("a policy on the frontier, below it, above it, at the base, beyond the ceiling")
  func places() throws {
    let table = Self.table(prompts: 30, samples: 500, seed: 40)
    let tilt = try Engine().frontier(
      table, FrontierRequest(lambdas: [0.6], bestOf: [4], resamples: 0)
    ).points
    let (kl, reward) = (tilt[0].kl ?? 0, tilt[0].reward ?? 0)
    let base = reward - (tilt[0].gain ?? 0)
    var request = FrontierRequest(lambdas: [0.6], bestOf: [4])
    request.policies = [
      PolicyPoint(name: "on", kl: kl, reward: reward, gold: 7),
      PolicyPoint(name: "below", kl: kl, reward: base + 0.5 * (reward - base)),
      PolicyPoint(name: "above", kl: kl, reward: reward + 0.5),
      PolicyPoint(name: "base", kl: 0, reward: base),
      PolicyPoint(name: "worse", kl: 0.3, reward: base - 1),
      PolicyPoint(name: "beyond", kl: 50, reward: reward),
      PolicyPoint(name: "unreachable", kl: 1, reward: 1000),
    ]
    let points = try Engine().frontier(table, request).points.filter { $0.curve == .policy }
    #expect(points.map(\.label) == request.policies.map(\.name))
    let on = points[0]
    #expect(((on.efficiency ?? 0) - 1).magnitude < 1e-9 && on.gold == 7)
    #expect(((on.extras[.frontierReward] ?? 0) - reward).magnitude < 1e-10)
    #expect(((on.extras[.klNeeded] ?? 0) - kl).magnitude < 1e-9)
    #expect(((on.lambda ?? 0) - 0.6).magnitude < 1e-9)
    #expect((on.extras[.frontierRewardLow] ?? 9) < reward)
    #expect((on.extras[.frontierRewardHigh] ?? 0) > reward)
    #expect((on.extras[.efficiencyLow] ?? 9) < 1 && (on.extras[.efficiencyHigh] ?? 0) > 1)
    #expect((on.extras[.klNeededLow] ?? 9) < kl && (on.extras[.klNeededHigh] ?? 0) > kl)
    #expect(!on.note.contains("above the frontier"))
    #expect(((points[1].efficiency ?? 0) - 0.5).magnitude < 1e-9)
    #expect((points[1].extras[.klNeeded] ?? 1) < kl / 3)
    #expect((points[2].efficiency ?? 0) > 1)
    #expect(points[2].note.contains("above the frontier and its interval"))
    #expect(points[2].note.contains("reported too low"))
    #expect(points[3].efficiency == nil && points[3].note.contains("efficiency is undefined"))
    #expect((points[4].efficiency ?? 0) < 0 && points[4].extras[.klNeeded] == 0)
    #expect(points[5].trusted == false && points[5].note.contains("ceiling"))
    #expect(points[6].extras[.klNeeded] == nil && points[6].note.contains("no tilt"))
  }

  @Test("the gain solver meets closed-form tilts of two-valued rewards")
  func neededKL() throws {
    // Bernoulli(p) at gain g: q = p + g, KL = kl(q‖p).
    let rows = [(0..<100).map { $0 < 30 ? 1.0 : 0 }]
    let table = RewardTable(label: "r", rewards: .cells(MemorySource(name: "r", rows: rows)))
    for q in [0.3001, 0.35, 0.6, 0.95, 0.999] {
      var request = FrontierRequest(lambdas: [1], bestOf: [1], resamples: 0)
      request.policies = [PolicyPoint(name: "p", kl: 0.1, reward: q)]
      let point = try #require(try Engine().frontier(table, request).points.last)
      let kl =
        q * Elementary.log(q / 0.3) + (1 - q) * Elementary.log((1 - q) / 0.7)
      // The gain is met to 1e-12 of itself, and dKL/dgain = lambda.
      let lambda = Elementary.log(q / (1 - q)) - Elementary.log(0.3 / 0.7)
      #expect(
        ((point.extras[.klNeeded] ?? .nan) - kl).magnitude <= 1e-12 * lambda + 1e-10 * kl, "\(q)")
    }
  }
}

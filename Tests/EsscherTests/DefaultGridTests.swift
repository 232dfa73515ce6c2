// SPDX-License-Identifier: Apache-2.0
// The ends of the default grid, whether or not the look at a few prompts is any good.

import Esscher
import EsscherTestSupport
import Testing

@Suite("Default grid")
struct DefaultGridTests {
  /// Prompts whose rewards are drawn alike, in thousandfold units from the middle on, and few.
  private static func rows(_ kind: String) -> [[Double]] {
    var random = SeededGenerator(seed: 5)
    return (0..<(kind == "few" ? 5 : 130)).map { prompt in
      let unit = kind == "unlike" && prompt % 130 > 70 ? 1000.0 : 1
      return (0..<60).map { _ in
        kind == "two-valued" ? (random.uniform() < 0.3 ? 1 : 0) : unit * random.normal()
      }
    }
  }

  @Test(
    "it spends 1e-3 nats first and the ceiling less 2 last, or half the ceiling",
    arguments: ["alike", "unlike", "two-valued", "few"])
  func ends(kind: String) throws {
    let table = RewardTable(
      label: kind, rewards: .cells(MemorySource(name: kind, rows: Self.rows(kind))))
    var request = FrontierRequest(resamples: 0, device: "cpu")
    let report = try Engine().frontier(table, request)
    let shown = report.points.filter { $0.curve == .tilt }
    let first = try #require(shown.first)
    #expect(((first.kl ?? 0) / 1e-3 - 1).magnitude <= 1e-6)
    // Log-spaced: the last of 48 lambdas follows from the first two, shown or not.
    let lambdas = shown.compactMap(\.lambda)
    let second = try #require(lambdas.dropFirst().first)
    var last = lambdas[0]
    for _ in 1..<48 { last *= second / lambdas[0] }
    request.lambdas = [last]
    let end = try #require(Engine().frontier(table, request).points.first)
    let ceiling = try #require(end.klCeiling)
    #expect(((end.kl ?? 0) / max(ceiling - 2, ceiling / 2) - 1).magnitude <= 1e-6)
  }

  @Test("a prompt that cannot be read is named, whichever prompts were looked at")
  func refusal() {
    var rows = Self.rows("alike")
    for row in 3..<130 { rows[row][7] = .nan }
    let table = RewardTable(label: "bad", rewards: .cells(MemorySource(name: "bad", rows: rows)))
    #expect {
      _ = try Engine().frontier(table, FrontierRequest(device: "cpu"))
    } throws: { error in
      (error as? EsscherError).map { $0.code == .badInput && $0.location?.row == 3 } ?? false
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Inputs that no estimator is defined on, and weights that vanish.

import Esscher
import EsscherTestSupport
import Testing

@Suite("Refusals of the engine")
struct RefusalTests {
  private func run(
    _ rewards: [[Double]], gold: [[Double]]? = nil, logWeights: [[Double]]? = nil,
    missing: MissingPolicy = .error, ns: [Int]? = nil
  ) throws -> [FrontierPoint] {
    var table = RewardTable(
      label: "r", rewards: .cells(MemorySource(name: "file", rows: rewards)),
      gold: gold.map { MemorySource(name: "gold", rows: $0) },
      logWeights: logWeights.map { MemorySource(name: "weights", rows: $0) })
    table.inputs = [
      InputRecord(
        role: "rewards", name: "file", format: "npy", elementType: "<f8", shape: [], path: nil)
    ]
    return try Engine().frontier(
      table, FrontierRequest(lambdas: [1], bestOf: ns, missing: missing, resamples: 0)
    ).points
  }

  private func refusal(_ body: () throws -> [FrontierPoint]) -> EsscherError? {
    do {
      _ = try body()
      return nil
    } catch { return error as? EsscherError }
  }

  @Test("missing and infinite cells are named")
  func cells() {
    let missing = refusal { try run([[1, 2], [3, .nan]]) }
    #expect(missing?.code == .badInput && missing?.location?.description == "file, row 1, column 1")
    let infinite = refusal { try run([[1, .infinity]], missing: .drop) }
    #expect(infinite?.location?.column == 1 && infinite?.message.contains("infinite") == true)
    let gold = refusal { try run([[1, 2]], gold: [[.nan, 0]]) }
    #expect(gold?.location?.file == "gold" && gold?.location?.column == 0)
    #expect(
      refusal { try run([[.nan, .nan]], missing: .drop) }?.message.contains("no prompt") == true)
  }

  @Test("n beyond the shortest prompt names the file")
  func largeN() {
    let error = refusal { try run([[1, 2, 3], [1, 2]], ns: [3]) }
    #expect(error?.location?.description == "file, row 1" && error?.code == .badInput)
  }

  @Test("gold and weights of another shape")
  func shapes() {
    #expect(refusal { try run([[1, 2]], gold: [[1, 2], [3, 4]]) }?.code == .badInput)
    #expect(refusal { try run([[1, 2], [3]], gold: [[1, 2], [3, 4]]) }?.location?.row == 1)
  }

  @Test("ranges whose square is no double are refused, as they would be silently wrong")
  func range() {
    for scale in [1e-160, 1e160] {
      #expect(refusal { try run([[0, scale, 2 * scale]]) }?.message.contains("rescale") == true)
    }
    #expect(refusal { try run([[0, 1e-130]]) } == nil)
    #expect(refusal { try run([[0, 1e130]]) } == nil)
  }

  @Test("a sample whose weight vanishes is not the maximum a tilt goes to")
  func vanishingWeight() throws {
    let points = try run([[1, 2, 9]], logWeights: [[0, 0, -800]])
    let without = try run([[1, 2]], logWeights: [[0, 0]])
    #expect(points[0].kl == without[0].kl && points[0].klCeiling == without[0].klCeiling)
    #expect(points[0].reward == without[0].reward)
    // One that is merely very small still is: its ceiling is -log q.
    let small = try run([[1, 2, 9]], logWeights: [[0, 0, -715]])
    let ceiling = try #require(small[0].klCeiling)
    #expect((ceiling - 715 - 0.6931471805599453).magnitude < 1e-10 * ceiling)
  }

  @Test("log weights leave best-of-n empty, with the reason")
  func weightedBestOfN() throws {
    let points = try run([[1, 2, 9]], logWeights: [[0, 0, 1]], ns: [2])
    let best = try #require(points.last)
    #expect(best.curve == .bestOfN && best.kl == nil && best.note.contains("--log-weights"))
  }

  @Test("an outlier whose weight is e^450 leaves an effective sample size of 1")
  func outlier() throws {
    // lambda sigma = 0.9 with lambda (max - mean) = 450: squares of exponentials about the mean overflow.
    let row = (0..<250_000).map { $0 == 7 ? 1000.0 : Double($0 % 2) }
    let table = RewardTable(label: "r", rewards: .cells(MemorySource(name: "r", rows: [row])))
    let point = try Engine().frontier(
      table, FrontierRequest(lambdas: [0.45], bestOf: [2], resamples: 0)
    ).points[0]
    #expect(abs((point.ess ?? .nan) - 1) < 0.01)
    #expect(abs((point.kl ?? .nan) - (point.klCeiling ?? 0)) < 1e-9)
  }
}

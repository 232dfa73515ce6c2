// SPDX-License-Identifier: Apache-2.0
// What holds for any rewards: identities between cells, and how cells move when the input does.

import Esscher
import EsscherTestSupport
import Testing

@Suite("Identities")
struct PropertyTests {
  /// An input made from a seed, which the failing argument prints.
  struct Input: CustomTestStringConvertible, Sendable {
    let shape: RowShape
    let seed: UInt64
    var testDescription: String { "\(shape) seed \(seed)" }

    static let all: [Input] = RowShape.allCases.flatMap { shape in
      (0..<3).map { Input(shape: shape, seed: UInt64(41 + $0)) }
    }

    /// Prompts of unequal length with gold.
    var rows: (rewards: [[Double]], gold: [[Double]]) {
      var random = SeededGenerator(seed: seed)
      let counts = (0..<6).map { _ in 20 + Int(random.next() % 60) }
      return (
        counts.map { shape.row($0, &random) }, counts.map { RowShape.normal.row($0, &random) }
      )
    }
  }

  private func run(
    _ rewards: [[Double]], gold: [[Double]]? = nil, lambdas: [Double]? = nil,
    budgets: [Double] = [], ns: [Int]? = [1, 2, 5, 20]
  ) throws -> [FrontierPoint] {
    let table = RewardTable(
      label: "made", rewards: .cells(MemorySource(name: "made", rows: rewards)),
      gold: gold.map { MemorySource(name: "gold", rows: $0) })
    return try Engine().frontier(
      table, FrontierRequest(lambdas: lambdas, klBudgets: budgets, bestOf: ns, resamples: 0)
    ).points
  }

  /// Lambdas from 1e-6 to 1e3 of the spread of the first row.
  private func lambdas(_ rewards: [[Double]]) -> [Double] {
    let mean = rewards[0].reduce(0, +) / Double(rewards[0].count)
    let variance =
      rewards[0].reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rewards[0].count)
    let scale = variance > 0 ? variance.squareRoot() : 1
    return [0, 1e-6, 1e-3, 0.03, 0.3, 1, 3, 30, 1e3].map { $0 / scale }
  }

  /// Two runs of the same formulas on values that differ by rounding: the accuracy contract, twice.
  private let tolerance = 2e-10

  private func close(
    _ a: Double?, _ b: Double?, scale: Double = 0, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    guard let a, let b else {
      #expect(a == nil && b == nil, "\(what)", sourceLocation: sourceLocation)
      return
    }
    let reference = max(a.magnitude, b.magnitude, scale)
    #expect(
      (a - b).magnitude <= tolerance * reference, "\(what): \(a) and \(b)",
      sourceLocation: sourceLocation)
  }

  @Test("cells fit together", arguments: Input.all)
  func together(input: Input) throws {
    let (rewards, gold) = input.rows
    let lambdas = lambdas(rewards)
    let points = try run(rewards, gold: gold, lambdas: lambdas)
    let mean =
      rewards.reduce(0) { $0 + $1.reduce(0, +) / Double($1.count) } / Double(rewards.count)
    let maximum = rewards.reduce(0) { $0 + ($1.max() ?? 0) } / Double(rewards.count)
    let tilts = points.filter { $0.curve == .tilt }
    for (point, lambda) in zip(tilts, lambdas) {
      let kl = try #require(point.kl)
      let reverse = try #require(point.reverseKL)
      let jeffreys = try #require(point.jeffreys)
      let gain = try #require(point.gain)
      close(gain * lambda, jeffreys, "gain = beta J at \(lambda)")
      close(kl + reverse, jeffreys, "D + R = J at \(lambda)")
      #expect(kl >= 0 && reverse >= 0 && gain >= 0)
      #expect(kl <= (point.klCeiling ?? 0) * (1 + tolerance))
      close(point.reward, mean + gain, scale: mean.magnitude, "reward at \(lambda)")
      #expect((0.5...1).contains(point.winRate ?? .nan))
    }
    for (low, high) in zip(tilts, tilts.dropFirst()) {
      #expect((low.gain ?? .nan) <= (high.gain ?? .nan) * (1 + tolerance))
      #expect((low.kl ?? .nan) <= (high.kl ?? .nan) * (1 + tolerance))
    }
    for point in points where point.curve == .bestOfN {
      #expect((point.kl ?? .nan) <= (point.klBound ?? .nan) * (1 + tolerance))
      #expect((point.efficiency ?? 1) <= 1)
      #expect((point.efficiency ?? 0) >= 0)
      if point.n == 1 {
        close(point.reward, mean, scale: maximum.magnitude, "best of 1")
        #expect(point.kl == 0 && point.reverseKL == 0 && point.winRate == 0.5)
      }
    }
  }

  @Test("best of all samples is the maximum", arguments: RowShape.allCases)
  func maximum(shape: RowShape) throws {
    var random = SeededGenerator(seed: 5)
    let rewards = (0..<4).map { _ in shape.row(50, &random) }
    let points = try run(rewards, lambdas: [0], ns: [50])
    let maximum = rewards.reduce(0) { $0 + ($1.max() ?? 0) } / 4
    close(points.last?.reward, maximum, "best of M")
  }

  @Test("a shift moves rewards, and a scale is a scale of lambda", arguments: Input.all)
  func shiftAndScale(input: Input) throws {
    // Powers of two, and sums that are exact: the same numbers reach the engine.
    let rewards = input.rows.rewards.map { $0.map { ($0 * 0x1p20).rounded() * 0x1p-20 } }
    let lambdas = lambdas(rewards)
    let plain = try run(rewards, lambdas: lambdas, budgets: [0.1])
    let shifted = try run(rewards.map { $0.map { $0 + 64 } }, lambdas: lambdas, budgets: [0.1])
    let scaled = try run(
      rewards.map { $0.map { $0 * 8 } }, lambdas: lambdas.map { $0 / 8 }, budgets: [0.1])
    for index in plain.indices {
      let what = "\(plain[index].curve) \(index)"
      let reach = max((plain[index].reward ?? 0).magnitude, 1)
      close(plain[index].kl, shifted[index].kl, "\(what) KL, shifted")
      close(plain[index].gain, shifted[index].gain, "\(what) gain, shifted")
      close(
        plain[index].reward.map { $0 + 64 }, shifted[index].reward, scale: reach,
        "\(what) reward, shifted")
      close(plain[index].winRate, shifted[index].winRate, "\(what) win rate, shifted")
      close(plain[index].kl, scaled[index].kl, "\(what) KL, scaled")
      close(plain[index].gain.map { $0 * 8 }, scaled[index].gain, "\(what) gain, scaled")
      close(plain[index].reverseKL, scaled[index].reverseKL, "\(what) reverse KL, scaled")
      close(plain[index].efficiency, scaled[index].efficiency, "\(what) efficiency, scaled")
    }
  }

  @Test("the order of samples and of prompts does not matter", arguments: Input.all)
  func permutation(input: Input) throws {
    let (rewards, gold) = input.rows
    var random = SeededGenerator(seed: input.seed + 1)
    let lambdas = lambdas(rewards)
    var pairs = zip(rewards, gold).map { row in Array(zip(row.0, row.1)).shuffled(using: &random) }
    pairs.reverse()
    let plain = try run(rewards, gold: gold, lambdas: lambdas)
    let permuted = try run(
      pairs.map { $0.map(\.0) }, gold: pairs.map { $0.map(\.1) }, lambdas: lambdas)
    for (a, b) in zip(plain, permuted) {
      close(a.kl, b.kl, "\(a.curve) KL")
      close(a.gain, b.gain, scale: a.n == 1 ? 1e-3 : 0, "\(a.curve) gain")
      close(a.gold, b.gold, scale: 1, "\(a.curve) gold")
      close(a.winRate, b.winRate, "\(a.curve) win rate")
      #expect(a.ess == b.ess && a.trusted == b.trusted)
    }
  }

  @Test("every sample twice: the tilt stays, best-of-n of a continuum becomes one of atoms")
  func duplicates() throws {
    var random = SeededGenerator(seed: 3)
    let rewards = (0..<5).map { _ in RowShape.normal.row(40, &random) }
    let lambdas = lambdas(rewards)
    let plain = try run(rewards, lambdas: lambdas, ns: [2, 8])
    let doubled = try run(rewards.map { $0 + $0 }, lambdas: lambdas, ns: [2, 8])
    for (a, b) in zip(plain, doubled) {
      if a.curve == .tilt {
        close(a.kl, b.kl, "KL")
        close(a.gain, b.gain, "gain")
        close(a.winRate, b.winRate, "win rate")
        close(a.klCeiling, b.klCeiling, "ceiling")
      } else {
        // The V-statistic sees the same empirical law, so efficiency stays; 40 atoms carry less KL.
        close(a.efficiency, b.efficiency, "efficiency")
        #expect((b.kl ?? .nan) < (a.kl ?? .nan))
        #expect(b.winRate != a.winRate)
      }
    }
  }

  @Test(
    "a budget is spent by one lambda, which a tilt of that lambda confirms", arguments: Input.all)
  func budgets(input: Input) throws {
    let rewards = input.rows.rewards
    let wanted = [1e-4, 0.1, 0.7]
    let points = try run(rewards, lambdas: [0], budgets: wanted).filter { $0.curve == .budget }
    for (budget, point) in zip(wanted, points) {
      guard let lambda = point.lambda else {
        #expect(budget >= (point.klCeiling ?? 0) * (1 - 1e-12), "\(point.note)")
        continue
      }
      let tilt = try #require(try run(rewards, lambdas: [lambda], ns: []).first)
      close(tilt.kl, budget, "KL of the budget's lambda")
      close(tilt.gain, point.gain, "gain of the budget's lambda")
    }
  }

  @Test("a constant reward: everything 0, nothing undefined but efficiency")
  func constant() throws {
    let points = try run([[2, 2, 2, 2], [2, 2, 2, 2]], lambdas: [0, 1, 1e3], ns: [1, 4])
    for point in points {
      #expect(point.kl == 0 && point.gain == 0 && point.reverseKL == 0 && point.reward == 2)
      #expect(point.winRate == 0.5 && point.efficiency == nil)
    }
  }
}

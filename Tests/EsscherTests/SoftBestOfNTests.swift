// SPDX-License-Identifier: Apache-2.0
// Soft best-of-n against enumeration of small laws, and its limits.

import Esscher
import EsscherTestSupport
import Glibc
import Testing

@Suite("Soft best-of-n")
struct SoftBestOfNTests {
  private func run(
    _ rewards: [[Double]], gold: [[Double]]? = nil, lambdas: [Double]? = nil, ns: [Int]? = nil,
    resamples: Int = 0, seed: UInt64 = 0, device: String = "cpu", memory: Int = 2 << 30,
    threads: Int? = nil
  ) throws -> [FrontierPoint] {
    var request = FrontierRequest(
      lambdas: lambdas, bestOf: ns, resamples: resamples, confidence: 0.9, seed: seed,
      device: device, threads: threads, memoryBudgetBytes: memory)
    request.curves.insert(.softBestOfN)
    let table = RewardTable(
      label: "made", rewards: .cells(MemorySource(name: "made", rows: rewards)),
      gold: gold.map { MemorySource(name: "gold", rows: $0) })
    return try Engine().frontier(table, request).points
  }

  private func soft(_ points: [FrontierPoint]) -> [FrontierPoint] {
    points.filter { $0.curve == .softBestOfN }
  }

  private func normal(_ prompts: Int, _ samples: Int, seed: UInt64) -> [[Double]] {
    var random = SeededGenerator(seed: seed)
    return (0..<prompts).map { _ in RowShape.normal.row(samples, &random) }
  }

  /// Nine samples, each reward at least twice, with gold of each reward.
  private static let letters: [Double] = [0, 0, 1, 1, 1, 2.5, 2.5, 4, 4]
  private static let lettersGold: [Double] = [1, 1, 3, 3, 3, 0, 0, -2, -2]

  /// Every tuple of n samples drawn with replacement: the law of the choice, sample by sample.
  private static func replacementLaw(_ row: [Double], n: Int, lambda: Double) -> [Double] {
    var law = [Double](repeating: 0, count: row.count)
    var tuple = [Int](repeating: 0, count: n)
    let share = pow(Double(row.count), -Double(n))
    while true {
      let weights = tuple.map { exp(lambda * row[$0]) }
      let total = weights.reduce(0, +)
      for (sample, weight) in zip(tuple, weights) { law[sample] += share * weight / total }
      guard let place = tuple.lastIndex(where: { $0 + 1 < row.count }) else { return law }
      tuple[place] += 1
      for after in place + 1..<max(place + 1, n) { tuple[after] = 0 }
    }
  }

  /// Mean over every subset of n samples of the softmax means of reward and gold.
  private static func subsetMeans(
    _ row: [Double], _ gold: [Double], n: Int, lambda: Double
  ) -> (reward: Double, gold: Double) {
    var (reward, golds, subsets) = (0.0, 0.0, 0.0)
    for bits in 0..<(1 << row.count) where bits.nonzeroBitCount == n {
      let members = row.indices.filter { bits >> $0 & 1 == 1 }
      let top = members.map { row[$0] }.max() ?? 0
      let weights = members.map { exp(lambda * (row[$0] - top)) }
      let total = weights.reduce(0, +)
      reward += zip(members, weights).reduce(0) { $0 + row[$1.0] * $1.1 } / total
      golds += zip(members, weights).reduce(0) { $0 + gold[$1.0] * $1.1 } / total
      subsets += 1
    }
    return (reward / subsets, golds / subsets)
  }

  @Test("KL and win rate by enumeration of every draw")
  func enumeration() throws {
    let lambdas = [1e-3, 0.1, 0.7, 2, 9]
    let row = Self.letters
    for point in soft(try run([row], lambdas: lambdas, ns: [2, 3, 4, 5])) {
      let (n, lambda) = try (#require(point.n), #require(point.lambda))
      let law = Self.replacementLaw(row, n: n, lambda: lambda)
      // What the masses lack of 1 by rounding is taken out.
      let kl = law.reduce(0) { $0 + $1 * log($1 * 9) - $1 + 1 / 9 }
      let win = row.indices.reduce(0) { sum, i in
        sum
          + law[i]
          * row.reduce(0) { $0 + ($1 < row[i] ? 1 : $1 == row[i] ? 0.5 : 0) } / 9
      }
      // The quadrature's 1e-13 of each density, whose root mean square distance from 1 is (2 KL)^½. The reference adds 9^n terms one by one, and log densities are
      // below 4 lambda.
      let rounding = pow(9, Double(n)) * 0x1p-53 * min(1, lambda) * 4
      #expect(
        abs(try #require(point.kl) - kl) <= 1e-12 * kl + 2e-13 * (2 * kl).squareRoot() + rounding,
        "n \(n) lambda \(lambda) \(point.kl ?? 0) \(kl)")
      #expect(abs(try #require(point.winRate) - win) <= 1e-12)
      #expect(try #require(point.kl) <= #require(point.klBound))
      let bound = log(Double(n) / (1 + Double(n - 1) * exp(-lambda * 4)))
      #expect(abs(try #require(point.klBound) - bound) <= 1e-13)
      #expect(point.ess == nil && point.note.contains("reward_se") && point.trusted == nil)
    }
  }

  @Test("reward and gold by enumeration of every subset, within four standard errors")
  func subsets() throws {
    let prompts = 300
    let rewards = [[Double]](repeating: Self.letters, count: prompts)
    let gold = [[Double]](repeating: Self.lettersGold, count: prompts)
    for lambda in [0.2, 1.5, 300] {
      for point in soft(
        try run(rewards, gold: gold, lambdas: [lambda], ns: [2, 3, 4, 7, 9], seed: 3))
      {
        let n = try #require(point.n)
        let want = Self.subsetMeans(Self.letters, Self.lettersGold, n: n, lambda: lambda)
        let error = try #require(point.extras[.rewardSE])
        let got = try #require(point.reward)
        // Of all nine there is one subset.
        #expect(n < 9 ? error > 0 && error < 0.02 : error <= 1e-14, "n \(n): \(error)")
        #expect(abs(got - want.reward) <= 4 * error + 1e-12, "n \(n) lambda \(lambda)")
        // Gold runs from 3 to −2 where the reward runs from 1 to 4: at most three times its slope.
        #expect(abs(try #require(point.gold) - want.gold) <= 4 * 3 * error + 1e-12)
      }
    }
  }

  @Test("reward_se is the spread over seeds")
  func standardError() throws {
    let rewards = normal(5, 40, seed: 77)
    var (scores, values, errors) = (0.0, [Double](), 0.0)
    for seed in 0..<80 as Range<UInt64> {
      let point = try #require(soft(try run(rewards, lambdas: [1], ns: [6], seed: seed)).first)
      values.append(try #require(point.reward))
      errors += pow(try #require(point.extras[.rewardSE]), 2) / 80
    }
    let mean = values.reduce(0, +) / 80
    scores = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 79 / errors
    // A variance from 79 degrees of freedom (relative error (2/79)^½ = 0.16) over one from 80·5·15 of them.
    #expect(abs(scores - 1) <= 4 * 0.16, "variance over seeds / reward_se²: \(scores)")
  }

  @Test("lambda 0 is the base policy, and its reward the mean where n divides M")
  func base() throws {
    let rewards = normal(3, 64, seed: 1)
    let mean = rewards.reduce(0) { $0 + $1.reduce(0, +) / 64 } / 3
    for point in soft(try run(rewards, lambdas: [0, 1e-9], ns: [2, 8, 64])) {
      #expect(point.kl == 0 || (point.lambda ?? 0) > 0)
      // (lambda·sigma)²/2.
      #expect(try (0...1e-17).contains(#require(point.kl)))
      #expect(abs(try #require(point.winRate) - 0.5) <= 1e-8)
      // 64 numbers of size 1 and, at lambda = 1e-9, a gain of lambda·sigma².
      #expect(abs(try #require(point.reward) - mean) <= 4e-9)
      #expect((point.beta == nil) == (point.lambda == 0))
    }
  }

  @Test("large lambda is best-of-n", arguments: [RowShape.normal, .integers, .twoValued, .pairs])
  func bestOfN(shape: RowShape) throws {
    var random = SeededGenerator(seed: 19)
    let rewards = (0..<40).map { _ in shape.row(200, &random) }
    let points = try run(rewards, lambdas: [1e9], ns: [2, 7, 16, 50, 100, 200])
    for point in soft(points) {
      let n = try #require(point.n)
      let best = try #require(points.first { $0.curve == .bestOfN && $0.n == n })
      let kl = try #require(best.kl)
      // Atoms are exact but for near ties. Over a stretch of length 1/M the log density (n−1) log u is taken
      // as linear; that leaves less than (n/M)²/24 · n/M · 1/12 of KL at the top, and at the bottom of n = 2
      // Σ (2i − 1)/M² · (what the divergences of e^{slope s} and of a linear density differ by) = 0.005/M².
      let ratio = Double(n) / 200
      let tolerance = 1e-9 + ratio * ratio * ratio / 288 + 0.006 / 40_000
      #expect(
        abs(try #require(point.kl) - kl) <= tolerance, "n \(n): \(point.kl ?? 0) and \(kl)")
      #expect(
        abs(try #require(point.winRate) - #require(best.winRate)) <= tolerance,
        "n \(n): \(point.winRate ?? 0) and \(best.winRate ?? 0)")
      let error = try #require(point.extras[.rewardSE])
      #expect(abs(try #require(point.reward) - #require(best.reward)) <= 4 * error + 1e-6)
      if n == 200 { #expect(error == 0) }
    }
  }

  @Test("large n is the tilt, from which it differs by a multiple of 1/n")
  func tilt() throws {
    let row = (0..<4000).map { $0 < 400 ? 1.0 : 0 }
    let lambda = 1.5
    let points = try run([row], lambdas: [lambda], ns: [250, 1000, 4000])
    let kl = try #require(points.first { $0.curve == .tilt }?.kl)
    let gaps = try soft(points).map { kl - (try #require($0.kl)) }
    // chi² of Bernoulli(0.1) at lambda = 1.5: Z(2 lambda)/Z(lambda)² − 1.
    let chi = (0.9 + 0.1 * exp(3)) / pow(0.9 + 0.1 * exp(1.5), 2) - 1
    for (gap, n) in zip(gaps, [250.0, 1000, 4000]) {
      #expect(gap > 0 && gap <= 3 * chi / n, "n \(n): \(gap)")
    }
    // First order in 1/n, the next is 1/n of it.
    #expect(abs(gaps[0] / gaps[1] / 4 - 1) <= 0.05 && abs(gaps[1] / gaps[2] / 4 - 1) <= 0.02)
  }

  // Not of a narrow cluster with one sample far below: the last of the cluster stands for a stretch of a continuum that
  // reaches halfway down, and that stretch's divergence falls by a part in 10^4 while lambda does not yet tell the
  // cluster apart.
  @Test(
    "KL grows with lambda and stays below its bound",
    arguments: RowShape.allCases.filter { $0 != .lowOutlier })
  func bounds(shape: RowShape) throws {
    var random = SeededGenerator(seed: 23)
    let rewards = (0..<5).map { _ in shape.row(90, &random) }
    let points = soft(try run(rewards))
    let ns = Array(Set(points.compactMap(\.n))).sorted()
    #expect(ns == [2, 4, 8, 16, 32])
    for n in ns {
      let line = points.filter { $0.n == n }
      #expect(line.count == (shape == .constant ? 1 : 8))
      for point in line { #expect(try #require(point.kl) <= #require(point.klBound)) }
      for (low, high) in zip(line, line.dropFirst()) {
        #expect(try #require(low.kl) <= #require(high.kl) * (1 + 1e-12))
      }
    }
  }

  @Test("the default grid spans the tilts' in eight steps")
  func defaults() throws {
    let points = try run(normal(4, 100, seed: 2))
    let tilts = points.filter { $0.curve == .tilt }.compactMap(\.lambda)
    let lambdas = soft(points).prefix(8).compactMap(\.lambda)
    // The tilts' 48 lambdas, of which those far beyond trust are not shown.
    let last = tilts[0] * pow(tilts[1] / tilts[0], 47)
    #expect(abs(lambdas[0] / tilts[0] - 1) <= 1e-12 && abs(lambdas[7] / last - 1) <= 1e-11)
    var request = FrontierRequest(resamples: 0)
    request.curves = [.softBestOfN]
    let alone = try Engine().frontier(
      RewardTable(
        label: "made",
        rewards: .cells(MemorySource(name: "made", rows: normal(4, 100, seed: 2)))), request
    ).points
    #expect(alone == soft(points))
    let order = points.map(\.curve).filter { $0 == .bestOfN || $0 == .softBestOfN }
    #expect(order.firstIndex(of: .softBestOfN) == order.count { $0 == .bestOfN })
  }

  @Test("one maximum for a row, or one for each block: the same reward")
  func wide() throws {
    let rewards = normal(3, 200, seed: 9)
    let range = rewards.map { ($0.max() ?? 0) - ($0.min() ?? 0) }.max() ?? 1
    // Just under and just over 600 e-folds; the rewards differ by d(reward)/d(lambda) of 1e-9 of lambda.
    let points = soft(
      try run(
        rewards, lambdas: [600 / range * (1 - 1e-9), 600 / range * (1 + 1e-9)], ns: [2, 5, 64]))
    for pair in stride(from: 0, to: points.count, by: 2) {
      #expect(
        try abs(#require(points[pair].gain) - #require(points[pair + 1].gain)) <= 1e-9)
    }
  }

  @Test("counts are the rewards they stand for")
  func counts() throws {
    let (samples, correct) = ([60, 200, 50], [7, 60, 50])
    let request = FrontierRequest.soft(lambdas: [0.3, 2], ns: [2, 5, 40])
    let counted = soft(
      try Engine().frontier(
        RewardTable(
          label: "c",
          rewards: .counts(CountsTable(name: "c", sampleCounts: samples, correctCounts: correct))),
        request
      ).points)
    let small = soft(
      try Engine().frontier(
        RewardTable(
          label: "c",
          rewards: .counts(CountsTable(name: "c", sampleCounts: [9], correctCounts: [4]))),
        FrontierRequest.soft(lambdas: [0, 0.3, 2, 40, 800], ns: [2, 5, 8, 9])
      ).points)
    let ones = (0..<9).map { $0 < 4 ? 1.0 : 0 }
    for point in small {
      let want = try Self.subsetMeans(
        ones, ones, n: #require(point.n), lambda: #require(point.lambda))
      // Sums of at most 126 terms.
      #expect(abs(try #require(point.reward) - want.reward) <= 1e-13)
    }
    let rows = zip(samples, correct).map { m, c in (0..<m).map { $0 < c ? 1.0 : 0 } }
    let cells = soft(try run(rows, lambdas: [0.3, 2], ns: [2, 5, 40]))
    for (exact, sampled) in zip(counted, cells) {
      #expect(abs(try #require(exact.kl) - #require(sampled.kl)) <= 1e-13)
      #expect(abs(try #require(exact.winRate) - #require(sampled.winRate)) <= 1e-13)
      let error = try #require(sampled.extras[.rewardSE])
      #expect(exact.extras[.rewardSE] == 0)
      #expect(
        abs(try #require(exact.reward) - #require(sampled.reward)) <= 4 * error + 1e-12,
        "n \(exact.n ?? 0) lambda \(exact.lambda ?? 0): \(exact.reward ?? 0) \(sampled.reward ?? 0) \(error)"
      )
    }
  }

  @Test("the same bits for any order of samples, threads, memory budget and device")
  func determinism() throws {
    let rewards = normal(30, 64, seed: 6)
    let whole = soft(try run(rewards, resamples: 20))
    for (memory, threads) in [(1 << 30, 1), (1 << 16, 3)] {
      #expect(
        whole
          == soft(try run(rewards, resamples: 20, memory: max(memory, 1 << 22), threads: threads)))
    }
    let plain = soft(try run(rewards, lambdas: [1]))
    #expect(plain == soft(try run(rewards.map { $0.reversed() }, lambdas: [1])))
    #expect(plain == soft(try run(rewards, lambdas: [1], device: "opencl")))
    #expect(plain != soft(try run(rewards, lambdas: [1], seed: 1)))
  }

  @Test("percentiles of the Poisson bootstrap over prompts")
  func intervals() throws {
    let rewards = normal(8, 50, seed: 14)
    let point = try #require(
      soft(try run(rewards, lambdas: [2], ns: [4], resamples: 120, seed: 7)).first)
    let kls = try rewards.map { row in
      try #require(soft(try run([row], lambdas: [2], ns: [4])).first?.kl)
    }
    let want = IntervalTests.interval(
      kls, prompts: Array(0..<8), seed: 7, replicates: 120, confidence: 0.9)
    #expect(abs(try #require(point.klLow) - want.0) <= 1e-14)
    #expect(abs(try #require(point.klHigh) - want.1) <= 1e-14)
    #expect(try #require(point.rewardLow) < #require(point.rewardHigh))
  }

  @Test("log weights: empty cells and the reason")
  func weighted() throws {
    let rewards = normal(2, 20, seed: 3)
    var request = FrontierRequest(lambdas: [1], bestOf: [2, 4], resamples: 0)
    request.curves = [.softBestOfN]
    let points = soft(
      try Engine().frontier(
        RewardTable(
          label: "made", rewards: .cells(MemorySource(name: "made", rows: rewards)),
          logWeights: MemorySource(name: "weights", rows: rewards)), request
      ).points)
    #expect(points.map(\.n) == [2, 4])
    for point in points {
      #expect(point.kl == nil && point.reward == nil && point.note.contains("--log-weights"))
    }
  }
}

extension FrontierRequest {
  fileprivate static func soft(lambdas: [Double], ns: [Int]) -> FrontierRequest {
    var request = FrontierRequest(lambdas: lambdas, bestOf: ns, resamples: 0)
    request.curves.insert(.softBestOfN)
    return request
  }
}

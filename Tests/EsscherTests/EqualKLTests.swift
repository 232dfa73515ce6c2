// SPDX-License-Identifier: Apache-2.0
// The policy that spends the same KL on every prompt, against runs of one prompt each and closed forms.

import Esscher
import EsscherTestSupport
import Glibc
import Testing

@Suite("Equal KL on every prompt")
struct EqualKLTests {
  static let devices = ["cpu", "opencl"]

  private func run(
    _ rewards: [[Double]], gold: [[Double]]? = nil, budgets: [Double] = [], ns: [Int] = [1, 4],
    resamples: Int = 0, seed: UInt64 = 0, device: String = "cpu",
    curves: Set<Curve> = [.tilt, .bestOfN, .equalKL], memory: Int = 2 << 30, threads: Int? = nil
  ) throws -> [FrontierPoint] {
    var request = FrontierRequest(
      lambdas: [0.5], klBudgets: budgets, bestOf: ns, resamples: resamples, confidence: 0.9,
      seed: seed, device: device, threads: threads, memoryBudgetBytes: memory)
    request.curves = curves
    let table = RewardTable(
      label: "made", rewards: .cells(MemorySource(name: "made", rows: rewards)),
      gold: gold.map { MemorySource(name: "gold", rows: $0) })
    return try Engine().frontier(table, request).points
  }

  private func rows(_ shape: RowShape, prompts: Int, seed: UInt64) -> [[Double]] {
    var random = SeededGenerator(seed: seed)
    return (0..<prompts).map { _ in
      let scale = random.uniform() * 3 + 0.1
      return shape.row(40 + Int(random.next() % 50), &random).map { scale * $0 }
    }
  }

  /// (M − ½)-quantiles of the normal law by bisection of its distribution function.
  private static func normalScores(_ count: Int) -> [Double] {
    (0..<count).map { index in
      let target = (Double(index) + 0.5) / Double(count)
      var (low, high) = (-10.0, 10.0)
      for _ in 0..<60 {
        let middle = (low + high) / 2
        if (erfc(-middle / 2.0.squareRoot()) / 2) < target { low = middle } else { high = middle }
      }
      return (low + high) / 2
    }
  }

  @Test("the mean over prompts of each prompt's own frontier", arguments: devices)
  func own(device: String) throws {
    for shape in [RowShape.normal, .exponential, .integers, .outlier] {
      let rewards = rows(shape, prompts: 7, seed: 31)
      var random = SeededGenerator(seed: 32)
      let gold = rewards.map { RowShape.normal.row($0.count, &random) }
      let budgets = [0.01, 0.4, 1.2]
      let points = try run(rewards, gold: gold, budgets: budgets, device: device)
      let equal = points.filter { $0.curve == .equalKL }
      #expect(equal.map(\.kl) == budgets)
      for (budget, point) in zip(budgets, equal) {
        // The common lambda of one prompt is that prompt's own; another solver, the KL to 1e-13.
        let alone = try rewards.indices.map { prompt in
          try #require(
            run([rewards[prompt]], gold: [gold[prompt]], budgets: [budget], curves: []).first {
              $0.curve == .budget
            })
        }
        func mean(_ path: KeyPath<FrontierPoint, Double?>) throws -> Double {
          try alone.reduce(0) { $0 + (try #require($1[keyPath: path])) } / Double(alone.count)
        }
        // Gain is flat to first order at fixed KL; gold and win rate move with lambda, whose error is
        // the KL's 1e-12 over the slope of log KL, which is above 0.01 in these cases.
        #expect(try abs(#require(point.gain) - mean(\.gain)) <= 1e-11 * mean(\.gain))
        #expect(try abs(#require(point.reward) - mean(\.reward)) <= 1e-10 * mean(\.gain))
        #expect(try abs(#require(point.gold) - mean(\.gold)) <= 1e-9)
        #expect(try abs(#require(point.winRate) - mean(\.winRate)) <= 1e-9)
        #expect(point.lambda == nil && point.beta == nil && point.n == nil)
      }
    }
  }

  @Test("identical prompts need no allocation", arguments: devices)
  func identical(device: String) throws {
    var random = SeededGenerator(seed: 4)
    let row = RowShape.normal.row(200, &random)
    let points = try run(
      [row, row, row], budgets: [0.2, 1], ns: [1, 2, 8, 200], device: device)
    let budgets = points.filter { $0.curve == .budget }
    for (common, equal) in zip(budgets, points.filter { $0.curve == .equalKL }) {
      #expect(abs(try #require(common.gain) / #require(equal.gain) - 1) <= 1e-11)
      #expect(abs(try #require(common.winRate) - #require(equal.winRate)) <= 1e-10)
    }
    for point in points where point.curve == .bestOfN {
      // Both gains are good to 1e-13 of themselves; best of 2 is within 10 % of the frontier.
      if point.n == 1 {
        #expect(point.extras[.allocation] == nil)
      } else {
        #expect(try #require(point.extras[.allocation]) <= 1e-9)
      }
    }
  }

  @Test("bias-corrected, identical prompts are as with a common lambda", arguments: devices)
  func corrected(device: String) throws {
    var random = SeededGenerator(seed: 44)
    let row = RowShape.normal.row(150, &random)
    let gold = RowShape.normal.row(150, &random)
    for weighted in [false, true] {
      func source(_ values: [Double], _ name: String) -> MemorySource {
        MemorySource(name: name, rows: [values, values])
      }
      let table = RewardTable(
        label: "made", rewards: .cells(source(row, "made")), gold: source(gold, "gold"),
        logWeights: weighted ? source(gold.map { $0 / 3 }, "weights") : nil)
      var request = FrontierRequest(
        lambdas: [1], klBudgets: [0.1, 0.9], bestOf: [1], resamples: 0, device: device)
      request.curves.insert(.equalKL)
      let plain = try Engine().frontier(table, request).points
      request.biasCorrect = true
      let points = try Engine().frontier(table, request).points
      let budgets = points.filter { $0.curve == .budget }
      for (index, equal) in points.filter({ $0.curve == .equalKL }).enumerated() {
        // Two solvers of the same KL, good to 1e-12; biases are some percent of the values.
        #expect(abs(try #require(equal.gain) / #require(budgets[index].gain) - 1) <= 1e-11)
        #expect(abs(try #require(equal.reward) - #require(budgets[index].reward)) <= 1e-11)
        #expect(abs(try #require(equal.gold) - #require(budgets[index].gold)) <= 1e-10)
        let before = try #require(plain.filter { $0.curve == .equalKL }[index].gain)
        #expect(try #require(equal.gain) > before * (1 + 1e-4))
      }
    }
  }

  @Test("trusted where every prompt has samples enough")
  func trusted() throws {
    let rewards = (0..<30).map { seed in
      var random = SeededGenerator(seed: UInt64(seed))
      return RowShape.normal.row(3000, &random)
    }
    let equal = try run(rewards, budgets: [0.1, 6], ns: [1]).filter { $0.curve == .equalKL }
    #expect(equal.map(\.trusted) == [true, false])
    #expect((equal[0].khat ?? 1) < 0.7 && (equal[0].extras[.maxWeight] ?? 1) < 0.05)
  }

  @Test("lognormal spreads: the gain falls by e^(-s^2/2)", arguments: devices)
  func lognormal(device: String) throws {
    // Normal scores of 4,000: the tilt at lambda sigma = 0.45 is within 1e-3 of the normal law's, and up to
    // the widest prompt (sigma = 3 on the common lambda) within 1 %.
    let base = Self.normalScores(4000)
    let spreads = Self.normalScores(60).map { exp(0.5 * $0) }
    let points = try run(
      spreads.map { spread in base.map { spread * $0 } }, budgets: [0.02], ns: [1], device: device)
    let common = try #require(points.first { $0.curve == .budget }?.gain)
    let equal = try #require(points.first { $0.curve == .equalKL }?.gain)
    // The law itself: e^{-1/8} = 0.8825; 60 midpoint quantiles lose part of the tail of sigma^2.
    let first = spreads.reduce(0, +) / 60
    let second = (spreads.reduce(0) { $0 + $1 * $1 } / 60).squareRoot()
    #expect(abs(first / second - 0.8825) <= 0.01)
    #expect(abs(equal / common - first / second) <= 2e-3, "\(equal / common) \(first / second)")
    // E[sigma] sqrt(2 delta), short of it by the scores' missing tail.
    #expect(abs(equal / (first * 0.2) - 1) <= 2e-3)
  }

  @Test("never above the common lambda at the same mean KL", arguments: RowShape.allCases)
  func dominance(shape: RowShape) throws {
    for seed in 0..<4 as Range<UInt64> {
      let rewards = rows(shape, prompts: 9, seed: 90 + seed)
      let first = try run(rewards, budgets: [0.05, 0.6, 2], ns: [1, 2, 8, 40])
      let spent = first.filter { $0.curve == .equalKL }.compactMap(\.kl)
      let distinct = Array(Set(spent.filter { $0 > 0 })).sorted()
      let common = distinct.isEmpty ? [] : try run(rewards, budgets: distinct, curves: [])
      for point in first where point.curve == .equalKL {
        let bound = common.first { $0.curve == .budget && $0.kl == point.kl }?.gain
        if let bound { #expect(try #require(point.gain) <= bound * (1 + 1e-10), "seed \(seed)") }
      }
      for point in first where point.curve == .bestOfN {
        let allocation = point.extras[.allocation]
        #expect((0...1).contains(allocation ?? 0), "\(shape) seed \(seed) n \(point.n ?? 0)")
      }
    }
  }

  @Test("the allocation's three gains, from runs of one prompt", arguments: devices)
  func allocation(device: String) throws {
    let rewards = rows(.exponential, prompts: 6, seed: 8)
    let ns = [2, 8, 32]
    let points = try run(rewards, ns: ns, device: device)
    for n in ns {
      // Draws with replacement from the samples as atoms, by the definition.
      var (gain, kl, own) = (0.0, 0.0, 0.0)
      for row in rewards {
        let sorted = row.sorted()
        let mean = row.reduce(0, +) / Double(row.count)
        var (b, d) = (0.0, 0.0)
        for (rank, reward) in sorted.enumerated() {
          let v =
            pow(Double(rank + 1) / Double(row.count), Double(n))
            - pow(Double(rank) / Double(row.count), Double(n))
          b += v * (reward - mean)
          if v > 0 { d += v * log(v * Double(row.count)) }
        }
        gain += b / 6
        kl += d / 6
        own +=
          try #require(run([row], budgets: [d], curves: []).first { $0.curve == .budget }?.gain) / 6
      }
      let common = try #require(
        run(rewards, budgets: [kl], curves: []).first { $0.curve == .budget }?.gain)
      let want = (common - own) / (common - gain)
      let got = try #require(
        points.first { $0.curve == .bestOfN && $0.n == n }?.extras[.allocation])
      #expect(0.1 < want && want < 1)
      // Differences of gains that are good to 1e-12, over a distance above a twentieth of them.
      #expect(abs(got - want) <= 1e-9, "n \(n): \(got) and \(want)")
    }
  }

  @Test("a prompt at its ceiling gives its maximum, and the note says so", arguments: devices)
  func ceiling(device: String) throws {
    // Ceilings log 4, log 2 and 0.
    let rewards = [[0.0, 0, 1, 3], [0, 1, 2, 2], [5, 5, 5, 5]]
    let gold = [[0.0, 0, 1, 7], [0, 0, 2, 4], [1, 2, 3, 6]]
    let points = try run(rewards, gold: gold, budgets: [2], ns: [1], device: device)
    let point = try #require(points.first { $0.curve == .equalKL })
    #expect(abs(try #require(point.kl) - (log(4) + log(2)) / 3) <= 1e-15)
    #expect(abs(try #require(point.gain) - (2.0 + 0.75) / 3) <= 1e-15)
    #expect(abs(try #require(point.reward) - (3.0 + 2 + 5) / 3) <= 1e-15)
    // Gold of the winners, averaged over ties.
    #expect(abs(try #require(point.gold) - (7.0 + 3 + 3) / 3) <= 1e-14)
    #expect(point.note.contains("3 prompts cannot spend 2.0 nats") && point.trusted == false)
  }

  @Test("without budgets, one line an n at best-of-n's mean KL", arguments: devices)
  func ofBestOfN(device: String) throws {
    let points = try run(rows(.normal, prompts: 5, seed: 2), ns: [1, 3, 9], device: device)
    let equal = points.filter { $0.curve == .equalKL }
    #expect(equal.map(\.n) == [1, 3, 9])
    #expect(equal.map(\.kl) == points.filter { $0.curve == .bestOfN }.map(\.kl))
    #expect(equal[0].gain == 0 && equal[0].kl == 0)
    let order = points.map(\.curve)
    #expect(
      order == [.tilt] + Array(repeating: .bestOfN, count: 3) + Array(repeating: .equalKL, count: 3)
    )
  }

  @Test("percentiles of the plain bootstrap of each prompt's gain", arguments: devices)
  func intervals(device: String) throws {
    let rewards = rows(.normal, prompts: 8, seed: 12)
    let point = try #require(
      run(rewards, budgets: [0.7], ns: [1], resamples: 150, seed: 5, device: device).first {
        $0.curve == .equalKL
      })
    let gains = try rewards.map { row in
      try #require(run([row], budgets: [0.7], curves: []).first { $0.curve == .budget }?.gain)
    }
    let want = IntervalTests.interval(
      gains, prompts: Array(0..<8), seed: 5, replicates: 150, confidence: 0.9)
    // Gains by another search, good to 1e-12.
    #expect(abs(try #require(point.gainLow) - want.0) <= 1e-11)
    #expect(abs(try #require(point.gainHigh) - want.1) <= 1e-11)
    #expect(abs(try #require(point.klLow) - 0.7) <= 1e-15)
  }

  @Test("the same bits for any threads and memory budget", arguments: devices)
  func determinism(device: String) throws {
    let rewards = rows(.normal, prompts: 40, seed: 6)
    let whole = try run(rewards, budgets: [0.3, 1], resamples: 50, device: device)
    for (memory, threads) in [(1 << 30, 1), (1 << 22, 3)] {
      let part = try run(
        rewards, budgets: [0.3, 1], resamples: 50, device: device, memory: memory, threads: threads)
      #expect(whole == part)
    }
  }

  @Test("asked for alone: there are budgets, or a reason")
  func alone() throws {
    let rewards = rows(.normal, prompts: 4, seed: 21)
    let none = try run(rewards, curves: [.equalKL])
    #expect(none.map(\.curve) == [.equalKL] && none[0].note.contains("--kl-budgets"))
    #expect(none[0].kl == nil && none[0].gain == nil)
    let relatives = try run(rewards, ns: [1, 4], curves: [.bestOfPoisson, .bestOfN, .equalKL])
    #expect(relatives.filter { $0.curve == .equalKL }.map(\.n) == [1, 4])
    let plain = try run(rewards, ns: [1, 4])
    for curve in [Curve.equalKL, .bestOfN] {
      for (a, b) in zip(
        plain.filter({ $0.curve == curve }), relatives.filter({ $0.curve == curve }))
      {
        #expect(a.gain == b.gain && a.extras[.allocation] == b.extras[.allocation])
      }
    }
  }

  @Test("log weights: budgets work, best-of-n's KL does not exist")
  func weighted() throws {
    let rewards = rows(.normal, prompts: 3, seed: 3)
    let table = RewardTable(
      label: "made", rewards: .cells(MemorySource(name: "made", rows: rewards)),
      logWeights: MemorySource(name: "weights", rows: rewards.map { $0.map { -$0 / 4 } }))
    var request = FrontierRequest(lambdas: [1], bestOf: [2], resamples: 0)
    request.curves = [.equalKL]
    let none = try Engine().frontier(table, request).points.filter { $0.curve == .equalKL }
    #expect(none.count == 1 && none[0].gain == nil && none[0].note.contains("--kl-budgets"))
    request.klBudgets = [0.4]
    let points = try Engine().frontier(table, request).points.filter { $0.curve == .equalKL }
    #expect(points.count == 1 && points[0].kl == 0.4 && (points[0].gain ?? 0) > 0)
  }
}

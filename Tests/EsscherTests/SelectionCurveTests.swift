// SPDX-License-Identifier: Apache-2.0
// The curves of best-of-n's relatives through the whole engine: which lines there are, what they say of laws
// that are known, and what holds of any reward.

import Esscher
import EsscherTestSupport
import Testing

@Suite("Curves of selection laws")
struct SelectionCurveTests {
  private static let relatives: Set<Curve> = [.bestOfN, .bestOfPoisson, .rewindAndRepeat]

  private func report(
    _ rows: [[Double]], gold: [[Double]]? = nil, logWeights: [[Double]]? = nil, ns: [Int]?,
    curves: Set<Curve> = Self.relatives, budgets: [Double] = [], resamples: Int = 0,
    device: String = "cpu"
  ) throws -> Report {
    let table = RewardTable(
      label: "law", rewards: .cells(MemorySource(name: "law", rows: rows)),
      gold: gold.map { MemorySource(name: "gold", rows: $0) },
      logWeights: logWeights.map { MemorySource(name: "weights", rows: $0) })
    var request = FrontierRequest(
      klBudgets: budgets, bestOf: ns, resamples: resamples, device: device)
    request.curves = curves
    return try Engine().frontier(table, request)
  }

  // MARK: Khalaf's toy: the proxy is uniform, gold u^12 (1 − u) scaled to a peak of 1

  /// Gold of each rank is its exact mean over M uniform samples, so that unbiased estimates are the law's
  /// values up to rounding: E u^p (1 − u) of the i-th of M is i···(i+p−1)·(M+1−i)/((M+1)···(M+p+1)).
  private static func toy(samples: Int) -> (proxy: [Double], gold: [Double]) {
    let p = 12
    var scale = 1.0 / Double(p + 1)
    for _ in 0..<p { scale *= Double(p) / Double(p + 1) }
    let gold = (1...samples).map { rank in
      var value = Double(samples + 1 - rank) / Double(samples + p + 1) / scale
      for k in 0..<p { value *= Double(rank + k) / Double(samples + 1 + k) }
      return value
    }
    return ((1...samples).map(Double.init), gold)
  }

  @Test(
    "best of n of the toy: the closed form, and the tie of 12 and 13", arguments: ["cpu", "opencl"])
  func toyBestOfN(device: String) throws {
    let (proxy, gold) = Self.toy(samples: 200)
    let lines = try report(
      [proxy], gold: [gold], ns: Array(1...32), curves: [.bestOfN], device: device
    ).points
    let points = lines.filter { $0.curve == .bestOfN }
    #expect(points.count == 32)
    let top = try #require(lines.first { $0.curve == .goldPeak })
    #expect(top.n == 12 && top.note.contains("n = 12 and 13 tie"))
    var scale = 1.0 / 13
    for _ in 0..<12 { scale *= 12.0 / 13 }
    for (n, point) in zip(1..., points) {
      let want = Double(n) / (scale * Double(n + 12) * Double(n + 13))
      let got = try #require(point.gold)
      // Gold is at most 1; the contract's 1e-10 of its spread.
      #expect((got - want).magnitude <= 1e-11, "n = \(n): \(got), exact \(want)")
    }
    let peak = try points.map { try #require($0.gold) }
    #expect((peak[11] - peak[12]).magnitude <= 1e-12)
    #expect((peak[11] - 0.6793891755).magnitude <= 5.1e-11)
  }

  @Test("best of Poisson of the toy: the closed form and its peak", arguments: ["cpu", "opencl"])
  func toyBestOfPoisson(device: String) throws {
    let (proxy, gold) = Self.toy(samples: 200)
    let forms = try SelectionFixture.load().toy
    let points = try report(
      [proxy], gold: [gold], ns: forms.map(\.n), curves: [.bestOfPoisson], device: device
    ).points
    for (form, point) in zip(forms, points) {
      #expect(point.n == form.n && point.curve == .bestOfPoisson)
      // The mixture leaves out a probability of at most 1e-12.
      expectClose(point.gold, form.gold, tolerance: 1e-11, scale: 1, "n = \(form.n)")
    }
    // The polynomial through ten neighbours of the peak, whose place and value it gives to 2e-8 and 2e-11
    // (evaluated from the fixture at 40 digits, against twelve neighbours).
    let nodes = Array(8...17)
    let values = try nodes.map { try #require(points[$0 - 1].gold) }
    func polynomial(_ mean: Double) -> Double {
      nodes.indices.reduce(0) { sum, i in
        nodes.indices.filter { $0 != i }.reduce(values[i]) { product, j in
          product * (mean + 1 - Double(nodes[j])) / Double(nodes[i] - nodes[j])
        } + sum
      }
    }
    var (low, high) = (11.0, 14.0)
    for _ in 0..<80 {
      let (a, b) = (low + (high - low) / 3, high - (high - low) / 3)
      if polynomial(a) < polynomial(b) { low = a } else { high = b }
    }
    // Ten digits were printed; a comparison of values finds a maximum to the root of their rounding.
    #expect((polynomial(low) - 0.6669311546).magnitude <= 1e-10, "\(polynomial(low))")
    #expect((low - 12.39983582).magnitude <= 1e-6, "\(low)")
  }

  @Test("the hack atom: samples that fool the proxy, and the tie of 9 and 10")
  func hackAtom() throws {
    // One in a hundred is at the top of the proxy and has gold 0; of the others proxy and gold are one
    // uniform, in exact means of their ranks.
    let (samples, hacked) = (100_000, 1000)
    let fair = samples - hacked
    let gold = (1...samples).map { $0 <= fair ? Double($0) / Double(fair + 1) : 0 }
    let proxy = (1...samples).map { $0 <= fair ? Double($0) : Double(samples) }
    let ns = [4, 9, 10, 16, 64]
    let points = try report([proxy], gold: [gold], ns: ns, curves: [.bestOfN]).points
    let printed = [4: 0.768476808, 16: 0.801372020, 64: 0.517510388]
    var peak: [Double] = []
    for (n, point) in zip(ns, points) {
      let got = try #require(point.gold)
      // No hacked sample among n of M without replacement.
      var none = 1.0
      for k in 0..<n { none *= Double(fair - k) / Double(samples - k) }
      #expect((got - none * Double(n) / Double(n + 1)).magnitude <= 1e-11, "n = \(n)")
      if let want = printed[n] {
        // Drawn without replacement from M: relative n (n−1)/(2M)·p/(1−p), p = 0.01, to first order.
        let margin = 0.52 * Double(n * (n - 1)) / Double(samples) * 0.01 / 0.99
        #expect((got - want).magnitude <= margin + 5.1e-10, "n = \(n): \(got)")
      }
      if n == 9 || n == 10 { peak.append(got) }
    }
    // 36 and 45 in place of n (n−1)/2: the difference is 9/M · p/(1−p), times gold 0.82.
    #expect((peak[0] - peak[1]).magnitude <= 1e-6 && peak[0] > 0.82)
  }

  // MARK: What holds of any reward

  @Test(
    "efficiency at most 1, win rate below its limit, KL below its bound",
    arguments: RowShape.allCases)
  func inequalities(shape: RowShape) throws {
    var random = SeededGenerator(seed: 41)
    let rows = (0..<6).map { _ in shape.row(150, &random) }
    let points = try report(
      rows, ns: nil, curves: Self.relatives.union([.tilt]), budgets: [0.5, 2]
    ).points
    for point in points {
      let place = "\(shape) \(point.curve) \(point.lambda ?? Double(point.n ?? 0))"
      guard let kl = point.kl, let win = point.winRate else {
        #expect(point.curve == .bestOfPoisson || point.curve == .budget, "\(place)")
        continue
      }
      let limit = try #require(point.extras[.winRateLimit])
      // The contract's 1e-10, relative.
      #expect(win <= limit * (1 + 1e-10), "\(place): \(win) above \(limit)")
      if let bound = point.klBound { #expect(kl <= bound + 1e-10, "\(place)") }
      if let efficiency = point.efficiency {
        #expect((0...1).contains(efficiency), "\(place)")
      } else if point.n != nil {
        #expect(point.n == 1 || shape == .constant, "\(place)")
      }
    }
  }

  @Test("KL and win rate without ties; the reverse KL of rewind and repeat is infinite")
  func untied() throws {
    let row = (0..<500).map { Double($0 * $0) }
    let points = try report([row], ns: [1, 2, 6, 21]).points
    for point in points {
      let n = Double(point.n ?? 0)
      let place = "\(point.curve) \(n)"
      if point.curve == .rewindAndRepeat {
        #expect(((point.kl ?? -1) - Elementary.log(n)).magnitude <= 1e-15, "\(place)")
        #expect(point.winRate == 1 - 1 / (2 * n), "\(place)")
        #expect((point.reverseKL == nil) == (n > 1) && (point.jeffreys == nil) == (n > 1))
        #expect(point.note.contains("reverse KL infinite") == (n > 1), "\(place)")
      } else {
        #expect(point.reverseKL != nil, "\(place)")
      }
      #expect(point.kl == point.klBound, "\(place)")
    }
    // n = 1 is the base policy under every law.
    for point in points where point.n == 1 {
      #expect(point.kl == 0 && point.gain == 0 && point.winRate == 0.5)
    }
  }

  // MARK: Which lines there are

  @Test("only curves that are asked for, in order, and budgets in any case")
  func chosen() throws {
    var random = SeededGenerator(seed: 43)
    let rows = (0..<4).map { _ in RowShape.normal.row(100, &random) }
    func curves(_ wanted: Set<Curve>) throws -> [Curve] {
      try report(rows, ns: [2, 4], curves: wanted, budgets: [0.5]).points.map(\.curve)
    }
    #expect(
      try curves(Self.relatives) == [
        .budget, .bestOfN, .bestOfN, .bestOfPoisson, .bestOfPoisson, .rewindAndRepeat,
        .rewindAndRepeat,
      ])
    #expect(try curves([.rewindAndRepeat]) == [.budget, .rewindAndRepeat, .rewindAndRepeat])
    #expect(try curves([]) == [.budget])
    let tilts = try curves([.tilt])
    #expect(
      tilts.count > 10 && tilts.dropLast().allSatisfy { $0 == .tilt } && tilts.last == .budget)
  }

  @Test("a line is the same whatever stands beside it")
  func independent() throws {
    var random = SeededGenerator(seed: 47)
    let rows = (0..<9).map { _ in RowShape.integers.row(120, &random) }
    let all = try report(rows, ns: [2, 8], curves: Self.relatives, resamples: 50).points
    for curve in Self.relatives {
      let alone = try report(rows, ns: [2, 8], curves: [curve], resamples: 50).points
      // Efficiency is a minimum over every lambda tried, within the square of 1e-7.
      let same = zip(alone, all.filter { $0.curve == curve }).allSatisfy { one, other in
        var (one, other) = (one, other)
        let error = ((one.efficiency ?? 0) - (other.efficiency ?? 0)).magnitude
        (one.efficiency, other.efficiency) = (nil, nil)
        // Its interval goes by the tangent at a KL met to 1e-7.
        var intervalError = 0.0
        for end in [ExtraColumn.efficiencyLow, .efficiencyHigh] {
          intervalError += ((one.extras[end] ?? 0) - (other.extras[end] ?? 0)).magnitude
          (one.extras[end], other.extras[end]) = (nil, nil)
        }
        return one == other && error <= 1e-12 && intervalError <= 1e-6
      }
      #expect(same && alone.count == 2, "\(curve)")
      #expect(alone.allSatisfy { ($0.gainLow ?? 1) < ($0.gainHigh ?? 0) && $0.klLow != nil })
    }
  }

  @Test("best of Poisson says how many samples it needs; log weights leave the lines empty")
  func undefined() throws {
    let rows = [(0..<30).map(Double.init)]
    let points = try report(rows, ns: [2, 16], curves: [.bestOfPoisson]).points
    #expect(points[0].kl != nil && points[1].kl == nil && points[1].efficiency == nil)
    #expect(
      points[1].note.contains("\(SelectionLaw.bestOfPoisson(16).fewestSamples) samples are needed"))
    let weighted = try report(rows, logWeights: [[Double](repeating: 0, count: 30)], ns: [2]).points
    #expect(
      weighted.count == 3
        && weighted.allSatisfy { $0.reward == nil && $0.note.contains("--log-weights") })
  }

  @Test("the means of the per-prompt lines are the report's")
  func perPrompt() throws {
    let rows = [(0..<40).map(Double.init), (0..<50).map { Double($0 % 5) }]
    let table = RewardTable(label: "", rewards: .cells(MemorySource(name: "", rows: rows)))
    var request = FrontierRequest(bestOf: [3], resamples: 0)
    request.curves = Self.relatives
    var lines: [PromptPoint] = []
    let report = try Engine().frontier(
      table, request, observer: RunObserver(promptPoints: { lines += $0 }))
    for point in report.points {
      let mine = lines.filter { $0.curve == point.curve }
      #expect(mine.count == 2)
      let mean = mine.reduce(0) { $0 + ($1.kl ?? .nan) } / 2
      #expect((mean - (point.kl ?? 0)).magnitude <= 1e-15)
      #expect(mine.allSatisfy { $0.reverseKL?.isFinite ?? true })
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Gold under an optimised proxy: closed forms by quadrature, where the samples carry the quadrature's weights,
// and identities on drawn rows.

import Esscher
import EsscherTestSupport
import Testing

@Suite("Gold and proxy")
struct GoldTests {
  /// A law as one prompt: its samples with the logarithms of their masses.
  private static func table(
    _ proxy: [Double], _ gold: [Double], _ logWeights: [Double]?
  ) -> RewardTable {
    RewardTable(
      label: "proxy", rewards: .cells(MemorySource(name: "proxy", rows: [proxy])),
      gold: MemorySource(name: "gold", rows: [gold]),
      logWeights: logWeights.map { MemorySource(name: "weights", rows: [$0]) })
  }

  /// Trapezoid nodes of the standard normal law: for entire functions the error is e^{−2π²/step²}.
  private static func normalNodes(step: Double, reach: Double) -> (x: [Double], logMass: [Double]) {
    let count = Int((2 * reach / step).rounded()) + 1
    let x = (0..<count).map { -reach + step * Double($0) }
    return (x, x.map { -$0 * $0 / 2 })
  }

  private static func close(_ got: Double?, _ want: Double, _ tolerance: Double = 1e-6) -> Bool {
    ((got ?? .nan) - want).magnitude <= tolerance * max(1, want.magnitude)
  }

  @Test("T1: correlated normals, at KL 1 and correlation 0.6")
  func correlatedNormals() throws {
    let nodes = Self.normalNodes(step: 0.25, reach: 8)
    var (proxy, gold, mass): ([Double], [Double], [Double]) = ([], [], [])
    for (s, logS) in zip(nodes.x, nodes.logMass) {
      for (e, logE) in zip(nodes.x, nodes.logMass) {
        proxy.append(s)
        gold.append(0.6 * s + 0.8 * e)
        mass.append(logS + logE)
      }
    }
    let report = try Engine().frontier(
      Self.table(proxy, gold, mass),
      FrontierRequest(lambdas: [0.3, 1, 2.0.squareRoot()], klBudgets: [1], resamples: 0))
    for (point, lambda) in zip(report.points, [0.3, 1, 2.0.squareRoot(), 2.0.squareRoot()]) {
      let ideal = lambda  // sigma sqrt(2 KL), KL = lambda²/2
      #expect(Self.close(point.kl, lambda * lambda / 2))
      #expect(Self.close(point.gold, 0.6 * ideal))
      #expect(Self.close(point.extras[.goldFrontier], ideal))
      #expect(Self.close(point.extras[.hackingGap], 0.4 * ideal))
      #expect(Self.close(point.extras[.equalBetaGap], 0.4 * lambda))
      #expect(Self.close(point.extras[.goldSlope], 0.6))
    }
    #expect(Self.close(report.points[3].gold, 0.848528137424))
    #expect(Self.close(report.points[3].extras[.goldFrontier], 1.41421356237))
    let peak = try #require(report.points.first { $0.curve == .goldPeak })
    #expect(peak.gold == nil && peak.note.contains("still rises"))
  }

  @Test("T2: gold bends over: peak, and Gao's form of best-of-n exactly along the tilt")
  func bending() throws {
    let (a, b) = (1.5, 0.5)
    let nodes = Self.normalNodes(step: 0.05, reach: 12)
    let gold = nodes.x.map { a * $0 - b * $0 * $0 }
    let lambdas = (1...25).map { 0.1 * Double($0) }
    let report = try Engine().frontier(
      Self.table(nodes.x, gold, nodes.logMass),
      FrontierRequest(lambdas: lambdas, resamples: 0))
    for (point, lambda) in zip(report.points, lambdas) {
      // E g under the tilt: mean lambda, second moment 1 + lambda².
      #expect(Self.close(point.gold, a * lambda - b * (1 + lambda * lambda)))
      #expect(Self.close(point.extras[.goldSlope], a - 2 * b * lambda))
      #expect((point.extras[.hackingGap] ?? -1) >= -1e-8)
    }
    let peak = try #require(report.points.first { $0.curve == .goldPeak })
    #expect(Self.close(peak.lambda, a / (2 * b)))
    #expect(Self.close(peak.kl, a * a / (8 * b * b)))
    #expect(Self.close(peak.gold, a * a / (4 * b) - b))
    let fits = report.points.filter { $0.curve == .gaoFit }
    let fit = try #require(fits.first { $0.note.contains("d(alpha - beta d)") })
    #expect(Self.close(fit.extras[.fitAlpha], 2.0.squareRoot() * a))
    #expect(Self.close(fit.extras[.fitBeta], 2 * b))
    #expect(Self.close(fit.kl, a * a / (8 * b * b)))
    #expect(Self.close(fit.gold, a * a / (4 * b) - b))
  }

  @Test("T3: the toy of Khalaf et al. along the proxy's tilt")
  func khalaf() throws {
    let p = 12.0
    let scale = Elementary.exp(p * Elementary.log(p / (p + 1))) / (p + 1)
    // Simpson's rule: (1/180) h⁴ of the fourth derivative, 13⁴·e^{14}/180·h⁴ < 1e-8 relative to the integral.
    let count = 4001
    let proxy = (0..<count).map { Double($0) / Double(count - 1) }
    let gold = proxy.map { u in
      u > 0 ? Elementary.exp(p * Elementary.log(u)) * (1 - u) / scale : 0
    }
    let mass = (0..<count).map { index in
      Elementary.log(index == 0 || index == count - 1 ? 1 : index % 2 == 1 ? 4 : 2)
    }
    let report = try Engine().frontier(
      Self.table(proxy, gold, mass), FrontierRequest(lambdas: [1, 5, 10, 20, 40], resamples: 0))
    let peak = try #require(report.points.first { $0.curve == .goldPeak })
    #expect(Self.close(peak.lambda, 13.52939575))
    #expect(Self.close(peak.gold, 0.6657978148))
    #expect(Self.close(peak.kl, 1.604884124))
    let base = try Engine().frontier(
      Self.table(proxy, gold, mass), FrontierRequest(lambdas: [0], resamples: 0))
    #expect(Self.close(base.points[0].gold, 0.186645377902))
  }

  @Test(
    "gaps at matched KL are never negative, stay below their bound, and vanish for an affine proxy")
  func gaps() throws {
    var random = SeededGenerator(seed: 21)
    for shape in [RowShape.normal, .exponential, .integers, .twoValued] {
      let rows = (0..<6).map { _ in shape.row(400, &random) }
      let noisy = rows.map { $0.map { $0 + 0.7 * random.normal() } }
      for (gold, isAffine) in [(noisy, false), (rows.map { $0.map { 3 * $0 - 1 } }, true)] {
        let table = RewardTable(
          label: "proxy", rewards: .cells(MemorySource(name: "proxy", rows: rows)),
          gold: MemorySource(name: "gold", rows: gold))
        let report = try Engine().frontier(
          table,
          FrontierRequest(
            lambdas: [0.01, 0.1, 0.4, 1, 2], klBudgets: [0.2], bestOf: [2], resamples: 0))
        for point in report.points where point.curve == .tilt || point.curve == .budget {
          let gap = try #require(point.extras[.hackingGap])
          let frontier = try #require(point.extras[.goldFrontier])
          let bound = try #require(point.extras[.hackingBound])
          let gold = try #require(point.gold)
          // The last tangent's error, relative to the gain.
          let allowed = 1e-9 * (frontier - gold).magnitude + 1e-9 * frontier.magnitude
          #expect(
            gap >= -allowed && gap <= bound + allowed, "\(shape) \(point.lambda ?? 0): \(gap)")
          #expect((frontier - gold - gap).magnitude <= 1e-12 * max(1, frontier.magnitude))
          // Root of a variance that cancels: 1e-8 of gold's spread.
          if isAffine { #expect(gap.magnitude <= allowed && bound <= 1e-6) }
        }
      }
    }
  }

  @Test(
    "a proxy of twice gold's scale: negative gaps at equal beta, with a warning, none at equal KL")
  func equalBeta() throws {
    var random = SeededGenerator(seed: 3)
    let gold = (0..<5).map { _ in RowShape.normal.row(300, &random) }
    let table = RewardTable(
      label: "proxy",
      rewards: .cells(MemorySource(name: "proxy", rows: gold.map { $0.map { 2 * $0 } })),
      gold: MemorySource(name: "gold", rows: gold))
    let report = try Engine().frontier(
      table, FrontierRequest(lambdas: [0.2, 0.5, 1], bestOf: [2], resamples: 50))
    #expect((report.points[1].extras[.equalBetaGap] ?? 0) < 0)
    #expect((report.points[1].extras[.hackingGap] ?? 1).magnitude < 1e-7)
    #expect(report.warnings.contains { $0.contains("equal_beta_gap is no sign") })
  }

  @Test("a proxy against gold: gold falls from the start")
  func opposite() throws {
    var random = SeededGenerator(seed: 4)
    let rows = (0..<4).map { _ in RowShape.normal.row(200, &random) }
    let table = RewardTable(
      label: "proxy", rewards: .cells(MemorySource(name: "proxy", rows: rows)),
      gold: MemorySource(name: "gold", rows: rows.map { $0.map { -$0 } }))
    let report = try Engine().frontier(
      table, FrontierRequest(lambdas: [0.2, 0.5, 1], bestOf: [1, 2, 4], resamples: 40))
    let peaks = report.points.filter { $0.curve == .goldPeak }
    #expect(peaks.count == 2)
    #expect(peaks[0].kl == 0 && peaks[0].note.contains("falls from the start"))
    #expect(peaks[1].n == 1)
    for point in report.points where point.curve == .tilt {
      #expect((point.extras[.goldSlope] ?? 0) < 0)
      #expect((point.extras[.hackingGap] ?? 0) > 0)
    }
  }

  @Test("intervals of gap, peak and fits are percentiles over resampled prompts")
  func intervals() throws {
    var random = SeededGenerator(seed: 9)
    let rows = (0..<7).map { _ in RowShape.normal.row(400, &random) }
    let gold = rows.map { row in
      row.map { 1.5 * $0 - 0.6 * $0 * $0 + 0.3 * random.normal() }
    }
    func run(_ prompts: [Int], resamples: Int) throws -> Report {
      let table = RewardTable(
        label: "proxy",
        rewards: .cells(MemorySource(name: "proxy", rows: prompts.map { rows[$0] })),
        gold: MemorySource(name: "gold", rows: prompts.map { gold[$0] }))
      return try Engine().frontier(
        table,
        FrontierRequest(
          lambdas: (1...20).map { 0.1 * Double($0) }, klBudgets: [0.3], bestOf: [1, 2, 4, 8, 16],
          resamples: resamples, confidence: 0.8, seed: 6))
    }
    let report = try run(Array(0..<7), resamples: 30)
    var replicates: [Report] = []
    for replicate in 0..<30 {
      let prompts = (0..<7).flatMap { prompt in
        Array(
          repeating: prompt,
          count: PoissonBootstrap.count(
            index: UInt64(prompt), replicate: UInt32(replicate), seed: 6))
      }
      if !prompts.isEmpty { replicates.append(try run(prompts, resamples: 0)) }
    }
    func check(
      _ name: String, _ low: Double?, _ high: Double?, tolerance: Double,
      _ value: (Report) -> Double?
    ) throws {
      let sorted = replicates.compactMap(value).sorted()
      try #require(sorted.count == replicates.count)
      for (got, share) in [(low, 0.1), (high, 0.9)] {
        let want = PoissonBootstrap.quantile(sorted, share)
        #expect(
          ((got ?? .nan) - want).magnitude <= tolerance, "\(name): \(got ?? .nan) for \(want)")
      }
    }
    for index in [0, 9, 19] {
      let point = report.points[index]
      // A cubic between points 0.12 apart in log lambda, 0.24 in log KL: 1e-6 of a gain of about 2.
      try check(
        "gap", point.extras[.hackingGapLow], point.extras[.hackingGapHigh], tolerance: 4e-6
      ) { $0.points[index].extras[.hackingGap] }
    }
    // Held KL, by the slope of gold: off by the square of the replicate's KL at the same lambda, some 10 %.
    let budget = report.points[20]
    try check("budget's gold", budget.goldLow, budget.goldHigh, tolerance: 3e-3) {
      $0.points[20].gold
    }
    try check(
      "budget's gap", budget.extras[.hackingGapLow], budget.extras[.hackingGapHigh],
      tolerance: 3e-3
    ) { $0.points[20].extras[.hackingGap] }
    func line(_ report: Report, _ curve: Curve, _ index: Int) -> FrontierPoint {
      report.points.filter { $0.curve == curve }[index]
    }
    let peak = line(report, .goldPeak, 0)
    // A parabola through neighbours h = 0.09 apart in log lambda: the cubic term moves the peak by
    // h²·f'''/(6 f'') = 0.004, and KL near 0.7 by twice that share.
    try check("peak KL", peak.klLow, peak.klHigh, tolerance: 1e-2) { line($0, .goldPeak, 0).kl }
    try check("peak gold", peak.goldLow, peak.goldHigh, tolerance: 1e-3) {
      line($0, .goldPeak, 0).gold
    }
    let best = line(report, .goldPeak, 1)
    try check("best KL", best.klLow, best.klHigh, tolerance: 1e-12) { line($0, .goldPeak, 1).kl }
    try check("best gold", best.goldLow, best.goldHigh, tolerance: 1e-12) {
      line($0, .goldPeak, 1).gold
    }
    var compared = 0
    for index in 0..<3 {
      let fit = line(report, .gaoFit, index)
      // The fits' points are those that the whole sample believes, which a replicate may not.
      guard replicates.allSatisfy({ line($0, .gaoFit, index).note == fit.note }) else { continue }
      compared += 1
      try check("alpha", fit.extras[.fitAlphaLow], fit.extras[.fitAlphaHigh], tolerance: 1e-9) {
        line($0, .gaoFit, index).extras[.fitAlpha]
      }
      try check("beta", fit.extras[.fitBetaLow], fit.extras[.fitBetaHigh], tolerance: 1e-9) {
        line($0, .gaoFit, index).extras[.fitBeta]
      }
    }
    #expect(compared > 0)
    let chosen = report.points.filter { $0.curve == .bestOfN }[3]
    try check(
      "efficiency", chosen.extras[.efficiencyLow], chosen.extras[.efficiencyHigh], tolerance: 2e-3
    ) { $0.points.filter { $0.curve == .bestOfN }[3].efficiency }
  }
}

// SPDX-License-Identifier: Apache-2.0
// What becomes of gold while the proxy is optimised: the gold frontier at matched KL, the hacking gap with
// its bound, where gold peaks, and Gao's fits.

internal import EsscherCore

struct GoldStudy {
  /// Values beside one tilt or budget line.
  struct LineGap {
    var frontier: Double
    var gap: Double
    var interval: (low: Double, high: Double)?
    var bound: Double?
    var equalBeta: Double?
  }

  private var gaps: [Int: LineGap] = [:]
  private let isWeighted: Bool
  private let hasReplicates: Bool
  private let peaks: [GoldPeak]
  private let fits: [GoldFit]
  let warnings: [String]

  /// The line that keeps the base policy's gold in the replicates.
  static func bootstrapLines(_ grid: PointGrid, hasGold: Bool) -> [BootstrapLine] {
    hasGold ? [BootstrapLine(entry: grid.entry(of: 0), quantities: [.gold])] : []
  }

  /// - Parameters:
  ///   - accumulator: the proxy's round.
  ///   - baseLine: where ``bootstrapLines(_:hasGold:)`` is among its lines.
  init(
    _ accumulator: FrontierAccumulator, baseLine: Int, scan: MatrixScan, overview: MatrixOverview,
    request: FrontierRequest
  ) throws(EsscherError) {
    isWeighted = scan.table.logWeights != nil
    hasReplicates = request.resamples > 0
    let grid = accumulator.grid
    let base = accumulator.points[grid.entry(of: 0)].means.gold
    let baseReplicates = accumulator.replicates(line: baseLine, .gold)
    let lines = Self.tiltLines(grid)
    let proxyKLs = lines.map {
      accumulator.points[accumulator.bootstrapLines[$0].entry].means.kl
    }.filter { $0 > 0 }
    let placed = try scan.attempt { () throws(EsscherError) in
      try GoldFrontier(
        covering: proxyKLs,
        lambdas: lines.map { grid.planned[accumulator.bootstrapLines[$0].entry] }, scan: scan,
        request: request,
        covariance: accumulator.points[grid.entry(of: 0)].means.goldSlope,
        proxyVariance: overview.standardDeviation * overview.standardDeviation)
    }
    peaks = try GoldPeak.find(
      accumulator, scan: scan, overview: overview, request: request)
    guard let frontier = placed else { throw Sweep.suspension }
    if let frontier {
      var replicates: [(kls: [Double], gains: [Double])] = []
      for line in lines {
        let entry = accumulator.bootstrapLines[line].entry
        let means = accumulator.points[entry].means
        let best = frontier.gain(atKL: means.kl)
        // Never negative but by rounding; the correction of a bias has no such law.
        let lost = best - (means.gold - base)
        var gap = LineGap(
          frontier: base + best, gap: request.biasCorrect ? lost : max(0, lost))
        var kls = accumulator.replicates(line: line, .kl)
        var golds = accumulator.replicates(line: line, .gold)
        if let beta = accumulator.bootstrapLines[line].heldBeta {
          golds = accumulator.heldGolds(line: line, lambda: 1 / beta, kl: means.kl)
          kls = kls.map { _ in means.kl }
        }
        replicates.append((kls, zip(golds, baseReplicates).map { $0 - $1 }))
        gap.bound = frontier.bound(atKL: means.kl, proxyChiSquared: means.chiSquared)
        gap.equalBeta = frontier.gain(atLambda: grid.planned[entry]).map {
          $0 - (means.gold - base)
        }
        gaps[line] = gap
      }
      let intervals = frontier.gapIntervals(replicates, confidence: request.confidence)
      for (line, interval) in zip(lines, intervals) { gaps[line]?.interval = interval }
    }
    let negative = gaps.values.filter { ($0.equalBeta ?? 0) < 0 }.count
    warnings =
      negative > 0
      ? [
        "at \(negative) lambdas gold's own tilt has less gold than the proxy's at the same beta, which "
          + "compares policies of different KL where the two rewards differ in scale; equal_beta_gap is "
          + "no sign of hacking or of its absence, hacking_gap (matched KL, never negative) is"
      ] : []
    fits = GoldFit.all(
      accumulator, baseReplicates: baseReplicates, base: base, confidence: request.confidence,
      overview: overview)
  }

  /// Lines of tilts and budgets.
  private static func tiltLines(_ grid: PointGrid) -> [Int] {
    let tilts = grid.lambdas.indices.filter { grid.lambdas[$0] > 0 }
    let budgets = grid.budgets.filter { $0.lambda != nil }.indices.map { grid.lambdas.count + $0 }
    return tilts + budgets
  }

  /// Fills in a tilt's or budget's line.
  func fill(_ point: inout FrontierPoint, line: Int) {
    guard let gap = gaps[line] else {
      if point.lambda != 0 { point.annotate("gold or reward is constant, so that there is no gap") }
      return
    }
    point.extras[.goldFrontier] = gap.frontier
    point.extras[.hackingGap] = gap.gap
    point.extras[.hackingGapLow] = gap.interval?.low
    point.extras[.hackingGapHigh] = gap.interval?.high
    point.extras[.hackingBound] = gap.bound
    if gap.interval == nil && hasReplicates {
      point.annotate("the hacking gap has no interval from one prompt")
    }
    if gap.bound == nil {
      point.annotate(
        isWeighted
          ? "the hacking gap has no bound with --log-weights"
          : "the hacking gap has no bound at gold's KL ceiling")
    }
    point.extras[.equalBetaGap] = gap.equalBeta
  }

  /// Lines of their own: peaks and fits.
  func points(_ assembler: PointAssembler) -> [FrontierPoint] {
    peaks.map { $0.point(assembler) } + fits.map { $0.point(assembler) }
  }
}

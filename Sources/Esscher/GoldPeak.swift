// SPDX-License-Identifier: Apache-2.0
// Where gold is highest along the proxy's tilt and under best-of-n.

internal import EsscherCore

/// The highest gold of one curve.
struct GoldPeak {
  /// Where it lies.
  enum Place {
    /// At the lambda that the round evaluated alone.
    case tilt(FrontierAccumulator)
    /// At one of the laws that select by rank, by index.
    case selection(index: Int, line: Int)
    /// At the base policy.
    case base
    /// Beyond the last point.
    case beyond(_ note: String)
  }

  let place: Place
  var kl: (low: Double, high: Double)?
  var gold: (low: Double, high: Double)?
  var notes: [String] = []

  /// The peaks of the curves that have three points.
  static func find(
    _ accumulator: FrontierAccumulator, scan: MatrixScan, overview: MatrixOverview,
    request: FrontierRequest
  ) throws(EsscherError) -> [GoldPeak] {
    var peaks: [GoldPeak] = []
    if accumulator.grid.lambdas.count >= 3 {
      var peak = GoldPeak(
        place: try alongTilt(accumulator, scan: scan, overview: overview, request: request))
      peak.addTiltInterval(accumulator, confidence: request.confidence)
      peaks.append(peak)
    }
    guard scan.table.logWeights == nil else { return peaks }
    for curve in Curve.allCases {
      let selections = accumulator.grid.selections
      let indices = selections.indices.filter { selections[$0].curve == curve }
      guard indices.count >= 3 else { continue }
      peaks.append(
        underSelection(curve, indices, accumulator, confidence: request.confidence))
    }
    return peaks
  }

  // MARK: Along the tilt

  /// Rounds of the search, each a pass over the rows.
  private static let mostRounds = 8
  /// Relative width of the bracket at which it ends; one secant step more squares it.
  private static let width = 1e-7

  private static func alongTilt(
    _ accumulator: FrontierAccumulator, scan: MatrixScan, overview: MatrixOverview,
    request: FrontierRequest
  ) throws(EsscherError) -> Place {
    let lambdas = accumulator.grid.planned
    let means = lambdas.indices.map { accumulator.points[$0].means }
    // Plug-in values: the slope belongs to them.
    guard let top = means.indices.max(by: { means[$0].empiricalGold < means[$1].empiricalGold })
    else {
      return .base
    }
    let isRising = means[top].goldSlope > 0
    if top == lambdas.count - 1 && isRising {
      return .beyond("gold of tilt still rises at the last lambda, so that no peak is seen")
    }
    if top == 0 && !isRising { return .base }
    let (left, right) = isRising ? (top, top + 1) : (top - 1, top)
    var low = (lambda: lambdas[left], slope: means[left].goldSlope)
    var high = (lambda: lambdas[right], slope: means[right].goldSlope)
    var rounds = 0
    while low.slope > 0, high.slope < 0, high.lambda - low.lambda > width * high.lambda,
      rounds < mostRounds
    {
      rounds += 1
      let step = high.lambda - low.lambda
      let root = secant(low, high)
      let trials = [-0.25, -0.03, -0.001, 0, 0.001, 0.03, 0.25].map { root + $0 * step }
        .filter { $0 > low.lambda && $0 < high.lambda }
      guard !trials.isEmpty else { break }
      let slopes = try scan.goldSlopes(trials, missing: request.missing)
      for (lambda, slope) in zip(trials, slopes) {
        if slope > 0 && lambda > low.lambda { low = (lambda, slope) }
        if slope <= 0 && lambda < high.lambda { high = (lambda, slope) }
      }
    }
    let peak = low.slope > 0 && high.slope <= 0 ? secant(low, high) : lambdas[top]
    let grid = PointGrid(lambdas: [peak], isWeighted: scan.table.logWeights != nil)
    let quiet = scan.with(scan.table, scope: "peak", isWatched: false)
    let round = MainRound(scan: quiet, request: request, promptCount: overview.promptCount)
    let lines = [
      BootstrapLine(
        entry: grid.entry(of: peak), quantities: [.kl, .reward, .gain, .gold])
    ]
    return .tilt(try round.run(grid, lines: lines, stage: "evaluating the gold peak"))
  }

  private static func secant(
    _ low: (lambda: Double, slope: Double), _ high: (lambda: Double, slope: Double)
  ) -> Double {
    low.lambda + (high.lambda - low.lambda) * low.slope / (low.slope - high.slope)
  }

  /// Each replicate's own peak, by a parabola in log lambda through the three points about its highest.
  private mutating func addTiltInterval(
    _ accumulator: FrontierAccumulator, confidence: Double
  ) {
    let grid = accumulator.grid
    guard accumulator.promptCount > 1 else {
      notes.append("no interval of where it lies from one prompt")
      return
    }
    let lines = grid.lambdas.indices.filter { grid.lambdas[$0] > 0 }
    let positions = lines.map { Elementary.log(grid.lambdas[$0]) }
    let golds = lines.map { accumulator.replicates(line: $0, .gold) }
    let kls = lines.map { accumulator.replicates(line: $0, .kl) }
    guard lines.count >= 3, let count = golds.first?.count, count > 0 else { return }
    var peakKLs: [Double] = []
    var peakGolds: [Double] = []
    var (atEnd, atStart) = (0, 0)
    for replicate in 0..<count {
      var top = 0
      for index in lines.indices where golds[index][replicate] > golds[top][replicate] {
        top = index
      }
      guard top > 0 && top < lines.count - 1 else {
        if top > 0 { atEnd += 1 } else { atStart += 1 }
        peakKLs.append(kls[top][replicate])
        peakGolds.append(golds[top][replicate])
        continue
      }
      let (x, gold) = Self.vertex(
        positions[top - 1...top + 1].map(\.self),
        golds[top - 1...top + 1].map { $0[replicate] })
      let side = x < positions[top] ? top - 1 : top
      let share = (x - positions[side]) / (positions[side + 1] - positions[side])
      let (a, b) = (kls[side][replicate], kls[side + 1][replicate])
      // KL goes nearly as a power of lambda between neighbours.
      peakKLs.append(
        a > 0 && b > 0 ? a * Elementary.exp(share * Elementary.log(b / a)) : a + share * (b - a))
      peakGolds.append(gold)
    }
    kl = Percentiles.interval(peakKLs, confidence: confidence)
    gold = Percentiles.interval(peakGolds, confidence: confidence)
    let tail = (1 - confidence) / 2 * Double(count)
    if Double(atEnd) > tail { notes.append("in \(atEnd) replicates gold peaks at the grid's end") }
    if Double(atStart) > tail {
      notes.append("in \(atStart) replicates gold peaks at the grid's start")
    }
  }

  /// The highest point of the parabola through three points, the middle one being the highest.
  private static func vertex(_ x: [Double], _ y: [Double]) -> (x: Double, y: Double) {
    let (left, right) = (x[1] - x[0], x[2] - x[1])
    let (down, up) = ((y[1] - y[0]) / left, (y[2] - y[1]) / right)
    let curvature = (up - down) / (left + right)
    guard curvature < 0 else { return (x[1], y[1]) }
    let slope = down + curvature * left
    let step = min(max(-slope / (2 * curvature), -left), right)
    return (x[1] + step, y[1] + step * (slope + curvature * step))
  }

  // MARK: Under best-of-n and its relatives

  private static func underSelection(
    _ curve: Curve, _ indices: [Int], _ accumulator: FrontierAccumulator, confidence: Double
  ) -> GoldPeak {
    let grid = accumulator.grid
    let ns = indices.map { grid.selections[$0].n }
    let golds = indices.map { accumulator.points[grid.planned.count + $0].means.gold }
    let top = golds.indices.max { golds[$0] < golds[$1] } ?? 0
    // The first of equal ones; U-statistics carry an error of some 1e-13.
    let scale = 1e-11 * (golds.map(\.magnitude).max() ?? 0)
    let equal = golds.indices.filter { golds[$0] >= golds[top] - scale }
    let first = equal.first ?? top
    let lines = indices.map { index in
      accumulator.bootstrapLines.firstIndex { $0.entry == grid.planned.count + index } ?? 0
    }
    guard first < ns.count - 1 else {
      return GoldPeak(
        place: .beyond(
          "gold of \(curve.rawValue) still rises at the largest n, so that no peak is seen"))
    }
    var peak = GoldPeak(place: .selection(index: indices[first], line: lines[first]))
    let replicateGolds = lines.map { accumulator.replicates(line: $0, .gold) }
    let replicateKLs = lines.map { accumulator.replicates(line: $0, .kl) }
    var best: [(kl: Double, gold: Double)] = []
    for replicate in (replicateGolds.first ?? []).indices {
      var own = 0
      for index in lines.indices
      where replicateGolds[index][replicate] > replicateGolds[own][replicate] + scale {
        own = index
      }
      best.append((replicateKLs[own][replicate], replicateGolds[own][replicate]))
    }
    if accumulator.promptCount > 1 {
      peak.kl = Percentiles.interval(best.map(\.kl), confidence: confidence)
      peak.gold = Percentiles.interval(best.map(\.gold), confidence: confidence)
    } else {
      peak.notes.append("no interval of where it lies from one prompt")
    }
    if equal.count > 1 {
      let names = equal.map { String(ns[$0]) }.joined(separator: " and ")
      peak.notes.append("n = \(names) tie")
    }
    peak.notes.append("of \(curve.rawValue), among the n of the grid")
    return peak
  }

  // MARK: The line

  /// The report's line.
  func point(_ assembler: PointAssembler) -> FrontierPoint {
    var point = assembler.blank(.goldPeak)
    switch place {
    case .tilt(let accumulator):
      var own = assembler
      own.accumulator = accumulator
      own.intervals = LineIntervals(
        accumulator, confidence: assembler.request.confidence, threads: 1)
      let lambda = accumulator.grid.lambdas[0]
      point.lambda = lambda
      point.beta = 1 / lambda
      own.fill(&point, entry: accumulator.grid.entry(of: lambda))
      own.addIntervals(&point, line: 0)
    case .selection(let index, let line):
      let grid = assembler.accumulator.grid
      point.n = grid.selections[index].n
      assembler.fill(&point, entry: grid.planned.count + index)
      point.klBound = BestOfNLaw.bound(grid.selections[index])
      assembler.addIntervals(&point, line: line)
    case .base:
      point.annotate("gold falls from the start: the base policy has the most")
      point.lambda = 0
      point.kl = 0
      point.gold = assembler.accumulator.points[assembler.grid.entry(of: 0)].means.gold
    case .beyond(let note):
      point.annotate(note)
      return point
    }
    if let kl { (point.klLow, point.klHigh) = (kl.low, kl.high) }
    if let gold { (point.goldLow, point.goldHigh) = (gold.low, gold.high) }
    for note in notes { point.annotate(note) }
    return point
  }
}

extension MatrixScan {
  /// Mean over prompts of the slope of gold at each lambda.
  fileprivate func goldSlopes(
    _ lambdas: [Double], missing: MissingPolicy
  ) throws(EsscherError) -> [Double] {
    try pass("gold slopes", by: lambdas, from: PromptSums(count: lambdas.count)) {
      (slopes) throws(EsscherError) in
      try run(
        StatisticsPlan(lambdas: lambdas, sorted: true, squared: false, missing: missing),
        stage: "looking for the gold peak"
      ) { table in
        for (offset, summary) in table.summaries.enumerated() where summary.sampleCount > 0 {
          slopes.promptCount += 1
          for (index, lambda) in lambdas.enumerated() {
            let sums = table.tilts[offset * lambdas.count + index]
            slopes.sums[index].add(
              TiltEstimate(lambda: lambda, sums: sums, summary: summary).goldSlope)
          }
        }
      }
    }.means
  }
}

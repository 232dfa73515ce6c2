// SPDX-License-Identifier: Apache-2.0
// The optimal policy that spends the same KL on every prompt, and what spending the same KL costs best-of-n.

internal import EsscherCPU
internal import EsscherCore

/// The curve `equal_kl` and the column `allocation`.
///
/// Each prompt has a lambda of its own, lambda_x = D_x^{-1}(δ). A prompt whose ceiling log(M/k_max) is below δ
/// spends its ceiling and gains max r − mean r.
///
/// The gain of a prompt is a function of that prompt's samples alone, already at fixed KL, so that its mean is an
/// average of independent values and the plain bootstrap over prompts is the fixed-KL interval. (A common lambda
/// depends on all prompts; there the influence is G − beta·D.)
///
/// - Source: theory §1.8.
struct EqualKL: PartialResult {
  /// A line of the curve.
  struct Target {
    /// Nats, on every prompt that can spend as much.
    var kl: Double
    /// Best-of-n whose mean KL it is.
    var n: Int?
  }

  private(set) var targets: [Target]
  private var reason: String?
  private var lines: LineAccumulator
  /// Prompts whose ceiling is below a target.
  private var capped: [Int]
  /// Those of them that are constant: they have nothing to gain.
  private var constant: [Int]
  private var promptCount = 0
  private var correctsBias: Bool
  /// Sums over prompts of the frontier's gain at the KL that best-of-n with replacement spends there.
  private var ownGains: [ExactSum]

  /// Relative accuracy of each prompt's KL.
  private static let tolerance = 1e-12
  /// Bytes that a search may take.
  private static let bytesPerSearch = 512

  /// Lines that the curve has for a request.
  static func targets(_ request: FrontierRequest, _ accumulator: FrontierAccumulator) -> [Target] {
    guard request.klBudgets.isEmpty else { return request.klBudgets.map { Target(kl: $0) } }
    let grid = accumulator.grid
    return grid.bestOf.map { index, n in
      Target(kl: accumulator.points[grid.planned.count + index].means.kl, n: n)
    }
  }

  /// Runs the round: a tile at a time, everything about it before the next.
  init(
    _ accumulator: FrontierAccumulator, scan: MatrixScan, request: FrontierRequest
  ) throws(EsscherError) {
    let grid = accumulator.grid
    let isWeighted = scan.table.logWeights != nil
    let targets = isWeighted && request.klBudgets.isEmpty ? [] : Self.targets(request, accumulator)
    let ns = isWeighted ? [] : grid.bestOf.map(\.n)
    self.targets = targets
    correctsBias = request.biasCorrect
    reason =
      targets.isEmpty
      ? "there is no KL to spend: name some with --kl-budgets"
        + (isWeighted ? "" : ", or ask for the curve best_of_n too") : nil
    lines = LineAccumulator(
      lineCount: targets.count, hasGold: scan.table.gold != nil, request: request)
    capped = targets.map { _ in 0 }
    constant = capped
    ownGains = ns.map { _ in ExactSum() }
    let searches = targets.count + ns.count
    guard searches > 0 else { return }
    let largest = StatisticsPlan(
      rowLambdas: RowLambdas(rows: 0..<0, count: searches + 1, values: []), bestOf: ns,
      sorted: true,
      tail: !isWeighted, missing: request.missing)
    let room = request.memoryBudgetBytes / 8 / (Self.bytesPerSearch * searches)
    let step = max(1, min(room, try scan.backend.rowsPerTile(for: scan.table, plan: largest)))
    let key = targets.map(\.kl) + ns.map(Double.init)
    self = try scan.pass("equal KL", by: key, from: self) { (result) throws(EsscherError) in
      try scan.forEachTile(of: step, stage: "spending equal KL") { (rows) throws(EsscherError) in
        try result.add(rows, ns: ns, scan: scan, missing: request.missing)
      }
    }
  }

  mutating func merge(_ other: EqualKL) {
    lines.merge(other.lines)
    for index in capped.indices {
      capped[index] += other.capped[index]
      constant[index] += other.constant[index]
    }
    promptCount += other.promptCount
    ownGains.merge(other.ownGains)
  }

  mutating func releaseScratch() { lines.releaseScratch() }

  mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.code(&lines)
    for index in capped.indices {
      try coder.code(&capped[index])
      try coder.code(&constant[index])
    }
    try coder.code(&promptCount)
    try coder.code(&ownGains)
  }

  private mutating func add(
    _ rows: Range<Int>, ns: [Int], scan: MatrixScan, missing: MissingPolicy
  ) throws(EsscherError) {
    let table = try scan.backend.reduce(
      scan.table, rows: rows,
      plan: StatisticsPlan(bestOf: ns, sorted: !ns.isEmpty, missing: missing))
    let kls = rows.indices.map { row in
      let offset = row - rows.lowerBound
      return targets.map(\.kl)
        + ns.indices.map { table.bestOf[offset * ns.count + $0].replacementKL }
    }
    let places = try scan.frontierPlaces(
      of: kls, rows: rows, summaries: table.summaries, tolerance: Self.tolerance, missing: missing)
    for (offset, summary) in table.summaries.enumerated() where summary.sampleCount > 0 {
      promptCount += 1
      for index in targets.indices
      where places[offset][index] == .top && targets[index].kl > summary.ceiling {
        capped[index] += 1
        if summary.isConstant { constant[index] += 1 }
      }
      for index in ns.indices {
        ownGains[index].add(places[offset][targets.count + index].gain(summary))
      }
    }
    guard !targets.isEmpty else { return }
    try addLines(rows, places, table.summaries, scan, missing)
  }

  /// Evaluates the rows at their own lambdas and adds what the lines need.
  private mutating func addLines(
    _ rows: Range<Int>, _ places: [[FrontierPlace]], _ summaries: [RowSummary],
    _ scan: MatrixScan, _ missing: MissingPolicy
  ) throws(EsscherError) {
    let isWeighted = scan.table.logWeights != nil
    let count = targets.count
    // Lambdas ascend within a row; two that round to one another may not have come in order.
    let lambdas = zip(places, summaries).map { places, summary in
      places.prefix(count).map { $0.lambda(summary) }
    }
    let orders = lambdas.map { lambdas in
      lambdas.indices.sorted { lambdas[$0] < lambdas[$1] }
    }
    // lambda = 0 comes first: with importance weights the bias is read off it.
    let ascending = zip(lambdas, orders).map { lambdas, order in
      [0.0] + order.map { lambdas[$0] }
    }
    let plan = StatisticsPlan(
      rowLambdas: RowLambdas(rows: rows, count: count + 1, values: ascending.flatMap(\.self)),
      sorted: true,
      tail: !isWeighted, missing: missing)
    let table = try scan.backend.reduce(scan.table, rows: rows, plan: plan)
    let targets = targets
    let corrects = correctsBias
    let prompts = ParallelTiles.map(
      count: rows.count, threads: scan.backend.threads, makeScratch: { TiltTails() },
      body: { offset, tails in
        var prompt = targets.map { _ in PromptValues() }
        let summary = table.summaries[offset]
        guard summary.sampleCount > 0 else { return prompt }
        let row = PromptRow(
          table, offset: offset, lambdas: ascending[offset],
          isWeighted: isWeighted, correctsBias: false, tails: tails)
        for (slot, index) in orders[offset].enumerated() {
          prompt[index] = Self.values(
            row.values[slot + 1], at: places[offset][index], kl: targets[index].kl, summary,
            corrects: corrects)
        }
        return prompt
      })
    let kept = rows.indices.filter { table.summaries[$0 - rows.lowerBound].sampleCount > 0 }
    try lines.add(
      kept.map { prompts[$0 - rows.lowerBound] }, indices: kept, backend: scan.backend)
  }

  /// A prompt's values at a place of its frontier, from those of the tilt that is there.
  ///
  /// The bias is that of the gain at fixed KL: bias G − beta·bias D.
  private static func values(
    _ tilt: PromptValues, at place: FrontierPlace, kl: Double, _ summary: RowSummary,
    corrects: Bool
  ) -> PromptValues {
    var values = tilt
    values.gain = place.gain(summary)
    values.reward = summary.mean + values.gain
    switch place {
    case .base, .top:
      values.kl = place == .base ? 0 : summary.ceiling
      values.khat = nil
      values.bias = TiltJackknife()
      if tilt.bias.largestWeight != nil { values.bias.largestWeight = 1 / tilt.ess }
    case .tilt(let lambda, _):
      values.kl = kl
      // Gold at fixed KL: back along the tilt, where it changes by goldSlope/(lambda·v) a nat.
      if tilt.spread > 0 {
        values.bias.gold -= tilt.goldSlope / (lambda * tilt.spread) * values.bias.kl
      }
      values.bias.gain -= values.bias.kl / lambda
      values.bias.reward -= values.bias.kl / lambda
      values.bias.kl = 0
      guard corrects else { break }
      values.gain -= values.bias.gain
      values.reward -= values.bias.reward
      values.gold -= values.bias.gold
    }
    return values
  }
}

// MARK: Lines

extension EqualKL {
  /// The lines of the curve.
  func points(label: String, hasGold: Bool, overview: MatrixOverview) -> [FrontierPoint] {
    guard reason == nil else {
      var point = FrontierPoint(
        curve: .equalKL, label: label, promptCount: overview.promptCount)
      point.klCeiling = overview.ceiling
      point.annotate(reason ?? "")
      return [point]
    }
    return targets.enumerated().map { index, target in
      var point = FrontierPoint(curve: .equalKL, label: label, promptCount: lines.promptCount)
      let means = lines.points[index].means
      point.klCeiling = overview.ceiling
      point.n = target.n
      point.kl = capped[index] == 0 ? target.kl : means.kl
      point.reward = means.reward
      point.gain = means.gain
      point.gold = hasGold ? means.gold : nil
      point.winRate = means.winRate
      point.ess = means.ess
      point.khat = means.khat
      // Of one prompt the budget line, which is the same policy, says it.
      point.trusted =
        promptCount == 1
        ? nil
        : capped[index] == constant[index]
          && TrustRule(overview: overview, correctsBias: correctsBias)
            .trustsTilt(means, errors: lines.points[index].errors)
      point.extras[.maxWeight] = means.bias.largestWeight
      if capped[index] > 0 {
        point.annotate(
          "\(capped[index]) prompts cannot spend \(target.kl) nats and spend their ceiling")
      }
      lines.addIntervals(&point, line: index)
      if promptCount == 1 { point.annotate("of one prompt the curve budget is the same policy") }
      return point
    }
  }

  /// The share of best-of-n's distance from the frontier that comes from spending about the same KL on every
  /// prompt, all three gains in the empirical world: b ≤ g_e ≤ g_c, with g_c the common-lambda frontier's at the
  /// mean KL, g_e the mean of each prompt's own frontier at its own KL, b best-of-n's with replacement.
  ///
  /// - Returns: (g_c − g_e)/(g_c − b), 0…1; nil where the distance is 0 to the accuracy of the gains.
  func allocation(index: Int, gain: Double, frontierGain: Double) -> Double? {
    guard index < ownGains.count else { return nil }
    let distance = frontierGain - gain
    guard distance > Self.smallestDistance * frontierGain else { return nil }
    let ownGain = ownGains[index].value / Double(promptCount)
    return min(1, max(0, (frontierGain - ownGain) / distance))
  }

  /// Distances from the frontier below this share of its gain are rounding.
  private static let smallestDistance = 1e-9

  /// Fills the column `allocation` of the best-of-n lines.
  func addAllocations(
    _ points: inout [FrontierPoint], _ accumulator: FrontierAccumulator, _ efficiency: Efficiency
  ) {
    let grid = accumulator.grid
    for slot in points.indices where points[slot].curve == .bestOfN {
      guard let n = points[slot].n, let order = grid.bestOf.firstIndex(where: { $0.n == n })
      else { continue }
      let index = grid.bestOf[order].index
      guard index < efficiency.frontierGains.count else { continue }
      let allocation = allocation(
        index: order, gain: accumulator.points[grid.planned.count + index].means.spread,
        frontierGain: efficiency.frontierGains[index])
      points[slot].extras[.allocation] = allocation
      if allocation == nil && n > 1 {
        points[slot].annotate("best-of-n lies on the frontier, allocation is undefined")
      }
    }
  }
}

extension PointGrid {
  /// The laws of best-of-n: their indices among all, and n.
  fileprivate var bestOf: [(index: Int, n: Int)] {
    selections.enumerated().compactMap { index, law in
      guard case .bestOf(let n) = law else { return nil }
      return (index, n)
    }
  }
}

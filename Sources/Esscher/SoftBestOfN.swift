// SPDX-License-Identifier: Apache-2.0
// The curve of soft best-of-n: its grid, its round, its lines.

internal import EsscherCPU
internal import EsscherCore

/// The curve `soft_best_of_n`, in a round of its own on the processor, whatever the backend of the others.
struct SoftBestOfN: PartialResult {
  private var plan: SoftBestOfNPlan
  private var isWeighted: Bool
  private var lines: LineAccumulator
  /// Sums over prompts, by line.
  private var variances: [ExactSum]
  private var bounds: [ExactSum]

  /// Largest n of the default grid.
  private static let defaultLargest = 1024
  /// Lambdas of the default grid.
  private static let defaultLambdas = 8

  /// The policies of a request: every n above 1 with every lambda.
  ///
  /// Without `--ns`, powers of two up to half the shortest prompt and 1,024; without lambdas, eight spaced evenly in
  /// log lambda over the tilts' grid.
  static func plan(
    _ request: FrontierRequest, grid: PointGrid, scan: MatrixScan, overview: MatrixOverview
  ) throws(EsscherError) -> SoftBestOfNPlan {
    let largest = min(defaultLargest, overview.shortest / 2)
    let powers = (1..<63).map { 1 << $0 }.prefix { $0 <= largest }
    let requested = request.bestOf?.filter { $0 > 1 && $0 <= overview.shortest }
    // Where no tilts are asked for, their grid has not been placed.
    let tilts =
      grid.lambdas.isEmpty
      ? try PointGrid.lambdas(request, scan: scan, overview: overview).0 : grid.lambdas
    return SoftBestOfNPlan(
      ns: requested ?? Array(powers), lambdas: request.lambdas ?? lambdas(tilts),
      seed: request.seed, missing: request.missing)
  }

  private static func lambdas(_ tilts: [Double]) -> [Double] {
    guard let low = tilts.first, let high = tilts.last, low > 0, high > low else { return tilts }
    let span = Elementary.log(high / low)
    return (0..<defaultLambdas).map { index in
      low * Elementary.exp(span * Double(index) / Double(defaultLambdas - 1))
    }
  }

  /// Runs the round.
  init(
    _ plan: SoftBestOfNPlan, scan: MatrixScan, request: FrontierRequest
  ) throws(EsscherError) {
    self.plan = plan
    isWeighted = scan.table.logWeights != nil
    lines = LineAccumulator(
      lineCount: plan.pointCount, hasGold: scan.table.gold != nil, request: request)
    variances = Array(repeating: ExactSum(), count: plan.pointCount)
    bounds = variances
    guard !isWeighted, plan.pointCount > 0 else { return }
    let processor = CPUBackend(
      threads: request.threads, memoryBudgetBytes: request.memoryBudgetBytes)
    let step = try processor.rowsPerTile(for: scan.table, plan: plan)
    let key = plan.ns.map(Double.init) + plan.lambdas
    self = try scan.pass("soft best of n", by: key, from: self) { (result) throws(EsscherError) in
      try scan.forEachTile(of: step, stage: "choosing softly") { (rows) throws(EsscherError) in
        try result.add(
          try processor.softBestOfN(scan.table, rows: rows, plan: plan), backend: scan.backend)
      }
    }
  }

  mutating func merge(_ other: SoftBestOfN) {
    lines.merge(other.lines)
    variances.merge(other.variances)
    bounds.merge(other.bounds)
  }

  mutating func releaseScratch() { lines.releaseScratch() }

  mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.code(&lines)
    try coder.code(&variances)
    try coder.code(&bounds)
  }

  private mutating func add(
    _ table: SoftBestOfNTable, backend: any Backend
  ) throws(EsscherError) {
    var prompts: [[PromptValues]] = []
    var indices: [Int] = []
    for (offset, summary) in table.summaries.enumerated() where summary.sampleCount > 0 {
      let start = offset * plan.pointCount
      let sums = table.sums[start..<start + plan.pointCount]
      for (entry, point) in sums.enumerated() {
        variances[entry].add(point.gainVariance)
        bounds[entry].add(point.klBound)
      }
      prompts.append(
        sums.map { point in
          var values = PromptValues()
          values.kl = point.kl
          values.gain = point.gain
          values.reward = summary.mean + point.gain
          values.gold = point.gold
          values.winRate = point.winRate
          return values
        })
      indices.append(table.rows.lowerBound + offset)
    }
    try lines.add(prompts, indices: indices, backend: backend)
  }

  /// The lines of the curve: n after n, lambdas ascending within each.
  func points(label: String, hasGold: Bool, overview: MatrixOverview) -> [FrontierPoint] {
    var points: [FrontierPoint] = []
    for (index, n) in plan.ns.enumerated() {
      for (place, lambda) in plan.lambdas.enumerated() {
        var point = FrontierPoint(
          curve: .softBestOfN, label: label, promptCount: overview.promptCount)
        point.klCeiling = overview.ceiling
        point.n = n
        point.lambda = lambda
        point.beta = lambda > 0 ? 1 / lambda : nil
        fill(&point, entry: plan.entry(n: index, lambda: place), hasGold: hasGold)
        points.append(point)
      }
    }
    return points
  }

  private func fill(_ point: inout FrontierPoint, entry: Int, hasGold: Bool) {
    guard !isWeighted else {
      point.annotate(
        "best-of-n needs samples of the base policy, and --log-weights says these are not")
      return
    }
    let means = lines.points[entry].means
    let prompts = Double(max(1, lines.promptCount))
    point.kl = means.kl
    point.reward = means.reward
    point.gain = means.gain
    point.gold = hasGold ? means.gold : nil
    point.winRate = means.winRate
    point.klBound = bounds[entry].value / prompts
    point.extras[.rewardSE] = variances[entry].value.squareRoot() / prompts
    point.annotate("no ess: the reward is a mean over random subsets, its error is reward_se")
    lines.addIntervals(&point, line: entry)
  }
}

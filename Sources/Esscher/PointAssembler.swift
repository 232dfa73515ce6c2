// SPDX-License-Identifier: Apache-2.0
// From accumulated means to the report's lines, with intervals, trust and reasons.

internal import EsscherCore

struct PointAssembler {
  let label: String
  let hasGold: Bool
  let isWeighted: Bool
  let request: FrontierRequest
  let overview: MatrixOverview
  var accumulator: FrontierAccumulator
  var intervals: LineIntervals
  let efficiency: Efficiency
  let gold: GoldStudy?
  /// Estimates of best-of-n's KL from log-probabilities, by n; empty without them.
  let klEstimates: [Int: Double]

  var grid: PointGrid { accumulator.grid }

  /// Lambdas of the default grid that are shown beyond the last trusted one.
  static let untrustedCount = 6

  /// Lines that get intervals, in report order: tilt, reachable budgets, best-of-n and its relatives.
  static func bootstrapLines(
    _ grid: PointGrid, isWeighted: Bool, hasGold: Bool
  ) -> [BootstrapLine] {
    let quantities: [BootstrapQuantity] = [.kl, .reward, .gain] + (hasGold ? [.gold] : [])
    var lines = grid.lambdas.map {
      BootstrapLine(entry: grid.entry(of: $0), quantities: quantities)
    }
    for case let lambda? in grid.budgets.map(\.lambda) {
      lines.append(
        BootstrapLine(entry: grid.entry(of: lambda), heldBeta: 1 / lambda, quantities: quantities))
    }
    if !isWeighted {
      lines += grid.selections.indices.map {
        BootstrapLine(
          entry: grid.planned.count + $0,
          quantities: quantities + [.replacementGain, .replacementKL])
      }
    }
    return lines
  }

  /// Every line of the report: tilt, budget, best-of-n and its relatives.
  var points: [FrontierPoint] {
    var points: [FrontierPoint] = []
    var line = 0
    for lambda in grid.lambdas {
      points.append(tilt(lambda, line: line))
      line += 1
    }
    if grid.endsWithTrust, let last = points.lastIndex(where: { $0.trusted == true }) {
      points.removeLast(max(0, points.count - last - 1 - Self.untrustedCount))
    }
    for budget in grid.budgets {
      points.append(self.budget(budget, line: line))
      if budget.lambda != nil { line += 1 }
    }
    for selection in grid.selectionPoints {
      points.append(self.selection(selection, line: line))
      if selection.entry != nil { line += 1 }
    }
    return points + (gold?.points(self) ?? [])
  }

  func blank(_ curve: Curve) -> FrontierPoint {
    var point = FrontierPoint(
      curve: curve, label: label, promptCount: accumulator.promptCount)
    point.klCeiling = overview.ceiling
    return point
  }

  private func tilt(_ lambda: Double, line: Int) -> FrontierPoint {
    var point = blank(.tilt)
    point.lambda = lambda
    if lambda > 0 {
      point.beta = 1 / lambda
    } else {
      point.annotate("lambda = 0 is the base policy, beta is infinite")
    }
    fill(&point, entry: grid.entry(of: lambda))
    noteShapes(&point, lambda)
    addIntervals(&point, line: line)
    gold?.fill(&point, line: line)
    return point
  }

  /// Says how many prompts are behind no k̂.
  private func noteShapes(_ point: inout FrontierPoint, _ lambda: Double) {
    let without = accumulator.points[grid.entry(of: lambda)].withoutShape
    guard without > 0, lambda > 0 else { return }
    guard !isWeighted else {
      point.annotate("khat is not estimated with --log-weights")
      return
    }
    point.annotate("khat leaves out \(without) prompts with fewer than 5 tail values, or tied ones")
  }

  private func budget(_ budget: BudgetPoint, line: Int) -> FrontierPoint {
    var point = blank(.budget)
    guard let lambda = budget.lambda else {
      point.annotate(budget.reason)
      return point
    }
    point.lambda = lambda
    point.beta = 1 / lambda
    fill(&point, entry: grid.entry(of: lambda))
    noteShapes(&point, lambda)
    if request.biasCorrect, let kl = point.kl {
      // The lambda spends the budget by the samples' own law; what the correction changes is bought or sold
      // at the price beta.
      let held = (budget.budget - kl) / lambda
      point.gain = point.gain.map { $0 + held }
      point.reward = point.reward.map { $0 + held }
      point.jeffreys = point.jeffreys.map { $0 + budget.budget - kl }
      point.gold = point.gold.map {
        $0 + accumulator.goldExchange(line: line, lambda: lambda) * (budget.budget - kl)
      }
    }
    point.kl = budget.budget
    addIntervals(&point, line: line)
    gold?.fill(&point, line: line)
    if point.goldLow != nil, accumulator.promptCount > 1,
      let held = Percentiles.interval(
        accumulator.heldGolds(line: line, lambda: lambda, kl: budget.budget),
        confidence: request.confidence)
    {
      (point.goldLow, point.goldHigh) = (held.low, held.high)
    }
    if point.klLow != nil, accumulator.promptCount > 1 {
      point.klLow = budget.budget
      point.klHigh = budget.budget
      let held = budget.budget / lambda
      point.gainLow = point.gainLow.map { $0 + held }
      point.gainHigh = point.gainHigh.map { $0 + held }
      point.rewardLow = point.rewardLow.map { $0 + held }
      point.rewardHigh = point.rewardHigh.map { $0 + held }
    }
    return point
  }

  func fill(_ point: inout FrontierPoint, entry: Int) {
    let means = accumulator.points[entry].means
    point.kl = means.kl
    point.reverseKL = means.reverseKL.isFinite ? means.reverseKL : nil
    point.jeffreys = means.jeffreys.isFinite ? means.jeffreys : nil
    point.reward = means.reward
    point.gain = means.gain
    point.gold = hasGold ? means.gold : nil
    point.winRate = means.winRate
    if hasGold && point.n == nil { point.extras[.goldSlope] = means.goldSlope }
    point.ess = means.ess
    let isTilt = point.n == nil
    if isTilt {
      point.khat = means.khat
      point.extras[.maxWeight] = means.bias.largestWeight
    }
    let rule = TrustRule(overview: overview, correctsBias: request.biasCorrect)
    point.trusted =
      isTilt ? rule.trustsTilt(means, errors: errors(entry)) : rule.trustsSelection(means)
  }

  /// Standard errors of gain, KL and reward: over prompts, or over the samples of the only one.
  private func errors(_ entry: Int) -> (gain: Double, kl: Double, reward: Double)? {
    if let errors = accumulator.points[entry].errors { return errors }
    guard let sample = sampleErrors(entry), let gain = sample.gain, let kl = sample.kl,
      let reward = sample.reward
    else { return nil }
    return (gain, kl, reward)
  }

  /// Errors over the samples of the only prompt.
  private func sampleErrors(_ entry: Int) -> SampleErrors? {
    guard accumulator.promptCount == 1, accumulator.sampleErrors.indices.contains(entry) else {
      return nil
    }
    return accumulator.sampleErrors[entry]
  }

  private func selection(_ selection: SelectionPoint, line: Int) -> FrontierPoint {
    let law = selection.law
    var point = blank(law.curve)
    point.n = law.n
    guard !isWeighted else {
      point.annotate(
        "\(law.name) needs samples of the base policy, and --log-weights says these are not")
      return point
    }
    guard let entry = selection.entry else {
      point.annotate(selection.reason)
      return point
    }
    fill(&point, entry: grid.planned.count + entry)
    point.klBound = BestOfNLaw.bound(law)
    if case .bestOf(let n) = law { point.klEstimate = klEstimates[n] }
    point.efficiency = efficiency.values[entry]
    if efficiency.intervals[entry] == nil, point.efficiency != nil, request.resamples > 0 {
      point.annotate(
        accumulator.promptCount > 1
          ? "efficiency has no interval at the KL ceiling"
          : "efficiency has no interval of one prompt")
    }
    if let interval = efficiency.intervals[entry] {
      point.extras[.efficiencyLow] = interval.low
      point.extras[.efficiencyHigh] = interval.high
    }
    if point.efficiency == nil { point.annotate("the gain is 0, efficiency is undefined") }
    if point.reverseKL == nil {
      point.annotate(
        "the base policy gives samples that this policy never gives: reverse KL infinite")
    }
    if accumulator.mixedPrompts > 0 && law.n > 1 {
      point.annotate(
        "tied and untied samples mix in \(accumulator.mixedPrompts) prompts, so that the KL is biased"
      )
    }
    addIntervals(&point, line: line)
    return point
  }

  /// Normal intervals over the samples of the only prompt.
  private func addSampleIntervals(_ point: inout FrontierPoint, entry: Int) {
    guard let errors = sampleErrors(entry) else {
      point.annotate("no intervals from one prompt of counts")
      return
    }
    let isHeld = point.curve == .budget
    let z = NormalQuantile.twoSided(confidence: request.confidence)
    func interval(_ value: Double?, _ error: Double?) -> (low: Double?, high: Double?) {
      guard let value, let error else { return (nil, nil) }
      return (value - z * error, value + z * error)
    }
    (point.rewardLow, point.rewardHigh) = interval(
      point.reward, isHeld ? errors.heldReward : errors.reward)
    (point.gainLow, point.gainHigh) = interval(point.gain, isHeld ? errors.heldGain : errors.gain)
    (point.goldLow, point.goldHigh) = interval(
      point.gold, isHeld ? errors.heldGold : errors.gold)
    let hasAtoms = point.n != nil && point.n != 1 && point.kl != point.klBound
    (point.klLow, point.klHigh) =
      isHeld || (point.n != nil && !hasAtoms)
      ? (point.kl, point.kl) : interval(point.kl, errors.kl)
    if point.reward != nil && errors.reward == nil {
      point.annotate("no interval of one prompt: leaving a sample out is not defined here")
    } else if hasAtoms {
      point.annotate("no interval of the KL of one prompt with ties")
    }
  }

  func addIntervals(_ point: inout FrontierPoint, line: Int) {
    guard request.resamples > 0 else {
      point.annotate("no intervals with --resamples 0")
      return
    }
    guard accumulator.promptCount > 1 else {
      addSampleIntervals(&point, entry: accumulator.bootstrapLines[line].entry)
      return
    }
    if let interval = intervals.ends(of: line, .kl) {
      (point.klLow, point.klHigh) = (interval.low, interval.high)
    }
    if let interval = intervals.ends(of: line, .reward) {
      (point.rewardLow, point.rewardHigh) = (interval.low, interval.high)
    }
    if let interval = intervals.ends(of: line, .gain) {
      (point.gainLow, point.gainHigh) = (interval.low, interval.high)
    }
    if let interval = intervals.ends(of: line, .gold) {
      (point.goldLow, point.goldHigh) = (interval.low, interval.high)
    }
  }
}

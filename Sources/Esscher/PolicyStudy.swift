// SPDX-License-Identifier: Apache-2.0
// Trained policies beside the frontier: the reward it allows at their KL, and the KL it needs for their
// reward.

internal import EsscherCore

struct PolicyStudy {
  /// A policy with the lambdas of the two frontier points that it is compared with.
  private struct Placed {
    var policy: PolicyPoint
    /// Spends the policy's KL; nil at KL 0 and beyond the ceiling.
    var atKL: Double?
    /// Has the policy's reward; nil where that is the base policy's or less, or out of reach.
    var forReward: Double?
  }

  private var placed: [Placed] = []
  private let meanReward: Double
  private let ceiling: Double

  /// Solves for the lambdas, all policies at once.
  init(
    _ policies: [PolicyPoint], scan: MatrixScan, overview: MatrixOverview, request: FrontierRequest
  ) throws(EsscherError) {
    meanReward = overview.meanReward
    ceiling = overview.ceiling
    placed = policies.map { Placed(policy: $0) }
    let klLimit = overview.ceiling * (1 - 1e-12)
    let gainLimit = overview.largestGain * (1 - 1e-12)
    let kls = placed.indices.filter {
      (0..<klLimit).contains(policies[$0].kl) && policies[$0].kl > 0
    }
    var isWaiting = false
    if !kls.isEmpty {
      let solved = try scan.attempt { () throws(EsscherError) in
        try scan.solve(
          budgets: kls.map { policies[$0].kl }, overview: overview, tolerance: 1e-13,
          missing: request.missing, stage: "placing policies"
        ).solutions
      }
      for (index, solution) in zip(kls, solved ?? []) { placed[index].atKL = solution?.lambda }
      isWaiting = solved == nil
    }
    let gains = policies.map { $0.reward - overview.meanReward }
    let rewards = placed.indices.filter { gains[$0] > 0 && gains[$0] < gainLimit }
    if !rewards.isEmpty {
      let solved = try scan.solve(
        budgets: rewards.map { gains[$0] }, of: .gain, overview: overview, tolerance: 1e-12,
        missing: request.missing, stage: "placing policies"
      ).solutions
      for (index, solution) in zip(rewards, solved) { placed[index].forReward = solution?.lambda }
    }
    if isWaiting { throw Sweep.suspension }
  }

  /// Lambdas that the main round has to evaluate.
  var lambdas: [Double] { placed.flatMap { [$0.atKL, $0.forReward].compactMap(\.self) } }

  /// Two lines a policy, where it has the lambdas.
  func bootstrapLines(_ grid: PointGrid) -> [BootstrapLine] {
    lambdas.map {
      BootstrapLine(entry: grid.entry(of: $0), heldBeta: 1 / $0, quantities: [.reward, .gain, .kl])
    }
  }

  /// The policies' lines.
  ///
  /// - Parameters:
  ///   - assembler: of the round that evaluated the lambdas.
  ///   - firstLine: where ``bootstrapLines(_:)`` begin among its lines.
  ///   - largestGain: gain of the frontier beyond the ceiling.
  func points(
    _ assembler: PointAssembler, firstLine: Int, largestGain: Double
  ) -> [FrontierPoint] {
    var line = firstLine
    return placed.map { item in
      var lines: (kl: Int?, reward: Int?)
      if item.atKL != nil {
        lines.kl = line
        line += 1
      }
      if item.forReward != nil {
        lines.reward = line
        line += 1
      }
      return point(item, lines, assembler, largestGain)
    }
  }

  private func point(
    _ item: Placed, _ lines: (kl: Int?, reward: Int?), _ assembler: PointAssembler,
    _ largestGain: Double
  ) -> FrontierPoint {
    let policy = item.policy
    var point = FrontierPoint(
      curve: .policy, label: policy.name, promptCount: assembler.accumulator.promptCount)
    point.klCeiling = ceiling
    let gain = policy.reward - meanReward
    var frontier = (reward: meanReward, gain: 0.0)
    if let lambda = item.atKL, let line = lines.kl {
      var best = assembler.blank(.budget)
      assembler.fill(&best, entry: assembler.grid.entry(of: lambda))
      let held = (policy.kl - (best.kl ?? policy.kl)) / lambda
      frontier = ((best.reward ?? 0) + held, (best.gain ?? 0) + held)
      point.lambda = lambda
      point.beta = 1 / lambda
      (point.ess, point.khat, point.trusted) = (best.ess, best.khat, best.trusted)
      point.extras[.maxWeight] = best.extras[.maxWeight]
      addIntervals(&point, policy, line, lambda, assembler)
    } else if policy.kl == 0 {
      point.trusted = true
      point.annotate("at KL 0 the frontier is the base policy")
    } else {
      frontier = (meanReward + largestGain, largestGain)
      point.trusted = false
      point.annotate(
        "its KL is not below \(ceiling), the KL ceiling of these samples, where their frontier ends"
      )
    }
    point.kl = policy.kl
    point.reward = policy.reward
    point.gain = gain
    point.gold = policy.gold
    point.extras[.frontierReward] = frontier.reward
    if frontier.gain > 0 {
      point.efficiency = gain / frontier.gain
    } else {
      point.annotate("the frontier's gain is 0 at its KL, efficiency is undefined")
    }
    addNeededKL(&point, item, lines.reward, assembler, largestGain)
    let rounding = 1e-9 * max(frontier.gain, policy.reward.magnitude)
    if gain > frontier.gain + rounding {
      let place = point.extras[.frontierRewardHigh].map {
        policy.reward > $0 ? " and its interval" : ", within its interval"
      }
      point.annotate(
        "above the frontier\(place ?? ""): the frontier of "
          + "few samples is estimated too low (see trusted, --bias-correct), the policy's KL may be "
          + "reported too low, or its reward was measured on other prompts")
    }
    return point
  }

  /// The envelope: at held KL, to first order, only mean(reward − beta·KL) at this lambda varies.
  private func addIntervals(
    _ point: inout FrontierPoint, _ policy: PolicyPoint, _ line: Int, _ lambda: Double,
    _ assembler: PointAssembler
  ) {
    let rewards = assembler.accumulator.replicates(line: line, .reward)
    let gains = assembler.accumulator.replicates(line: line, .gain)
    let confidence = assembler.request.confidence
    guard assembler.accumulator.promptCount > 1, !rewards.isEmpty else {
      point.annotate("no intervals without replicates, or from one prompt")
      return
    }
    let spent = policy.kl / lambda
    let reward = Percentiles.interval(rewards.map { $0 + spent }, confidence: confidence)
    point.extras[.frontierRewardLow] = reward?.low
    point.extras[.frontierRewardHigh] = reward?.high
    let efficiency = Percentiles.interval(
      rewards.indices.map { replicate in
        // reward − gain is the replicate's base mean.
        let own = policy.reward - (rewards[replicate] - gains[replicate])
        let frontier = gains[replicate] + spent
        return frontier > 0 ? own / frontier : .nan
      }, confidence: confidence)
    point.extras[.efficiencyLow] = efficiency?.low
    point.extras[.efficiencyHigh] = efficiency?.high
  }

  /// KL at which the frontier has the policy's reward.
  private func addNeededKL(
    _ point: inout FrontierPoint, _ item: Placed, _ line: Int?, _ assembler: PointAssembler,
    _ largestGain: Double
  ) {
    let gain = item.policy.reward - meanReward
    guard gain > 0 else {
      point.extras[.klNeeded] = 0
      point.annotate("the base policy has this reward or more")
      return
    }
    guard let lambda = item.forReward, let line else {
      point.annotate("no tilt of these samples has this reward")
      return
    }
    var best = assembler.blank(.tilt)
    assembler.fill(&best, entry: assembler.grid.entry(of: lambda))
    // With corrected values the gain at this lambda is a little off; the price of the rest is lambda.
    let needed = (best.kl ?? 0) + lambda * (item.policy.reward - (best.reward ?? 0))
    point.extras[.klNeeded] = needed
    point.annotate("the optimum has this reward at KL \(NoteNumber.short(needed))")
    guard assembler.accumulator.promptCount > 1 else { return }
    // dKL/dreward = lambda and d²KL/dreward² = 1/v along the frontier, from where the replicate's own tilt is.
    let held = assembler.accumulator.replicates(line: line, .reward)
    let spent = assembler.accumulator.replicates(line: line, .kl)
    let variance = assembler.accumulator.points[assembler.grid.entry(of: lambda)].means.spread
    let interval = Percentiles.interval(
      zip(held, spent).map { held, kl in
        let rest = item.policy.reward - (held + kl / lambda)
        // Back beyond the base policy the parabola would rise again.
        let step = max(rest, -lambda * variance)
        return max(0, kl + lambda * step + step * step / (2 * variance))
      }, confidence: assembler.request.confidence)
    point.extras[.klNeededLow] = interval?.low
    point.extras[.klNeededHigh] = interval?.high
  }
}

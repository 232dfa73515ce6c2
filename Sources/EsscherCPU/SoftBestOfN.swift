// SPDX-License-Identifier: Apache-2.0
// Soft best-of-n over a tile of rows: reward and gold from random subsets, KL and win rate from the law.

package import EsscherCore

extension CPUBackend {
  /// Rows of one tile of soft best-of-n inside the memory budget.
  package func rowsPerTile(
    for table: RewardTable, plan: SoftBestOfNPlan
  ) throws(EsscherError) -> Int {
    let rows = memoryBudgetBytes / 8 / max(1, SoftBestOfNTable.bytesPerRow(plan))
    let samples = max(1, table.rewardSource?.meanSampleCount ?? 1)
    // Whole rounds of the workers: some are idle at the end of each.
    let rounds = max(1, Self.choicesPerRound / samples / max(1, plan.pointCount))
    return max(
      1,
      min(
        rows, rounds * threads,
        try rowsPerTile(for: table, plan: StatisticsPlan(missing: plan.missing))))
  }

  /// Samples times policies that a worker weighs in about a quarter of a second, after which an interrupt is heard.
  private static let choicesPerRound = 1 << 22

  /// Evaluates soft best-of-n on some rows, in parallel over rows.
  ///
  /// - Throws: `.badInput` as ``reduce(_:rows:plan:)`` does.
  package func softBestOfN(
    _ table: RewardTable, rows: Range<Int>, plan: SoftBestOfNPlan
  ) throws(EsscherError) -> SoftBestOfNTable {
    var result = SoftBestOfNTable(rows: rows, plan: plan)
    switch table.rewards {
    case .counts(let counts):
      let evaluator = SoftRowEvaluator(plan: plan, level: level)
      for (offset, row) in rows.enumerated() {
        let prompt = CountsRow(
          sampleCount: counts.sampleCounts[row], correctCount: counts.correctCounts[row])
        result.summaries[offset] = prompt.summary
        guard prompt.sampleCount > 0 else { continue }
        evaluator.evaluate(prompt) { result.sums[offset * plan.pointCount + $0] = $1 }
      }
    case .cells(let source):
      try softBestOfN(source, table, plan: plan, into: &result)
    }
    return result
  }

  private func softBestOfN(
    _ source: any RewardSource, _ table: RewardTable, plan: SoftBestOfNPlan,
    into result: inout SoftBestOfNTable
  ) throws(EsscherError) {
    let rows = result.rows
    let level = level
    let layout = WorkerLayout(source: source, table: table, backend: self)
    let bytes =
      layout.bytesPerWorker(lambdaCount: 1) + SoftSubsets.bytes(capacity: layout.longest)
    let workers = max(1, min(threads, memoryBudgetBytes / 2 / max(1, bytes)))
    let isSpooled = bytes > memoryBudgetBytes / 2
    let evaluator = RowEvaluator(
      source: source, table: table, plan: StatisticsPlan(sorted: true, missing: plan.missing),
      kernels: kernels, cache: cacheBox.cache(grid: [], byteLimit: 0))
    var failure: EsscherError?
    unsafe result.summaries.withUnsafeMutableBufferPointer { summaryBuffer in
      unsafe result.sums.withUnsafeMutableBufferPointer { sumBuffer in
        let summaries = unsafe DisjointSlots(summaryBuffer)
        let sums = unsafe DisjointSlots(sumBuffer)
        do throws(EsscherError) {
          try ParallelTiles.forEach(
            count: rows.count, chunk: layout.rowsPerRead, threads: workers,
            makeScratch: { () throws(EsscherError) in
              let memory =
                isSpooled ? try ScratchMemory(spooling: bytes) : ScratchMemory(bytes: bytes)
              return SoftScratch(
                rows: layout.makeScratch(lambdaCount: 1, memory: memory),
                evaluator: SoftRowEvaluator(
                  plan: plan, level: level, capacity: layout.longest, memory: memory))
            },
            body: { (offsets: Range<Int>, scratch: SoftScratch) throws(EsscherError) in
              let part = rows.lowerBound + offsets.lowerBound..<rows.lowerBound + offsets.upperBound
              try evaluator.forEachRow(part, scratch: scratch.rows) { (index, summary) in
                let slot = offsets.lowerBound + index
                summaries.set(slot, summary)
                guard summary.sampleCount > 0 else { return }
                scratch.evaluator.evaluate(
                  scratch.rows.workspace, row: part.lowerBound + index, summary: summary,
                  kernels: evaluator.kernels
                ) { sums.set(slot * plan.pointCount + $0, $1) }
              }
            })
        } catch { failure = error }
      }
    }
    if let failure { throw failure }
  }
}

/// One worker's memory.
private final class SoftScratch {
  let rows: WorkerScratch
  let evaluator: SoftRowEvaluator

  init(rows: WorkerScratch, evaluator: SoftRowEvaluator) {
    self.rows = rows
    self.evaluator = evaluator
  }
}

/// Evaluates one row after another; one worker owns it.
private final class SoftRowEvaluator {
  private let plan: SoftBestOfNPlan
  private let law: SoftSelectionLaw
  private let subsets: SoftSubsets?

  init(plan: SoftBestOfNPlan, level: CPULevel, capacity: Int = 0, memory: ScratchMemory? = nil) {
    self.plan = plan
    let kernels = SoftSelectionKernels(level: level)
    law = SoftSelectionLaw(ns: plan.ns, kernels: kernels)
    subsets = memory.map {
      SoftSubsets(capacity: capacity, ns: plan.ns, kernels: kernels, memory: $0)
    }
  }

  /// A row that lies sorted in a workspace; `write` takes each policy's entry and values.
  func evaluate(
    _ workspace: RowWorkspace, row: Int, summary: RowSummary, kernels: CPUKernels,
    write: (_ entry: Int, _ sums: SoftBestOfNSums) -> Void
  ) {
    guard let subsets else { return }
    let (rewards, multiplicities) = Self.groups(workspace)
    unsafe kernels.shift(
      workspace.values, workspace.count, summary.centre, summary.correction, workspace.shifted)
    subsets.draw(row: row, count: workspace.count, seed: plan.seed)
    for (place, lambda) in plan.lambdas.enumerated() {
      let estimates = unsafe subsets.values(
        workspace.values, centred: workspace.shifted,
        gold: workspace.hasGold ? UnsafePointer(workspace.gold) : nil, lambda: lambda)
      let laws = law.values(rewards: rewards, multiplicities: multiplicities, lambda: lambda)
      for (index, n) in plan.ns.enumerated() {
        var sums = SoftBestOfNSums()
        if !summary.isConstant {
          sums.gain = estimates[index].reward
          sums.gainVariance = estimates[index].variance
        }
        sums.gold = summary.goldMean + (workspace.hasGold ? estimates[index].gold : 0)
        fill(&sums, laws[index], n: n, lambda: lambda, summary)
        write(plan.entry(n: index, lambda: place), sums)
      }
    }
  }

  /// A row of counts, whose reward is a sum over the number of ones among n.
  func evaluate(
    _ prompt: CountsRow, write: (_ entry: Int, _ sums: SoftBestOfNSums) -> Void
  ) {
    let summary = prompt.summary
    let wrong = prompt.sampleCount - prompt.correctCount
    for (place, lambda) in plan.lambdas.enumerated() {
      let laws =
        summary.isConstant
        ? plan.ns.map { _ in SoftSelectionLaw.Value() }
        : law.values(
          rewards: [1, 0], multiplicities: [Double(prompt.correctCount), Double(wrong)],
          lambda: lambda)
      for (index, n) in plan.ns.enumerated() {
        var sums = SoftBestOfNSums()
        if !summary.isConstant {
          sums.gain = prompt.softReward(n: n, lambda: lambda) - summary.mean
        }
        fill(&sums, laws[index], n: n, lambda: lambda, summary)
        write(plan.entry(n: index, lambda: place), sums)
      }
    }
  }

  private func fill(
    _ sums: inout SoftBestOfNSums, _ law: SoftSelectionLaw.Value, n: Int, lambda: Double,
    _ summary: RowSummary
  ) {
    sums.kl = law.kl
    sums.winRate = law.winRate
    // n/(1 + (n−1)e^-t) = 1/(1 − (n−1)/n·(1 − e^-t)).
    let share = Double(n - 1) / Double(n)
    let spread = lambda * (summary.highest - summary.lowest)
    sums.klBound = 0 - Elementary.log(onePlus: share * Elementary.expMinusOne(-spread))
  }

  /// Distinct rewards of a sorted row, the largest first, and how many samples have each.
  private static func groups(_ workspace: RowWorkspace) -> ([Double], [Double]) {
    var rewards: [Double] = []
    var counts: [Double] = []
    for index in 0..<workspace.count {
      let reward = unsafe workspace.values[index]
      if rewards.last == reward {
        counts[counts.count - 1] += 1
      } else {
        rewards.append(reward)
        counts.append(1)
      }
    }
    return (rewards, counts)
  }
}

extension CountsRow {
  /// E[K e^λ/(K e^λ + n − K)], K ones among n of the samples without replacement.
  ///
  /// - Precondition: 1 ≤ n ≤ M, and both kinds of samples occur.
  /// - Precision: relative error below 1e-13·(terms)^½: ratios of neighbouring probabilities from the mode.
  /// - Complexity: O(min(n, c)).
  fileprivate func softReward(n: Int, lambda: Double) -> Double {
    let wrong = sampleCount - correctCount
    let least = max(0, n - wrong)
    let most = min(n, correctCount)
    let mode = min(
      most, max(least, (n + 1) * (correctCount + 1) / (sampleCount + 2)))
    // Odds of a wrong sample beside a right one.
    let odds = Elementary.exp(-lambda)
    func chosen(_ ones: Int) -> Double {
      ones == 0 ? 0 : Double(ones) / (Double(ones) + Double(n - ones) * odds)
    }
    var (mass, sum) = (1.0, chosen(mode))
    var weight = 1.0
    for ones in stride(from: mode, to: most, by: 1) {
      weight *=
        Double(correctCount - ones) * Double(n - ones)
        / (Double(ones + 1) * Double(wrong - n + ones + 1))
      mass += weight
      sum += weight * chosen(ones + 1)
      if weight < 1e-20 { break }
    }
    weight = 1
    for ones in stride(from: mode, to: least, by: -1) {
      weight *=
        Double(ones) * Double(wrong - n + ones)
        / (Double(correctCount - ones + 1) * Double(n - ones + 1))
      mass += weight
      sum += weight * chosen(ones - 1)
      if weight < 1e-20 { break }
    }
    return sum / mass
  }
}

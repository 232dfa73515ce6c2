// SPDX-License-Identifier: Apache-2.0
// A prompt's lines of `--per-prompt`, in the order of the report.

internal import EsscherCore

struct PromptLines {
  let grid: PointGrid
  let row: PromptRow
  let hasGold: Bool

  var points: [PromptPoint] {
    var points: [PromptPoint] = []
    for lambda in grid.lambdas { points.append(tilt(.tilt, lambda)) }
    for case let lambda? in grid.budgets.map(\.lambda) { points.append(tilt(.budget, lambda)) }
    for (index, law) in grid.selections.enumerated()
    where grid.planned.count + index < row.values.count {
      var point = blank(law.curve, entry: grid.planned.count + index)
      point.n = law.n
      points.append(point)
    }
    return points
  }

  private func tilt(_ curve: Curve, _ lambda: Double) -> PromptPoint {
    let entry = grid.planned.firstIndex(of: lambda) ?? 0
    var point = blank(curve, entry: entry)
    point.bias = row.values[entry].bias
    point.lambda = lambda
    point.beta = lambda > 0 ? 1 / lambda : nil
    return point
  }

  private func blank(_ curve: Curve, entry: Int) -> PromptPoint {
    let values = row.values[entry]
    var point = PromptPoint(
      prompt: row.row, sampleCount: row.summary.sampleCount, curve: curve)
    point.kl = values.kl
    point.reverseKL = values.reverseKL.isFinite ? values.reverseKL : nil
    point.jeffreys = values.jeffreys.isFinite ? values.jeffreys : nil
    point.reward = values.reward
    point.gain = values.gain
    point.gold = hasGold ? values.gold : nil
    point.winRate = values.winRate
    point.ess = values.ess
    point.khat = values.khat
    point.klCeiling = row.summary.ceiling
    if row.errors.indices.contains(entry) { point.errors = row.errors[entry] }
    return point
  }
}

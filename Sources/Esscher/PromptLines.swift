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
    for index in grid.bestOf.indices where grid.planned.count + index < row.values.count {
      var point = blank(.bestOfN, row.values[grid.planned.count + index])
      point.n = grid.bestOf[index]
      points.append(point)
    }
    return points
  }

  private func tilt(_ curve: Curve, _ lambda: Double) -> PromptPoint {
    var point = blank(curve, row.values[grid.planned.firstIndex(of: lambda) ?? 0])
    point.lambda = lambda
    point.beta = lambda > 0 ? 1 / lambda : nil
    return point
  }

  private func blank(_ curve: Curve, _ values: PromptValues) -> PromptPoint {
    var point = PromptPoint(
      prompt: row.row, sampleCount: row.summary.sampleCount, curve: curve)
    point.kl = values.kl
    point.reverseKL = values.reverseKL
    point.jeffreys = values.jeffreys
    point.reward = values.reward
    point.gain = values.gain
    point.gold = hasGold ? values.gold : nil
    point.winRate = values.winRate
    point.ess = values.ess
    point.khat = values.khat
    point.klCeiling = row.summary.ceiling
    return point
  }
}

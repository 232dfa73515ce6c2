// SPDX-License-Identifier: Apache-2.0
// Streams prompts into means, histograms and bootstrap sums; holds nothing a prompt.

internal import EsscherCPU
internal import EsscherCore

/// Means over prompts of one point.
struct PointMeans {
  private var sums = Array(repeating: CompensatedSum(), count: 9)
  private var count = 0
  private(set) var ess = LogHistogram()
  /// Pareto shapes times `shapeScale`: the histogram's bins begin at 1.
  private var shapes = LogHistogram()
  private static let shapeScale = 1024.0
  /// Prompts without a Pareto shape.
  var withoutShape: Int { count - shapes.total }

  mutating func add(_ values: PromptValues) {
    count += 1
    sums[0].add(values.kl)
    sums[1].add(values.reverseKL)
    sums[2].add(values.jeffreys)
    sums[3].add(values.reward)
    sums[4].add(values.gain)
    sums[5].add(values.gold)
    sums[6].add(values.winRate)
    sums[7].add(values.spread)
    sums[8].add(values.replacementKL)
    ess.add(values.ess)
    if let khat = values.khat { shapes.add(Self.shapeScale * khat) }
  }

  /// The means, as the values of a prompt that stands for all; `ess` is the median, `khat` the 90th
  /// percentile.
  var means: PromptValues {
    var means = PromptValues()
    let prompts = Double(max(1, count))
    means.kl = sums[0].value / prompts
    means.reverseKL = sums[1].value / prompts
    means.jeffreys = sums[2].value / prompts
    means.reward = sums[3].value / prompts
    means.gain = sums[4].value / prompts
    means.gold = sums[5].value / prompts
    means.winRate = sums[6].value / prompts
    means.spread = sums[7].value / prompts
    means.replacementKL = sums[8].value / prompts
    means.ess = ess.median ?? 0
    means.khat = shapes.quantile(0.9).map { $0 / Self.shapeScale }
    return means
  }
}

/// What a bootstrap column holds.
enum BootstrapQuantity: CaseIterable {
  case kl, reward, gain, gold
}

/// Where a report line's values come from: an entry of the prompt rows, and for budgets the beta by
/// which gain and reward are held at fixed KL.
struct BootstrapLine {
  var entry: Int
  var heldBeta: Double?

  func value(_ quantity: BootstrapQuantity, _ values: PromptValues) -> Double {
    let held = heldBeta.map { $0 * values.kl } ?? 0
    return switch quantity {
    case .kl: values.kl
    case .reward: values.reward - held
    case .gain: values.gain - held
    case .gold: values.gold
    }
  }
}

/// Accumulates the main round.
struct FrontierAccumulator {
  let grid: PointGrid
  let bootstrapLines: [BootstrapLine]
  private let quantities: [BootstrapQuantity]
  private(set) var points: [PointMeans]
  private(set) var bootstrap: PoissonBootstrap
  /// Prompts in which tied and untied samples mix.
  private(set) var mixedPrompts = 0
  private(set) var promptCount = 0

  init(
    grid: PointGrid, bootstrapLines: [BootstrapLine], hasGold: Bool, replicates: Int, seed: UInt64
  ) {
    self.grid = grid
    self.bootstrapLines = bootstrapLines
    quantities = hasGold ? BootstrapQuantity.allCases : [.kl, .reward, .gain]
    points = Array(repeating: PointMeans(), count: grid.planned.count + grid.bestOf.count)
    bootstrap = PoissonBootstrap(
      replicateCount: replicates, columnCount: bootstrapLines.count * quantities.count, seed: seed)
  }

  /// Adds a tile's prompts, in row order.
  mutating func add(
    _ rows: [PromptRow], backend: any Backend
  ) throws(EsscherError) {
    for row in rows {
      promptCount += 1
      if row.summary.tiedCount > 0 && row.summary.tiedCount < row.summary.sampleCount {
        mixedPrompts += 1
      }
      for (index, values) in row.values.enumerated() { points[index].add(values) }
    }
    guard bootstrap.replicateCount > 0 else { return }
    var columns: [Double] = []
    columns.reserveCapacity(rows.count * bootstrap.columnCount)
    for row in rows {
      for line in bootstrapLines {
        for quantity in quantities {
          columns.append(line.value(quantity, row.values[line.entry]))
        }
      }
    }
    try backend.accumulate(&bootstrap, indices: rows.map(\.row), values: columns)
  }

  /// Percentile interval of a quantity of bootstrap line `line`, nil without replicates.
  func interval(
    line: Int, _ quantity: BootstrapQuantity, confidence: Double
  ) -> (low: Double, high: Double)? {
    guard let offset = quantities.firstIndex(of: quantity) else { return nil }
    return bootstrap.interval(column: line * quantities.count + offset, confidence: confidence)
  }
}

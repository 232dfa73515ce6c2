// SPDX-License-Identifier: Apache-2.0
// Percentile intervals of every line, shared among threads: each takes the place of some of a thousand replicates.

internal import EsscherCPU
internal import EsscherCore

/// Intervals of the main round's lines.
struct LineIntervals {
  private let ends: [[(low: Double, high: Double)?]]

  /// Those of a line, in this order.
  private static let quantities: [BootstrapQuantity] = [.kl, .reward, .gain, .gold]

  /// Takes all intervals; none where there are no replicates of prompts.
  init(_ accumulator: FrontierAccumulator, confidence: Double, threads: Int) {
    guard accumulator.hasReplicates, accumulator.promptCount > 1 else {
      ends = []
      return
    }
    ends = ParallelTiles.map(count: accumulator.bootstrapLines.count, threads: threads) { line in
      Self.quantities.map {
        accumulator.interval(line: line, $0, confidence: confidence)
      }
    }
  }

  /// The interval of a quantity of a line, nil where it has none.
  func ends(of line: Int, _ quantity: BootstrapQuantity) -> (low: Double, high: Double)? {
    guard ends.indices.contains(line), let place = Self.quantities.firstIndex(of: quantity) else {
      return nil
    }
    return ends[line][place]
  }
}

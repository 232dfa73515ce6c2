// SPDX-License-Identifier: Apache-2.0
// The weights of the order statistics depend on M and the law only; prompts of equal length share them.

internal import Synchronization

/// Weights by sample count for one list of laws, shared by the workers of a run.
///
/// Holds at most `byteLimit` bytes; when a new length would pass it, the older ones are let go (rows
/// in flight keep theirs). The weights do not depend on what the cache held.
package final class OrderStatisticCache: Sendable {
  private struct State {
    var weights: [Int: [OrderStatisticWeights]] = [:]
    var bytes = 0
  }

  private let grid: [SelectionLaw]
  private let byteLimit: Int
  private let state = Mutex(State())

  package init(grid: [SelectionLaw], byteLimit: Int) {
    self.grid = grid
    self.byteLimit = byteLimit
  }

  /// Bytes the weights of one sample count take.
  package static func bytes(sampleCount: Int, grid: [SelectionLaw]) -> Int {
    grid.reduce(0) { sum, law in
      law.n > sampleCount
        ? sum
        : sum + 16 * OrderStatisticWeights.keptCount(sampleCount: sampleCount, selection: law)
    }
  }

  /// Calls `body` with the weights of every law of the grid, in its order, up to `size` laws at a time; `first` is
  /// the first law's place in the grid.
  ///
  /// Weights that would not fit the limit together, those of very long rows, are made one law at a time.
  /// - Precondition: every law can be estimated from `sampleCount` samples.
  package func forEachGroup(
    sampleCount: Int, size: Int,
    _ body: (_ first: Int, _ laws: ArraySlice<OrderStatisticWeights>) -> Void
  ) {
    if Self.bytes(sampleCount: sampleCount, grid: grid) > byteLimit {
      for (index, law) in grid.enumerated() {
        body(index, [OrderStatisticWeights(sampleCount: sampleCount, selection: law)])
      }
    } else {
      let known = weights(sampleCount: sampleCount)
      for start in stride(from: 0, to: known.count, by: size) {
        body(start, known[start..<min(start + size, known.count)])
      }
    }
  }

  /// As ``forEachGroup(sampleCount:size:_:)``, one law at a time.
  package func forEach(
    sampleCount: Int, _ body: (_ index: Int, _ weights: OrderStatisticWeights) -> Void
  ) {
    forEachGroup(sampleCount: sampleCount, size: 1) { index, laws in
      for law in laws { body(index, law) }
    }
  }

  private func weights(sampleCount: Int) -> [OrderStatisticWeights] {
    if let known = state.withLock({ $0.weights[sampleCount] }) { return known }
    let made = grid.map { OrderStatisticWeights(sampleCount: sampleCount, selection: $0) }
    let size = Self.bytes(sampleCount: sampleCount, grid: grid)
    state.withLock { state in
      guard state.weights[sampleCount] == nil else { return }
      if state.bytes + size > byteLimit {
        state.weights.removeAll()
        state.bytes = 0
      }
      state.weights[sampleCount] = made
      state.bytes += size
    }
    return made
  }
}

/// Keeps the order-statistic weights from one tile to the next.
package final class OrderStatisticCacheBox: Sendable {
  private let current = Mutex<(grid: [SelectionLaw], cache: OrderStatisticCache)?>(nil)

  package init() {}

  package func cache(grid: [SelectionLaw], byteLimit: Int) -> OrderStatisticCache {
    current.withLock { current in
      if let current, current.grid == grid { return current.cache }
      let made = OrderStatisticCache(grid: grid, byteLimit: byteLimit)
      current = (grid, made)
      return made
    }
  }
}

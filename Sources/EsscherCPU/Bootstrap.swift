// SPDX-License-Identifier: Apache-2.0
// Bootstrap on the CPU: Poisson counts times statistics, replicates in parallel. Every replicate adds
// its prompts in index order, so threads change nothing.

public import EsscherCore

extension CPUBackend {
  /// Adds prompts to a bootstrap, replicates in parallel; the result does not depend on the threads.
  public func accumulate(
    _ bootstrap: inout PoissonBootstrap, indices: [Int], values: [Double]
  ) throws(EsscherError) {
    let columns = bootstrap.columnCount
    guard columns > 0, bootstrap.replicateCount > 0 else { return }
    let (before, totals, seed) = (bootstrap.sums, bootstrap.totals, bootstrap.seed)
    let updated = ParallelTiles.map(count: bootstrap.replicateCount, threads: threads) {
      replicate -> (sums: [Double], total: Double) in
      var sums = Array(before[replicate * columns..<(replicate + 1) * columns])
      var total = totals[replicate]
      for (row, index) in indices.enumerated() {
        let count = PoissonBootstrap.count(
          index: UInt64(index), replicate: UInt32(truncatingIfNeeded: replicate), seed: seed)
        guard count > 0 else { continue }
        let weight = Double(count)
        total += weight
        let base = row * columns
        for column in 0..<columns { sums[column] += weight * values[base + column] }
      }
      return (sums, total)
    }
    for (replicate, result) in updated.enumerated() {
      bootstrap.set(replicate: replicate, sums: result.sums, total: result.total)
    }
  }
}

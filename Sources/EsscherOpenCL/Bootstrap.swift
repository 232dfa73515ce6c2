// SPDX-License-Identifier: Apache-2.0
// Bootstrap on a device: Poisson counts, then the replicates' sums, each in prompt order, so that the
// bits are those of a processor.

internal import EsscherCore

extension DeviceKernels {
  /// Adds prompts to a bootstrap.
  func accumulate(
    _ bootstrap: inout PoissonBootstrap, indices: [Int], values: [Double],
    on session: OpenCLSession
  ) throws(OpenCLError) {
    let (columns, replicates) = (bootstrap.columnCount, bootstrap.replicateCount)
    guard columns > 0, replicates > 0, !indices.isEmpty else { return }
    let thresholds = PoissonBootstrap.thresholds
    let sums = try session.buffer(8 * replicates * columns, "bootstrap sums")
    let totals = try session.buffer(8 * replicates, "bootstrap totals")
    let table = try session.buffer(4 * thresholds.count, "Poisson thresholds")
    try session.write(bootstrap.sums, to: sums)
    try session.write(bootstrap.totals, to: totals)
    try session.write(thresholds, to: table)
    // Few enough prompts at once that their counts stay small.
    let step = max(1, min(indices.count, (64 << 20) / max(replicates, 8 * columns)))
    let prompts = try session.buffer(8 * step, "prompt indices")
    let counts = try session.buffer(step * replicates, "bootstrap counts")
    let rows = try session.buffer(8 * step * columns, "bootstrap values")
    for start in stride(from: 0, to: indices.count, by: step) {
      let end = min(start + step, indices.count)
      try session.write(indices[start..<end].map { UInt64($0) }, to: prompts)
      try session.write(Array(values[start * columns..<end * columns]), to: rows)
      try bootstrapCounts.set(0, prompts)
      try bootstrapCounts.set(1, table)
      try bootstrapCounts.set(2, counts)
      try bootstrapCounts.set(3, ulong: bootstrap.seed)
      try bootstrapCounts.set(4, uint: UInt32(thresholds.count))
      try bootstrapCounts.set(5, uint: UInt32(replicates))
      let lanes = tuning.lanes
      try session.launch(
        bootstrapCounts, groups: ((replicates + lanes - 1) / lanes, end - start), lanes: lanes)
      try bootstrapSums.set(0, counts)
      try bootstrapSums.set(1, rows)
      try bootstrapSums.set(2, sums)
      try bootstrapSums.set(3, totals)
      try bootstrapSums.set(4, uint: UInt32(end - start))
      try bootstrapSums.set(5, uint: UInt32(columns))
      try bootstrapSums.set(6, uint: UInt32(replicates))
      try session.launch(
        bootstrapSums, groups: ((columns + lanes - 1) / lanes, replicates), lanes: lanes)
    }
    let all = try session.read(replicates * columns, from: sums, zero: 0.0)
    let weights = try session.read(replicates, from: totals, zero: 0.0)
    for replicate in 0..<replicates {
      bootstrap.set(
        replicate: replicate, sums: Array(all[replicate * columns..<(replicate + 1) * columns]),
        total: weights[replicate])
    }
  }
}

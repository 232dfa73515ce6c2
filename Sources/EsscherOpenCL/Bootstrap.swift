// SPDX-License-Identifier: Apache-2.0
// Bootstrap on a device: Poisson counts times statistics, each sum in prompt order, so that tiles change no
// bits.

internal import EsscherCore

extension DeviceKernels {
  /// Replicates of a work-group; REPLICATES of bootstrap.cl.
  private static let replicatesPerGroup = 16
  /// Bytes of statistics on the device at once.
  private static let slabBytes = 64 << 20

  /// Adds prompts to a bootstrap.
  func accumulate(
    _ sums: inout PoissonBootstrap, indices: [Int], values: [Double],
    on queue: OpenCLQueue
  ) throws(OpenCLError) {
    guard sums.columnCount > 0, sums.replicateCount > 0, !indices.isEmpty else { return }
    let columns = DeviceLayout.padded(sums.columnCount)
    let groups = (sums.replicateCount + Self.replicatesPerGroup - 1) / Self.replicatesPerGroup
    let replicates = groups * Self.replicatesPerGroup
    let thresholds = PoissonBootstrap.thresholds
    let deviceSums = try queue.session.buffer(8 * replicates * columns, "bootstrap sums")
    let totals = try queue.session.buffer(8 * replicates, "bootstrap totals")
    let table = try queue.session.buffer(4 * thresholds.count, "Poisson thresholds")
    try queue.write(sums.padded(columns: columns, replicates: replicates), to: deviceSums)
    try queue.write(
      sums.totals + Array(repeating: 0, count: replicates - sums.replicateCount), to: totals)
    try queue.write(thresholds, to: table)
    let step = max(1, min(indices.count, Self.slabBytes / (8 * columns)))
    let prompts = try queue.session.buffer(8 * step, "prompt indices")
    let rows = try queue.session.buffer(8 * step * columns, "bootstrap values")
    let lanes = tuning.lanes
    // With vectors one lane takes every column; without, a lane has one.
    let columnGroups = tuning.vectorWidth > 1 ? 1 : (columns + lanes - 1) / lanes
    for start in stride(from: 0, to: indices.count, by: step) {
      let slab = start..<min(start + step, indices.count)
      try queue.write(indices[slab].map { UInt64($0) }, to: prompts)
      try queue.write(
        PoissonBootstrap.panels(values, slab, columns: sums.columnCount), to: rows)
      try bootstrap.set(0, prompts)
      try bootstrap.set(1, rows)
      try bootstrap.set(2, table)
      try bootstrap.set(3, deviceSums)
      try bootstrap.set(4, totals)
      try bootstrap.set(5, ulong: sums.seed)
      try bootstrap.set(6, uint: UInt32(thresholds.count))
      try bootstrap.set(7, uint: UInt32(slab.count))
      try bootstrap.set(8, uint: UInt32(columns))
      try queue.launch(bootstrap, groups: (groups, columnGroups), lanes: lanes)
    }
    let added = try queue.read(replicates * columns, from: deviceSums, zero: 0.0)
    let weights = try queue.read(replicates, from: totals, zero: 0.0)
    sums.takePadded(added, columns: columns, totals: weights)
  }
}

extension PoissonBootstrap {
  /// The sums with rows of `columns` and with `replicates` rows, zeros where there are none.
  fileprivate func padded(columns: Int, replicates: Int) -> [Double] {
    var padded = [Double](repeating: 0, count: replicates * columns)
    for replicate in 0..<replicateCount {
      for column in 0..<columnCount {
        padded[replicate * columns + column] = sums[replicate * columnCount + column]
      }
    }
    return padded
  }

  /// Takes sums and totals back from where ``padded(columns:replicates:)`` went.
  fileprivate mutating func takePadded(_ padded: [Double], columns: Int, totals added: [Double]) {
    let (count, replicates) = (columnCount, replicateCount)
    unsafe withMutableSums { sums, totals in
      for replicate in 0..<replicates {
        unsafe totals[replicate] = added[replicate]
        for column in 0..<count {
          unsafe sums[replicate * count + column] = padded[replicate * columns + column]
        }
      }
    }
  }
}

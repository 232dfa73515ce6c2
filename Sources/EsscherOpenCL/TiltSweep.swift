// SPDX-License-Identifier: Apache-2.0
// TiltSweep on a device: sums at every lambda, and the power moments behind the small ones.

internal import EsscherCore

extension DeviceKernels {
  /// Enqueues the sweep of a tile's rows.
  func sweep(
    _ tile: TileMemory, _ blocks: DeviceBlocks, lambdas: DeviceLambdas,
    values: borrowing OpenCLBuffer, flags: UInt32,
    on queue: OpenCLQueue
  ) throws(OpenCLError) {
    let count = lambdas.count
    guard count > 0 else { return }
    let rows = tile.rows.count
    try planTilt(tile, blocks, lambdas: lambdas, values: values, flags: flags, on: queue)
    for isMoments in [true, false] {
      if isMoments {
        try setRows(powerMoments, tile)
        try powerMoments.set(7, tile.moments)
        try powerMoments.set(8, values)
        try powerMoments.set(9, tile.plans)
        try powerMoments.set(10, ulong: lambdas.first)
        try powerMoments.set(11, uint: lambdas.stride)
        try powerMoments.set(12, uint: flags)
        try queue.launch(powerMoments, groups: (rows, 1), lanes: tuning.lanes)
      } else {
        try setRows(tiltSweep, tile)
        try tiltSweep.set(7, values)
        try tiltSweep.set(8, tile.ordered)
        try tiltSweep.set(9, tile.plans)
        try tiltSweep.set(10, tile.reaches)
        try tiltSweep.set(11, tile.sums)
        try tiltSweep.set(12, uint: UInt32(count))
        try tiltSweep.set(13, ulong: lambdas.first)
        try tiltSweep.set(14, uint: lambdas.stride)
        try tiltSweep.set(15, uint: flags)
        let blocks = (count + tuning.lambdasPerBlock - 1) / tuning.lambdasPerBlock
        try queue.launch(tiltSweep, groups: (rows, blocks), lanes: tuning.lanes)
      }
    }
  }

  private func setRows(
    _ kernel: borrowing OpenCLKernel, _ tile: TileMemory
  ) throws(OpenCLError) {
    try kernel.set(0, tile.rewards)
    try kernel.set(1, tile.rank)
    try setPayload(kernel, 2, tile, weights: 3)
    try kernel.set(4, tile.deviceOffsets)
    try kernel.set(5, tile.deviceCounts)
    try kernel.set(6, tile.summaries)
  }
}

/// Where the lambdas of a tile's rows lie in the buffer of a plan's.
struct DeviceLambdas {
  /// Lambdas of a row.
  let count: Int
  /// Entry of the tile's first row.
  let first: UInt64
  /// Entries from one row's lambdas to the next; 0 where all rows share them.
  let stride: UInt32

  init(_ plan: StatisticsPlan, firstRow: Int) {
    count = plan.lambdaCount
    first = UInt64(plan.rowLambdas.map { (firstRow - $0.rows.lowerBound) * $0.count } ?? 0)
    stride = UInt32(plan.rowLambdas?.count ?? 0)
  }
}

/// A row's sums at every lambda from the device's records.
struct DeviceTilt {
  let summary: RowSummary
  /// Σ q².
  let squaredMass: Double
  let isWeighted: Bool
  /// Sums of squared weights are wanted.
  let isSquared: Bool

  private var mass: Double { isWeighted ? 1 : Double(summary.sampleCount) }

  /// Writes the sums to `tilts` from `start` on, each from the form that the device chose for it.
  func write(
    lambdas: [Double], records: ArraySlice<Double>, moments: ArraySlice<Double>,
    to tilts: inout [TiltSums], at start: Int
  ) {
    guard !lambdas.isEmpty else { return }
    guard !summary.isConstant else {
      var sums = TiltSums()
      if isSquared { sums.squares = squaredMass } else { sums.dropSquares() }
      for index in lambdas.indices { tilts[start + index] = sums }
      return
    }
    let powers = powerMoments(moments)
    for (index, lambda) in lambdas.enumerated() {
      let base = records.startIndex + index * DeviceLayout.tiltFields
      // The form as the device chose it: 0 moments, 1 about the mean, 2 about the maximum.
      let form = records[base + 10]
      if form == 0 {
        tilts[start + index] = powers.sums(lambda: lambda, squared: isSquared)
        continue
      }
      var sums = TiltSums()
      sums.shift = form == 2 ? summary.highest : 0
      sums.exp = records[base] / mass
      sums.expMinusOne = records[base + 1] / mass
      sums.first = records[base + 2] / mass
      sums.second = records[base + 3] / mass
      sums.rank = records[base + 5] / mass
      sums.gold = records[base + 6] / mass
      sums.goldFirst = records[base + 9] / mass
      if isSquared {
        sums.squares = records[base + 4] / (mass * mass)
        sums.squaresFirst = records[base + 7] / (mass * mass)
        sums.squaresGold = records[base + 8] / (mass * mass)
      } else {
        sums.dropSquares()
      }
      tilts[start + index] = sums
    }
  }

  private func powerMoments(_ record: ArraySlice<Double>) -> PowerMoments {
    let count = PowerMoments.count
    func part(_ index: Int) -> [Double] {
      let start = record.startIndex + index * count
      return record[start..<start + count].map { $0 / mass }
    }
    let plain = part(0)
    let gold = part(2)
    let last = record[record.startIndex + 5 * count]
    return PowerMoments(
      scale: summary.reach, plain: plain, rank: part(1), gold: gold,
      squared: [squaredMass] + (isWeighted ? part(3) : plain.map { $0 / mass }),
      squaredGold: isWeighted ? [last] + part(4) : [0] + gold.map { $0 / mass })
  }
}

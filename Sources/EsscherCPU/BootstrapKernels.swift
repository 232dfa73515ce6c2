// SPDX-License-Identifier: Apache-2.0
// Run-time choice among the instruction-set variants of the bootstrap's loops.

internal import CPUKernelsV2
internal import CPUKernelsV3
internal import CPUKernelsV4
internal import EsscherCore

/// The loops of one instruction-set level; BootstrapKernel.swift says what they do.
@safe
struct BootstrapKernels: Sendable {
  typealias Input = UnsafePointer<Double>
  typealias Output = UnsafeMutablePointer<Double>

  /// indices, count, first replicate, seed, stride, counts, totals.
  let counts: @Sendable (UnsafePointer<UInt64>, Int, UInt32, UInt64, Int, Output, Output) -> Void
  /// counts, panels, count, panel stride, columns, replicates, sums, spare.
  let sums: @Sendable (Input, Input, Int, Int, Int, Int, Output, Output) -> Void

  init(level: CPULevel) {
    let table = PoissonBootstrap.thresholds
    switch level {
    case .v2:
      unsafe counts = { indices, count, first, seed, stride, counts, totals in
        unsafe table.withUnsafeBufferPointer { table in
          guard let thresholds = table.baseAddress else { return }
          unsafe CPUKernelsV2.poissonCounts(
            indices: indices, count: count, first: first, seed: seed, thresholds: thresholds,
            thresholdCount: table.count, stride: stride, counts: counts, totals: totals)
        }
      }
      unsafe sums = {
        unsafe CPUKernelsV2.addCounted(
          counts: $0, panels: $1, count: $2, panelStride: $3, columns: $4, replicates: $5,
          sums: $6, spare: $7)
      }
    case .v3:
      unsafe counts = { indices, count, first, seed, stride, counts, totals in
        unsafe table.withUnsafeBufferPointer { table in
          guard let thresholds = table.baseAddress else { return }
          unsafe CPUKernelsV3.poissonCounts(
            indices: indices, count: count, first: first, seed: seed, thresholds: thresholds,
            thresholdCount: table.count, stride: stride, counts: counts, totals: totals)
        }
      }
      unsafe sums = {
        unsafe CPUKernelsV3.addCounted(
          counts: $0, panels: $1, count: $2, panelStride: $3, columns: $4, replicates: $5,
          sums: $6, spare: $7)
      }
    case .v4:
      unsafe counts = { indices, count, first, seed, stride, counts, totals in
        unsafe table.withUnsafeBufferPointer { table in
          guard let thresholds = table.baseAddress else { return }
          unsafe CPUKernelsV4.poissonCounts(
            indices: indices, count: count, first: first, seed: seed, thresholds: thresholds,
            thresholdCount: table.count, stride: stride, counts: counts, totals: totals)
        }
      }
      unsafe sums = {
        unsafe CPUKernelsV4.addCounted(
          counts: $0, panels: $1, count: $2, panelStride: $3, columns: $4, replicates: $5,
          sums: $6, spare: $7)
      }
    }
  }
}

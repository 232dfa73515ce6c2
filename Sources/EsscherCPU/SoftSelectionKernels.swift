// SPDX-License-Identifier: Apache-2.0
// Run-time choice among the instruction-set variants of soft best-of-n's loops.

internal import CPUKernelsV2
internal import CPUKernelsV3
internal import CPUKernelsV4

/// The loops of one instruction-set level; SoftSelectionKernel.swift says what they do.
@safe
struct SoftSelectionKernels: Sendable {
  typealias Input = UnsafePointer<Double>
  typealias Output = UnsafeMutablePointer<Double>

  /// values, count, top, scale, destination.
  let exponentials: @Sendable (Input, Int, Double, Double, Output) -> Void
  /// order, e, d, g, count, sizes, size count, scratch, means.
  let blockMeans:
    @Sendable (
      UnsafePointer<UInt32>, Input, Input, Input?, Int, UnsafePointer<Int>, Int, Output, Output
    ) -> Void
  /// lowest, starts, weights, count, ratios, sums.
  let deficits: @Sendable (Input, UnsafePointer<Int>, Input, Int, Input, Output) -> Void
  /// lowest, starts, count, ratios, survivals, tails, stride, size count, results.
  let densities:
    @Sendable (Input, UnsafePointer<Int>, Int, Input, Input, Input, Int, Int, Output) -> Void

  /// Nodes of a point's window.
  static let window = 40

  init(level: CPULevel) {
    switch level {
    case .v2:
      unsafe exponentials = {
        unsafe CPUKernelsV2.exponentials($0, $1, top: $2, scale: $3, $4)
      }
      unsafe blockMeans = {
        unsafe CPUKernelsV2.softBlockMeans(
          order: $0, e: $1, d: $2, g: $3, count: $4, sizes: $5, sizeCount: $6, scratch: $7,
          means: $8)
      }
      unsafe deficits = {
        unsafe CPUKernelsV2.softDeficits(
          lowest: $0, starts: $1, weights: $2, count: $3, ratios: $4, sums: $5)
      }
      unsafe densities = {
        unsafe CPUKernelsV2.softDensities(
          lowest: $0, starts: $1, count: $2, ratios: $3, survivals: $4, tails: $5, stride: $6,
          sizeCount: $7, results: $8)
      }
    case .v3:
      unsafe exponentials = {
        unsafe CPUKernelsV3.exponentials($0, $1, top: $2, scale: $3, $4)
      }
      unsafe blockMeans = {
        unsafe CPUKernelsV3.softBlockMeans(
          order: $0, e: $1, d: $2, g: $3, count: $4, sizes: $5, sizeCount: $6, scratch: $7,
          means: $8)
      }
      unsafe deficits = {
        unsafe CPUKernelsV3.softDeficits(
          lowest: $0, starts: $1, weights: $2, count: $3, ratios: $4, sums: $5)
      }
      unsafe densities = {
        unsafe CPUKernelsV3.softDensities(
          lowest: $0, starts: $1, count: $2, ratios: $3, survivals: $4, tails: $5, stride: $6,
          sizeCount: $7, results: $8)
      }
    case .v4:
      unsafe exponentials = {
        unsafe CPUKernelsV4.exponentials($0, $1, top: $2, scale: $3, $4)
      }
      unsafe blockMeans = {
        unsafe CPUKernelsV4.softBlockMeans(
          order: $0, e: $1, d: $2, g: $3, count: $4, sizes: $5, sizeCount: $6, scratch: $7,
          means: $8)
      }
      unsafe deficits = {
        unsafe CPUKernelsV4.softDeficits(
          lowest: $0, starts: $1, weights: $2, count: $3, ratios: $4, sums: $5)
      }
      unsafe densities = {
        unsafe CPUKernelsV4.softDensities(
          lowest: $0, starts: $1, count: $2, ratios: $3, survivals: $4, tails: $5, stride: $6,
          sizeCount: $7, results: $8)
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Run-time choice among the instruction-set variants of the loops over a row's tail.

internal import CPUKernelsV2
internal import CPUKernelsV3
internal import CPUKernelsV4

/// The loops of one instruction-set level; ParetoTailKernel.swift says what they do.
@safe
struct TailKernels: Sendable {
  typealias Input = UnsafePointer<Double>
  typealias Output = UnsafeMutablePointer<Double>

  /// distances, gold, copies, count, fitted, lambdas, tops, lambda count, shares, nodes, scratch, results.
  let tiltTails:
    @Sendable (
      Input, Input?, Input, Int, Int, Input, Input, Int, Input, Input, Output, Output
    ) -> Void

  init(level: CPULevel) {
    switch level {
    case .v2:
      unsafe tiltTails = {
        unsafe CPUKernelsV2.tiltTails(
          distances: $0, gold: $1, copies: $2, count: $3, fitted: $4, lambdas: $5, tops: $6,
          lambdaCount: $7, shares: $8, nodes: $9, scratch: $10, results: $11)
      }
    case .v3:
      unsafe tiltTails = {
        unsafe CPUKernelsV3.tiltTails(
          distances: $0, gold: $1, copies: $2, count: $3, fitted: $4, lambdas: $5, tops: $6,
          lambdaCount: $7, shares: $8, nodes: $9, scratch: $10, results: $11)
      }
    case .v4:
      unsafe tiltTails = {
        unsafe CPUKernelsV4.tiltTails(
          distances: $0, gold: $1, copies: $2, count: $3, fitted: $4, lambdas: $5, tops: $6,
          lambdaCount: $7, shares: $8, nodes: $9, scratch: $10, results: $11)
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// What the top of one row says of its tilt at one lambda: the Pareto shape of the weights, and what leaving out
/// single samples does beyond the terms in w and w², of which the sums over the whole row are known.
///
/// With w_i the tilt's weights, over the samples of the tail with w_i < 1:
/// - `rest = Σ a_i`, `restReward = Σ a_i (r_i − max r)`, `restGold = Σ a_i (g_i − ḡ)`, a = w³/(1 − w);
/// - `restLogarithm = Σ (log(1 − w_i) + w_i + w_i²/2)`, and `samples`, how many they are.
public struct TailSums: Sendable, Equatable {
  /// Pareto shape k̂, nil where there is none.
  public var shape: Double?
  /// Largest weight, that of the largest reward.
  public var largestWeight: Double
  /// Σ a.
  public var rest = 0.0
  /// Σ a (r − max r).
  public var restReward = 0.0
  /// Σ a (g − ḡ).
  public var restGold = 0.0
  /// Σ log(1 − w) + w + w²/2.
  public var restLogarithm = 0.0
  /// Samples that the sums are over.
  public var samples = 0.0

  /// Sums of no samples.
  ///
  /// - Parameter largestWeight: the largest weight.
  public init(largestWeight: Double) { self.largestWeight = largestWeight }

  /// The largest weight of a row's tilt, that of its largest reward, where samples have no importance weights.
  ///
  /// - Parameters:
  ///   - lambda: inverse temperature.
  ///   - sums: sums of the row at `lambda`.
  ///   - summary: the row.
  public static func largestWeight(
    lambda: Double, sums: TiltSums, summary: RowSummary
  ) -> Double {
    let partition = sums.exp * Double(max(1, summary.sampleCount))
    return min(1, Elementary.exp(lambda * (summary.highest - sums.shift)) / partition)
  }
}

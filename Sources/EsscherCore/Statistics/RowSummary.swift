// SPDX-License-Identifier: Apache-2.0

/// What one prompt's samples look like before any tilt.
///
/// Rewards enter the other statistics as d = (r − centre) − correction, whose weighted mean is 0:
/// `centre` is near the mean, so that r − centre is exact, and `correction` is the small rest.
public struct RowSummary: Sendable, Equatable {
  /// Samples that take part.
  public var sampleCount = 0
  /// Samples left out for a missing cell.
  public var droppedCount = 0
  /// A double near the mean.
  public var centre = 0.0
  /// Mean minus centre.
  public var correction = 0.0
  /// Population variance σ² (divisor M, or importance-weighted).
  public var variance = 0.0
  /// Largest reward as stored.
  public var maximum = 0.0
  /// Largest and smallest d.
  public var highest = 0.0
  /// Smallest d.
  public var lowest = 0.0
  /// Share of the base law in the group of samples that tie for the maximum: k_max/M, or their q.
  public var topShare = 1.0
  /// Samples that tie with another one.
  public var tiedCount = 0
  /// Mean gold reward, 0 without gold.
  public var goldMean = 0.0

  /// The summary of a row without samples.
  public init() {}

  /// μ = E₀ r, the mean reward.
  public var mean: Double { centre + correction }
  /// log(M/k_max), the largest KL that any tilt of these samples can reach, in nats.
  public var ceiling: Double { 0 - Elementary.log(topShare) }
  /// max |r − μ|.
  public var reach: Double { max(highest, -lowest) }
  /// Every sample is the same.
  public var isConstant: Bool { highest == lowest }
}

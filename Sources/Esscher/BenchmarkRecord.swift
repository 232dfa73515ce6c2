// SPDX-License-Identifier: Apache-2.0
// What a benchmark times, and what it says of a job afterwards.

/// The jobs that can be timed.
public enum BenchmarkJob: String, CaseIterable, Sendable {
  /// Every cell once, row summaries only.
  case read
  /// log Z, reward and KLs at the lambdas asked for: 64, log-spaced from 0.01 to 50, where none are.
  case tilt
  /// The same at 256 lambdas, log-spaced from 0.01 to 50.
  case tilt256 = "tilt_256"
  /// The same at 64 lambdas with equal steps up to 50.
  case tiltUniform = "tilt_uniform"
  /// Sort, tie groups and weighted sums at the n asked for: 1, 2, 4, …, 1024 where none are.
  case bestOfN = "best_of_n"
  /// Both from one plan.
  case tiltBestOfN = "tilt_best_of_n"
  /// Order by the reward, sums of gold rewards at the same n.
  case gold = "best_of_n_gold"
  /// 1,000 Poisson replicates of 64 columns with their intervals.
  case bootstrap
  /// Pareto shapes of the tilts, from the tails of the sorted rows; on the processor for every device.
  case khat
  /// The whole of `esscher frontier` at both grids with 1,000 replicates.
  case frontier
}

/// What bounds a job.
public enum BenchmarkCeiling: String, Sendable {
  /// Reading every cell from memory once.
  case memory
  /// Double-precision multiply-adds in registers.
  case multiplyAdd = "multiply-add"
  /// Double-precision exponentials by the engine's own loop, of values in the first-level cache or, on devices, in
  /// registers.
  case exponentials
}

/// One job's times on one device.
public struct BenchmarkRecord: Sendable {
  /// What was timed.
  public var job: BenchmarkJob
  /// Device as `--device` names it.
  public var device: String
  /// P.
  public var prompts: Int
  /// Samples of the longest prompt.
  public var samples: Int
  /// Wall times of the counted turns, in order.
  public var seconds: [Double] = []
  /// Units of work in a turn.
  public var work: Double
  /// What `work` counts: `bytes`, `terms` (cells times lambdas), `cells`, `multiply-adds` or `fits`.
  public var unit: String
  /// What bounds the job.
  public var ceiling: BenchmarkCeiling
  /// Seconds a turn would take at that ceiling; nil where it is not known, as of devices that share a run.
  public var ceilingSeconds: Double?
  /// Numbers that show what was computed, for comparison with a peer.
  public var values: [Double] = []

  /// Median of the times.
  public var median: Double {
    let sorted = seconds.sorted()
    guard !sorted.isEmpty else { return .nan }
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2)
      ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }

  /// Shortest of the times.
  public var minimum: Double { seconds.min() ?? .nan }

  /// Units of work a second, by the median.
  public var rate: Double { work / median }

  /// The ceiling in units of work a second; nil where it is not known.
  public var ceilingRate: Double? { ceilingSeconds.map { work / $0 } }

  /// The share of the ceiling that the job reaches. Above 1 where a job needs less than the ceiling's
  /// operation a unit.
  public var ceilingShare: Double? { ceilingSeconds.map { $0 / median } }
}

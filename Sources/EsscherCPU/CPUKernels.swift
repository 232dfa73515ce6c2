// SPDX-License-Identifier: Apache-2.0
// Run-time choice among the instruction-set variants of the hot loops.

internal import CCPUFeatures
internal import CPUKernelsV2
internal import CPUKernelsV3
internal import CPUKernelsV4
internal import EsscherCore
internal import Glibc

/// The instruction-set levels the hot loops are compiled for.
public enum CPULevel: Int, Sendable, CaseIterable {
  case v2 = 2
  case v3 = 3
  case v4 = 4

  /// Name of the level for reports.
  public var name: String {
    #if arch(x86_64)
      switch self {
      case .v2: "x86-64-v2"
      case .v3: "x86-64-v3 (AVX2)"
      case .v4: "x86-64-v4 (AVX-512)"
      }
    #else
      "portable"
    #endif
  }

  /// The highest level this processor runs, lowered by the environment variable
  /// `ESSCHER_CPU_LEVEL=2|3|4` where it is set.
  public static let current: CPULevel = {
    let detected = Int(ccpu_x86_64_level())
    // 0: not x86-64; every variant is the same portable code there, with fused multiply-add.
    let supported = detected == 0 ? 3 : detected
    var limit = 4
    if let text = unsafe getenv("ESSCHER_CPU_LEVEL"), let level = unsafe Int(String(cString: text))
    {
      limit = level
    }
    return CPULevel(rawValue: min(supported, limit, 4)) ?? .v2
  }()
}

/// Where a level's blocks lie.
struct BlockPlace {
  /// Upper edge of the first, from the shift of the exponents.
  var offset: Double
  var width: Double
  /// How far the row goes down, and the exponent at which a lambda's blocks end.
  var range: Double
  var cut: Double
}

/// What is wanted of a level's blocks.
struct BlockWants {
  /// Lambdas are taken times this.
  var factor: Double
  /// The second moment and all payloads, or else what the squares need.
  var second: Bool
  var rank: Bool
  var gold: Bool
}

/// Where the blocks of a grouped row end, and what its values are to be centred by.
@safe
struct BlockGroups {
  /// Nil for values that descend and are centred.
  var ends: UnsafePointer<Int>?
  var mean = 0.0
  var correction = 0.0
}

/// The hot loops of one instruction-set level.
@safe
struct CPUKernels: Sendable {
  typealias Input = UnsafePointer<Double>
  typealias Output = UnsafeMutablePointer<Double>

  let level: CPULevel
  /// values, rank, gold, weights, limit, lambdas, lambda count, lengths, start, sums.
  let tiltSweep:
    @Sendable (
      Input, Input?, Input?, Input?, Int, Input, Int, UnsafePointer<Int>, Int, Output
    ) -> Void
  /// values, rank, count, first lambda, step, scratch, sums.
  let tiltRun: @Sendable (Input, Input?, Int, Double, Double, Output, Output) -> Void
  /// values, rank, gold, groups, start, count, top, width, first block, end, moments; gives the next sample.
  let blockMoments:
    @Sendable (
      Input, Input?, Input?, BlockGroups, Int, Int, Double, Double, Int, Int, Output
    ) -> Int
  /// children, parents, sets, children in use, binomials, scratch.
  let mergeBlocks: @Sendable (Input, Output, Int, Int, Input, Output) -> Void
  /// moments, blocks, where they lie, lambdas and their number, what is wanted, tables, scratch, sums.
  let blockSums:
    @Sendable (Input, Int, BlockPlace, Input, Int, BlockWants, Input, Output, Output) -> Void
  /// moments, sets, blocks, top, half width, scratch, sums.
  let blockPowerMoments: @Sendable (Input, Int, Int, Double, Double, Output, Output) -> Void
  /// moments, powers, sets, squares wanted, scale, lambdas, lambda count, inverses, sums.
  let powerSums: @Sendable (Input, Int, Int, Bool, Double, Input, Int, Input, Output) -> Void
  /// moments, scale, lambdas, lambda count, inverses, scratch, records.
  let powerMeans: @Sendable (Input, Double, Input, Int, Input, Output, Output) -> Void
  /// values, scale, rank, gold, weights, count, powers, scratch, sums.
  let powerMoments:
    @Sendable (Input, Double, Input?, Input?, Input?, Int, Int, Output, Output) -> Void
  /// values, count, scale, terms, scratch, moments.
  let chebyshevMoments: @Sendable (Input, Int, Double, Int, Output, Output) -> Void
  /// coefficients, terms, moments, samples, shift, first lambda wanted of eight, end, scratch, records.
  let chebyshevSums: @Sendable (Input, Int, Input, Double, Double, Int, Int, Output, Output) -> Void
  /// values, count, result (minimum, maximum, sum).
  let extrema: @Sendable (Input, Int, Output) -> Void
  /// values, weights, count, centre, sums (first, second).
  let centredSums: @Sendable (Input, Input?, Int, Double, Output) -> Void
  /// source, count, centre, correction, destination.
  let shift: @Sendable (Input, Int, Double, Double, Output) -> Void
  /// a, b, count.
  let dot: @Sendable (Input, Input, Int) -> Double
  /// rewards, count, lambda, weights.
  let tailWeights: @Sendable (Input, Int, Double, Output) -> Void
  /// rewards, exponentials, gold, weights, count, parameters, sums; whether no sample carries all the weight.
  let sampleErrors: @Sendable (Input, Input, Input?, Input?, Int, Input, Output) -> Bool

  /// Doubles a lambda's record takes.
  static let tiltStride = 10
  /// Doubles that one term of eight lambdas takes in ``chebyshevSums``.
  static let chebyshevStride = 24
  /// Lambdas of a run of equal steps, and the samples it takes at once.
  static let runLength = 8
  static let runSamples = 1024
  /// Powers of a row that blocks or one pass over its samples give, the most there are, and the doubles they take.
  static let powerCount = 12
  static let mostPowers = 36
  static let powerRow = 37
  /// Samples of a segment: 16 KiB of values, so that a segment stays in the first-level cache while
  /// every lambda passes over it. Part of the definition of the sums: changing it changes bits.
  static let segment = 2048

  init(level: CPULevel) {
    self.level = level
    switch level {
    case .v2:
      unsafe tiltSweep = {
        unsafe CPUKernelsV2.tiltSweep(
          values: $0, rank: $1, gold: $2, weights: $3, limit: $4, lambdas: $5, lambdaCount: $6,
          lengths: $7, start: $8, sums: $9)
      }
      unsafe tiltRun = {
        unsafe CPUKernelsV2.tiltRun(
          values: $0, rank: $1, count: $2, first: $3, step: $4, scratch: $5, sums: $6)
      }
      unsafe blockMoments = {
        unsafe CPUKernelsV2.blockMoments(
          values: $0, rank: $1, gold: $2, ends: $3.ends, mean: $3.mean, correction: $3.correction,
          start: $4, count: $5, top: $6, width: $7, first: $8, end: $9, moments: $10)
      }
      unsafe mergeBlocks = {
        unsafe CPUKernelsV2.mergeBlocks(
          $0, $1, sets: $2, count: $3, binomials: $4, scratch: $5)
      }
      unsafe blockSums = {
        unsafe CPUKernelsV2.blockSums(
          moments: $0, count: $1, offset: $2.offset, width: $2.width, range: $2.range, cut: $2.cut,
          lambdas: $3, lambdaCount: $4, factor: $5.factor, series: $6, second: $5.second,
          hasRank: $5.rank, hasGold: $5.gold, scratch: $7, sums: $8)
      }
      unsafe blockPowerMoments = {
        unsafe CPUKernelsV2.blockPowerMoments(
          $0, sets: $1, count: $2, top: $3, half: $4, scratch: $5, sums: $6)
      }
      unsafe powerSums = {
        unsafe CPUKernelsV2.powerSums(
          $0, powers: $1, sets: $2, squared: $3, scale: $4, lambdas: $5, lambdaCount: $6,
          inverses: $7, sums: $8)
      }
      unsafe powerMeans = {
        unsafe CPUKernelsV2.powerMeans(
          $0, scale: $1, lambdas: $2, lambdaCount: $3, inverses: $4, scratch: $5,
          output: $6)
      }
      unsafe powerMoments = {
        unsafe CPUKernelsV2.powerMoments(
          values: $0, scale: $1, rank: $2, gold: $3, weights: $4, count: $5, powers: $6,
          scratch: $7, sums: $8)
      }
      unsafe chebyshevMoments = {
        unsafe CPUKernelsV2.chebyshevMoments(
          values: $0, count: $1, scale: $2, terms: $3, scratch: $4, moments: $5)
      }
      unsafe chebyshevSums = {
        unsafe CPUKernelsV2.chebyshevSums(
          coefficients: $0, terms: $1, moments: $2, samples: $3, shift: $4, first: $5,
          end: $6, scratch: $7, output: $8)
      }
      unsafe extrema = { unsafe CPUKernelsV2.extrema($0, $1, $2) }
      unsafe centredSums = { unsafe CPUKernelsV2.centredSums($0, $1, $2, $3, $4) }
      unsafe shift = {
        unsafe CPUKernelsV2.shift($0, $1, centre: $2, correction: $3, $4)
      }
      unsafe dot = { unsafe CPUKernelsV2.dot($0, $1, $2) }
      unsafe tailWeights = { unsafe CPUKernelsV2.tailWeights($0, $1, $2, $3) }
      unsafe sampleErrors = {
        unsafe CPUKernelsV2.sampleErrorSums(
          rewards: $0, exponentials: $1, gold: $2, weights: $3, count: $4, parameters: $5, sums: $6)
      }
    case .v3:
      unsafe tiltSweep = {
        unsafe CPUKernelsV3.tiltSweep(
          values: $0, rank: $1, gold: $2, weights: $3, limit: $4, lambdas: $5, lambdaCount: $6,
          lengths: $7, start: $8, sums: $9)
      }
      unsafe tiltRun = {
        unsafe CPUKernelsV3.tiltRun(
          values: $0, rank: $1, count: $2, first: $3, step: $4, scratch: $5, sums: $6)
      }
      unsafe blockMoments = {
        unsafe CPUKernelsV3.blockMoments(
          values: $0, rank: $1, gold: $2, ends: $3.ends, mean: $3.mean, correction: $3.correction,
          start: $4, count: $5, top: $6, width: $7, first: $8, end: $9, moments: $10)
      }
      unsafe mergeBlocks = {
        unsafe CPUKernelsV3.mergeBlocks(
          $0, $1, sets: $2, count: $3, binomials: $4, scratch: $5)
      }
      unsafe blockSums = {
        unsafe CPUKernelsV3.blockSums(
          moments: $0, count: $1, offset: $2.offset, width: $2.width, range: $2.range, cut: $2.cut,
          lambdas: $3, lambdaCount: $4, factor: $5.factor, series: $6, second: $5.second,
          hasRank: $5.rank, hasGold: $5.gold, scratch: $7, sums: $8)
      }
      unsafe blockPowerMoments = {
        unsafe CPUKernelsV3.blockPowerMoments(
          $0, sets: $1, count: $2, top: $3, half: $4, scratch: $5, sums: $6)
      }
      unsafe powerSums = {
        unsafe CPUKernelsV3.powerSums(
          $0, powers: $1, sets: $2, squared: $3, scale: $4, lambdas: $5, lambdaCount: $6,
          inverses: $7, sums: $8)
      }
      unsafe powerMeans = {
        unsafe CPUKernelsV3.powerMeans(
          $0, scale: $1, lambdas: $2, lambdaCount: $3, inverses: $4, scratch: $5,
          output: $6)
      }
      unsafe powerMoments = {
        unsafe CPUKernelsV3.powerMoments(
          values: $0, scale: $1, rank: $2, gold: $3, weights: $4, count: $5, powers: $6,
          scratch: $7, sums: $8)
      }
      unsafe chebyshevMoments = {
        unsafe CPUKernelsV3.chebyshevMoments(
          values: $0, count: $1, scale: $2, terms: $3, scratch: $4, moments: $5)
      }
      unsafe chebyshevSums = {
        unsafe CPUKernelsV3.chebyshevSums(
          coefficients: $0, terms: $1, moments: $2, samples: $3, shift: $4, first: $5,
          end: $6, scratch: $7, output: $8)
      }
      unsafe extrema = { unsafe CPUKernelsV3.extrema($0, $1, $2) }
      unsafe centredSums = { unsafe CPUKernelsV3.centredSums($0, $1, $2, $3, $4) }
      unsafe shift = {
        unsafe CPUKernelsV3.shift($0, $1, centre: $2, correction: $3, $4)
      }
      unsafe dot = { unsafe CPUKernelsV3.dot($0, $1, $2) }
      unsafe tailWeights = { unsafe CPUKernelsV3.tailWeights($0, $1, $2, $3) }
      unsafe sampleErrors = {
        unsafe CPUKernelsV3.sampleErrorSums(
          rewards: $0, exponentials: $1, gold: $2, weights: $3, count: $4, parameters: $5, sums: $6)
      }
    case .v4:
      unsafe tiltSweep = {
        unsafe CPUKernelsV4.tiltSweep(
          values: $0, rank: $1, gold: $2, weights: $3, limit: $4, lambdas: $5, lambdaCount: $6,
          lengths: $7, start: $8, sums: $9)
      }
      unsafe tiltRun = {
        unsafe CPUKernelsV4.tiltRun(
          values: $0, rank: $1, count: $2, first: $3, step: $4, scratch: $5, sums: $6)
      }
      unsafe blockMoments = {
        unsafe CPUKernelsV4.blockMoments(
          values: $0, rank: $1, gold: $2, ends: $3.ends, mean: $3.mean, correction: $3.correction,
          start: $4, count: $5, top: $6, width: $7, first: $8, end: $9, moments: $10)
      }
      unsafe mergeBlocks = {
        unsafe CPUKernelsV4.mergeBlocks(
          $0, $1, sets: $2, count: $3, binomials: $4, scratch: $5)
      }
      unsafe blockSums = {
        unsafe CPUKernelsV4.blockSums(
          moments: $0, count: $1, offset: $2.offset, width: $2.width, range: $2.range, cut: $2.cut,
          lambdas: $3, lambdaCount: $4, factor: $5.factor, series: $6, second: $5.second,
          hasRank: $5.rank, hasGold: $5.gold, scratch: $7, sums: $8)
      }
      unsafe blockPowerMoments = {
        unsafe CPUKernelsV4.blockPowerMoments(
          $0, sets: $1, count: $2, top: $3, half: $4, scratch: $5, sums: $6)
      }
      unsafe powerSums = {
        unsafe CPUKernelsV4.powerSums(
          $0, powers: $1, sets: $2, squared: $3, scale: $4, lambdas: $5, lambdaCount: $6,
          inverses: $7, sums: $8)
      }
      unsafe powerMeans = {
        unsafe CPUKernelsV4.powerMeans(
          $0, scale: $1, lambdas: $2, lambdaCount: $3, inverses: $4, scratch: $5,
          output: $6)
      }
      unsafe powerMoments = {
        unsafe CPUKernelsV4.powerMoments(
          values: $0, scale: $1, rank: $2, gold: $3, weights: $4, count: $5, powers: $6,
          scratch: $7, sums: $8)
      }
      unsafe chebyshevMoments = {
        unsafe CPUKernelsV4.chebyshevMoments(
          values: $0, count: $1, scale: $2, terms: $3, scratch: $4, moments: $5)
      }
      unsafe chebyshevSums = {
        unsafe CPUKernelsV4.chebyshevSums(
          coefficients: $0, terms: $1, moments: $2, samples: $3, shift: $4, first: $5,
          end: $6, scratch: $7, output: $8)
      }
      unsafe extrema = { unsafe CPUKernelsV4.extrema($0, $1, $2) }
      unsafe centredSums = { unsafe CPUKernelsV4.centredSums($0, $1, $2, $3, $4) }
      unsafe shift = {
        unsafe CPUKernelsV4.shift($0, $1, centre: $2, correction: $3, $4)
      }
      unsafe dot = { unsafe CPUKernelsV4.dot($0, $1, $2) }
      unsafe tailWeights = { unsafe CPUKernelsV4.tailWeights($0, $1, $2, $3) }
      unsafe sampleErrors = {
        unsafe CPUKernelsV4.sampleErrorSums(
          rewards: $0, exponentials: $1, gold: $2, weights: $3, count: $4, parameters: $5, sums: $6)
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Which of a row's lambdas are summed over its samples and which over blocks of them, by what each costs.

internal import EsscherCore

/// How the lambdas of one row are divided: `0 ..< centred` by the row's power moments, `centred ..< topped`
/// about the mean, `topped...` about the maximum; of the last two, `blocks` over blocks of the sorted row and
/// the others over samples.
struct TiltPlan: Equatable {
  var centred: Int
  /// How many powers those take.
  var powers = CPUKernels.powerCount
  var topped: Int
  /// Empty where blocks do not pay.
  var blocks: Range<Int>

  /// Lambdas in all.
  var count: Int
  /// Whether sums of squared weights are wanted too, at twice each lambda.
  var squared: Bool
  /// Lambdas of equal steps about the maximum, which may be summed eight at a time.
  var runs: Range<Int>

  /// Lambdas about the maximum that are summed over samples.
  var toppedSamples: Range<Int> {
    blocks.isEmpty ? topped..<count : max(topped, blocks.upperBound)..<count
  }

  /// Largest lambda·max|d|, times `multiple`, that 36 power moments serve. A sample alone far below the others, the worst
  /// case, leaves a variance of e^-5 of its d², which terms of up to 5^5/5! are summed to: 26·2^-53·e^5 = 4e-13 of it
  /// a rounding.
  static let largestPowerExponent = 5.0

  /// Largest multiple of a lambda about the mean at which sums are taken.
  var multiple: Double { squared ? 2 : 1 }

  /// Whether the row's power moments are taken from its blocks.
  func takesPowers(_ summary: RowSummary) -> Bool {
    let most = BlockGrid.largestReach * BlockGrid.largestReach
    return centred > 0 && powers == CPUKernels.powerCount && !blocks.isEmpty
      && summary.reach * summary.reach <= most * summary.variance
  }

  /// How many lambdas each method serves.
  var methods: TiltMethods {
    var methods = TiltMethods()
    let part = toppedSamples
    let sharing =
      runs.isEmpty ? 0 : part.count / CPUKernels.runLength * CPUKernels.runLength
    methods.powers = centred
    methods.blocks = blocks.count
    methods.runs = sharing
    methods.samples = count - centred - blocks.count - sharing
    return methods
  }

  /// Lambdas about the mean that are summed over samples: those below the blocks', and those above.
  var centredSamples: (below: Range<Int>, above: Range<Int>) {
    guard !blocks.isEmpty else { return (centred..<topped, topped..<topped) }
    return (
      centred..<min(topped, blocks.lowerBound), min(topped, blocks.upperBound)..<topped
    )
  }

  /// Divides by form alone.
  init(_ lambdas: [Double], summary: RowSummary, squared: Bool) {
    count = lambdas.count
    self.squared = squared
    var index = 0
    while index < lambdas.count, TiltForm(lambda: lambdas[index], summary: summary) == .moments {
      index += 1
    }
    centred = index
    while index < lambdas.count, TiltForm(lambda: lambdas[index], summary: summary) == .centred {
      index += 1
    }
    topped = index
    blocks = centred..<centred
    runs = topped..<topped
  }
}

/// Rough costs in nanoseconds of one core with AVX-512, measured kernel by kernel. Plans are made by them; what is
/// computed depends on them by rounding only.
enum TiltCost {
  /// Eight samples at one lambda, and what a lambda costs beside them.
  static let samples = 4.7
  static let samplesLambda = 18.0
  /// Of that, in a run of equal steps.
  static let runShare = 0.55
  /// Eight blocks at one lambda, squares included, and what a lambda costs beside them.
  static let blocks = 16.0
  static let blocksLambda = 26.0
  /// Moments of eight samples; edges and totals of a block.
  static let moments = 3.4
  static let block = 22.0
  /// Rows of more samples have blocks serve what 36 power moments could, where payloads and squares take powers of
  /// their own.
  static let mostPowers = 128
  static let mostPlainPowers = 320
  /// Sixteen blocks merged to eight.
  static let merge = 115.0
  /// Sorting or grouping eight samples.
  static let sort = 20.0
  static let group = 12.0

  /// True where a level for squares costs less than so many of them over so many samples.
  static func paysSquares(_ lambdaCount: Int, sampleCount: Int) -> Bool {
    // A level adds half its blocks and a merge, and its blocks are no more than others.
    let each = samplesLambda + samples * Double(sampleCount) / 8 - blocks
    return Double(lambdaCount) * each > 16 * block + merge
  }

  /// True where sorting or grouping a row for its blocks alone costs less than its samples at `lambdaCount` lambdas. Short
  /// rows gain as much by the samples that large lambdas then leave out.
  static func paysOrder(sampleCount: Int, lambdaCount: Int, storage: CellStorage) -> Bool {
    guard sampleCount >= BlockGrid.fewestSamples else { return false }
    let vectors = Double(sampleCount) / 8
    let each = Double(lambdaCount)
    let groups = storage == .float32 && sampleCount >= RowGroups.fewestSamples
    let order = groups ? group : sort
    return each * (samples * vectors + samplesLambda)
      > vectors * (order + moments) + each * (blocksLambda + 1.5 * blocks) + 24 * block + 8 * merge
  }
}

extension RowWorkspace {
  /// Has power moments serve lambda·max|d| ≤ 5 too, where that takes less than the samples at those lambdas.
  ///
  /// - Parameter sets: rewards, and payloads.
  /// - Complexity: O(lambdas).
  func extendPowers(_ plan: inout TiltPlan, summary: RowSummary, sets: Int) {
    let most = TiltPlan.largestPowerExponent / (plan.multiple * summary.reach)
    var end = plan.centred
    while unsafe end < plan.count && lambdas[end] <= most { end += 1 }
    // Three passes of powers are two lambdas' work; squares of weights have powers of their own.
    let squareSets = sets > 2 ? 2 : 1
    let passes = sets + (hasWeights && plan.squared ? squareSets : 0)
    guard end - plan.centred > 2 * passes else { return }
    plan.powers = CPUKernels.mostPowers
    plan.centred = end
    plan.topped = max(plan.topped, end)
    plan.blocks = end..<end
    plan.runs = plan.topped..<plan.topped
  }

  /// Chooses the lambdas that blocks serve, so that the row costs least.
  ///
  /// The row is sorted, without importance weights, and `prefix` is set.
  ///
  /// - Parameter sets: rewards, and payloads.
  /// - Complexity: O(lambdas).
  func chooseBlocks(_ plan: inout TiltPlan, summary: RowSummary, sets: Int) {
    guard count >= BlockGrid.fewestSamples, plan.centred < plan.count else { return }
    let grid = BlockGrid(summary: summary, groups: groups)
    let start = unsafe grid.firstServed(lambdas, plan: plan)
    let payload = Double(sets)
    var fromSamples = 0.0
    for index in start..<plan.count {
      // Scratch of the sweep to come.
      unsafe doubled[index] = samplesCost(index, plan, payload)
      unsafe fromSamples += doubled[index]
    }
    var fromBlocks = 0.0
    var best = fromSamples
    var levels = 1.0
    // Eight blocks that hold the row are not merged any more.
    var next =
      unsafe start < plan.count
      ? max(2 * lambdas[start], 12 * BlockGrid.largestStep / grid.range) : 0
    for index in start..<plan.count {
      let lambda = unsafe lambdas[index]
      guard lambda * summary.highest <= BlockGrid.largestExponent else { return }
      if let groups, (index < plan.topped ? plan.multiple * lambda : lambda) > groups.finest {
        return
      }
      // Between two levels a block spans 2.2/lambda.
      let used =
        min(index < plan.topped ? grid.range * lambda : grid.cut, grid.range * lambda) / 2.2
      fromBlocks +=
        TiltCost.blocksLambda
        + TiltCost.blocks * (min(used, Double(grid.size)) / 8 + 0.5) * (0.7 + 0.3 * payload)
      unsafe fromSamples -= doubled[index]
      let finest = min(grid.range * lambda / (2 * BlockGrid.largestStep), Double(grid.size)) + 1
      while lambda >= next {
        levels += 1
        next *= 2
      }
      let setUp =
        payload
        * (Double(count) / 8 * TiltCost.moments + 1.5 * finest * TiltCost.block
          + (finest / 8 + levels) * TiltCost.merge)
      if setUp + fromBlocks + fromSamples < best {
        best = setUp + fromBlocks + fromSamples
        plan.blocks = start..<index + 1
      }
    }
  }

  private func samplesCost(_ index: Int, _ plan: TiltPlan, _ payload: Double) -> Double {
    let vectors = unsafe Double(prefix[index]) / 8 + 0.5
    let cost = TiltCost.samplesLambda + vectors * TiltCost.samples * (0.9 + 0.1 * payload)
    return plan.runs.contains(index) ? TiltCost.runShare * cost : cost
  }

  /// Finds where the lambdas about the maximum are equally spaced to their rounding: x = lambda·d of at most
  /// 700 then is off by 700·2^-52 at most.
  func findRuns(_ plan: inout TiltPlan) {
    let length = CPUKernels.runLength
    // Σ (e^x − 1) of a run is a difference; in longer rows it may be too small for that.
    guard count <= 1 << 16, plan.count - plan.topped >= length else { return }
    let last = plan.count - 1
    let first = plan.topped
    let step = unsafe (lambdas[last] - lambdas[first]) / Double(last - first)
    for index in first...last {
      let exact = unsafe lambdas[first] + step * Double(index - first)
      guard unsafe abs(lambdas[index] - exact) <= 0x1p-52 * lambdas[index] else { return }
    }
    plan.runs = first..<plan.count
  }

  /// Sets `prefix`: how many samples of the row count at each lambda. All do about the mean and in rows that are
  /// not sorted or have weights; else those within cut/lambda of the largest, rounded up to whole vectors.
  ///
  /// - Complexity: O(lambdas + samples/8).
  func findPrefixes(_ plan: TiltPlan, isSorted: Bool) {
    let all = isSorted && !hasWeights ? plan.topped : plan.count
    for index in 0..<all { unsafe prefix[index] = count }
    guard all < plan.count else { return }
    let cut = BlockGrid.cut(sampleCount: count)
    if groups != nil {
      var edge = 0
      for index in stride(from: plan.count - 1, through: all, by: -1) {
        edge = unsafe self.edge(beyond: cut / lambdas[index], from: edge)
        unsafe prefix[index] = samples(aboveEdge: edge)
      }
      return
    }
    var length = 0
    for index in stride(from: plan.count - 1, through: all, by: -1) {
      length = unsafe samples(within: cut / lambdas[index], from: length)
      unsafe prefix[index] = length
    }
  }

  /// How many samples of the sorted or grouped row, from its first on, hold all that lie within a distance of the
  /// largest; whole vectors.
  ///
  /// - Parameter least: a number that is not too many.
  /// - Complexity: O(log of what is more than `least`).
  func samples(within reach: Double, from least: Int) -> Int {
    var length = max(least, min(8, count))
    if groups != nil { return samples(aboveEdge: edge(beyond: reach, from: 0)) }
    let highest = unsafe values[0]
    // Vectors are doubled until one lies beyond, and the last that lies within is found between.
    var step = 8
    while unsafe length < count && highest - values[length] < reach {
      length += step
      step *= 2
    }
    while step > 16 {
      step /= 2
      let before = length - step / 2
      if unsafe before >= count || highest - values[before] >= reach { length = before }
    }
    return min(length, count)
  }
}

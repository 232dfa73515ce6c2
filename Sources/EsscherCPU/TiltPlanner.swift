// SPDX-License-Identifier: Apache-2.0
// Which of a row's lambdas are summed over its samples and which over blocks of them, by what each costs.

internal import EsscherCore

/// How the lambdas of one row are divided: `0 ..< centred` by the row's power moments, `centred ..< topped`
/// about the mean, `topped...` about the maximum; of the last two, `blocks` over blocks of the sorted row and
/// the others over samples.
struct TiltPlan: Equatable {
  var centred: Int
  var topped: Int
  /// Empty where blocks do not pay.
  var blocks: Range<Int>

  /// Divides by form alone.
  init(_ lambdas: [Double], summary: RowSummary) {
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
  }
}

/// Rough costs of one core in cycles. Plans are made by them; what is computed depends on them by rounding only.
enum TiltCost {
  /// Eight samples at one lambda.
  static let samples = 15.0
  /// Eight blocks at one lambda, squares included.
  static let blocks = 55.0
  /// What a lambda costs over blocks beside them.
  static let lambda = 150.0
  /// Moments of eight samples.
  static let moments = 14.0
  /// Edges and totals of a block.
  static let block = 50.0
  /// Eight blocks merged from sixteen.
  static let merge = 170.0
  /// Sorting eight samples.
  static let sort = 100.0

  /// True where sorting a row for its blocks alone costs less than its samples at `lambdaCount` lambdas.
  static func paysSorting(sampleCount: Int, lambdaCount: Int) -> Bool {
    guard sampleCount >= BlockGrid.fewestSamples else { return false }
    let vectors = Double(sampleCount) / 8
    let each = Double(lambdaCount)
    return each * samples * vectors
      > vectors * (sort + moments) + each * (lambda + 4 * blocks) + 64 * block + 24 * merge
  }
}

extension RowWorkspace {
  /// Chooses the lambdas that blocks serve, so that the row costs least.
  ///
  /// The row is sorted, without importance weights, and `prefix` is set.
  ///
  /// - Parameter sets: rewards, and payloads.
  /// - Complexity: O(lambdas).
  func chooseBlocks(_ plan: inout TiltPlan, lambdas: [Double], summary: RowSummary, sets: Int) {
    guard count >= BlockGrid.fewestSamples, plan.centred < lambdas.count else { return }
    let grid = BlockGrid(summary: summary)
    let start = grid.firstServed(lambdas, plan: plan)
    let payload = Double(sets)
    var fromSamples = 0.0
    for index in start..<lambdas.count { fromSamples += samplesCost(index, payload) }
    var fromBlocks = 0.0
    var best = fromSamples
    for index in start..<lambdas.count {
      let lambda = lambdas[index]
      guard lambda * summary.highest <= BlockGrid.largestExponent else { return }
      // Between two levels a block spans 1.1/lambda.
      let used =
        min(index < plan.topped ? grid.range * lambda : grid.cut, grid.range * lambda) / 1.1
      fromBlocks +=
        TiltCost.lambda
        + TiltCost.blocks * (min(used, Double(grid.size)) / 8 + 1) * (1 + payload) / 2
      fromSamples -= samplesCost(index, payload)
      let finest = min(grid.range * lambda / (2 * BlockGrid.largestStep), Double(grid.size)) + 1
      let levels = Double(max(0, (lambda / lambdas[start]).exponent + 1))
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

  private func samplesCost(_ index: Int, _ payload: Double) -> Double {
    (Double(prefix[index]) / 8 + 1) * TiltCost.samples * (0.7 + 0.3 * payload)
  }

  /// Sets `prefix`: how many samples of the row count at each lambda. All do about the mean and in rows that are
  /// not sorted or have weights; else those within cut/lambda of the largest, rounded up to whole vectors.
  ///
  /// - Complexity: O(lambdas + samples/8).
  func findPrefixes(_ plan: TiltPlan, lambdas: [Double], isSorted: Bool) {
    if prefix.count < lambdas.count { prefix = Array(repeating: 0, count: lambdas.count) }
    let all = isSorted && !hasWeights ? plan.topped : lambdas.count
    for index in 0..<all { prefix[index] = count }
    guard all < lambdas.count else { return }
    let cut = BlockGrid.cut(sampleCount: count)
    let highest = unsafe values[0]
    var length = min(8, count)
    for index in stride(from: lambdas.count - 1, through: all, by: -1) {
      let reach = cut / lambdas[index]
      while unsafe length < count && highest - values[length] < reach { length += 8 }
      length = min(length, count)
      prefix[index] = length
    }
  }
}

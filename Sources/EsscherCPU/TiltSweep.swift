// SPDX-License-Identifier: Apache-2.0
// TiltSweep on the CPU: the sums of ``TiltSums`` for a grid of lambda from one pass over a row.
//
// Lambdas are ascending, so the three forms of ``TiltForm`` take three contiguous parts of the grid:
// the smallest from the row's power moments, the middle about the mean, the largest about the maximum.

internal import EsscherCore

extension RowWorkspace {
  /// Evaluates every lambda for the loaded and summarised row.
  ///
  /// - Parameters:
  ///   - lambdas: ascending.
  ///   - ranked: the row is sorted, and mid-ranks are wanted.
  ///   - storage: what the cells hold.
  ///   - write: receives each lambda's index and sums.
  /// - Complexity: O(count + lambdas) where blocks serve, else O(count · lambdas); no allocation a sample.
  func sweep(
    lambdas: [Double], summary: RowSummary, ranked: Bool, storage: CellStorage, kernels: CPUKernels,
    write: (_ index: Int, _ sums: TiltSums) -> Void
  ) {
    guard !lambdas.isEmpty else { return }
    if summary.isConstant {
      var sums = TiltSums()
      sums.squares = squaredMass(kernels)
      for index in lambdas.indices { write(index, sums) }
      return
    }
    var plan = TiltPlan(lambdas, summary: summary)
    let isSorted =
      ranked || !hasWeights && sortForBlocks(lambdas.count - plan.centred, storage)
    findPrefixes(plan, lambdas: lambdas, isSorted: isSorted)
    let withGold = ranked && hasGold
    if isSorted && !hasWeights {
      chooseBlocks(
        &plan, lambdas: lambdas, summary: summary, sets: withGold ? 3 : ranked ? 2 : 1)
    }
    unsafe sums.update(repeating: 0, count: lambdas.count * CPUKernels.tiltStride)
    overTop(lambdas, plan, summary, ranked: ranked, kernels: kernels)
    if plan.topped > 0 || !plan.blocks.isEmpty {
      unsafe kernels.shift(values, count, summary.centre, summary.correction, shifted)
      for index in count..<count + Self.padding { unsafe shifted[index] = -.infinity }
      if plan.centred > 0 {
        let moments = powerMoments(summary, ranked: ranked, kernels: kernels)
        for index in 0..<plan.centred { write(index, moments.sums(lambda: lambdas[index])) }
      }
      for index in plan.centred..<plan.topped where !plan.blocks.contains(index) {
        direct(lambdas[index], record: index, count: count, ranked: ranked, kernels: kernels)
      }
      if !plan.blocks.isEmpty {
        blockSweep(lambdas, plan: plan, summary: summary, ranked: ranked, kernels: kernels)
      }
    }
    for index in plan.centred..<lambdas.count {
      write(index, tiltSums(record: index, shift: index < plan.topped ? 0 : summary.highest))
    }
  }

  /// Σ q².
  private func squaredMass(_ kernels: CPUKernels) -> Double {
    hasWeights ? unsafe kernels.dot(weights, weights, count) : 1 / Double(count)
  }

  /// Sums about the maximum of the lambdas that no blocks serve, over the samples that count; and squares of those
  /// served whose doubles are not.
  private func overTop(
    _ lambdas: [Double], _ plan: TiltPlan, _ summary: RowSummary, ranked: Bool,
    kernels: CPUKernels
  ) {
    let finest = finestLambda(lambdas, plan: plan)
    // The smallest lambda has the most samples.
    let squares = plan.blocks.filter { $0 >= plan.topped && 2 * lambdas[$0] > finest }
    let cut = BlockGrid.cut(sampleCount: count)
    let full = (plan.topped..<lambdas.count).filter { !plan.blocks.contains($0) }
    var longest = full.map { prefix[$0] }.max() ?? 0
    var lengths: [Int] = []
    for index in squares {
      let reach = cut / (2 * lambdas[index])
      var length = min(8, count)
      while unsafe length < count && values[0] - values[length] < reach { length += 8 }
      lengths.append(min(length, count))
      longest = max(longest, min(length, count))
    }
    guard longest > 0 else { return }
    // r − max r is exact where it matters, near the top; d − max d would round twice.
    unsafe kernels.shift(values, longest, summary.maximum, 0, shifted)
    for index in full {
      direct(
        lambdas[index], record: index, count: prefix[index], ranked: ranked, kernels: kernels)
    }
    for (index, length) in zip(squares, lengths) {
      unsafe small.update(repeating: 0, count: CPUKernels.tiltStride)
      unsafe direct(
        2 * lambdas[index], to: small, count: length, ranked: ranked, kernels: kernels)
      let record = unsafe sums + index * CPUKernels.tiltStride
      unsafe record[4] = small[0]
      unsafe record[7] = small[2]
      unsafe record[8] = small[6]
    }
  }

  /// Adds the sums of the first `length` of `shifted` to a lambda's record, segment by segment; the other samples
  /// have e^x − 1 = −1.
  private func direct(
    _ lambda: Double, record index: Int, count length: Int, ranked: Bool, kernels: CPUKernels
  ) {
    let record = unsafe sums + index * CPUKernels.tiltStride
    unsafe direct(lambda, to: record, count: length, ranked: ranked, kernels: kernels)
    if length < count { unsafe record[1] -= Double(count - length) }
  }

  private func direct(
    _ lambda: Double, to record: UnsafeMutablePointer<Double>, count length: Int, ranked: Bool,
    kernels: CPUKernels
  ) {
    var grid = lambda
    for start in stride(from: 0, to: length, by: CPUKernels.segment) {
      unsafe kernels.tiltSweep(
        shifted + start, ranked ? rank + start : nil, ranked && hasGold ? gold + start : nil,
        kernelWeights.map { unsafe $0 + start }, min(CPUKernels.segment, length - start), &grid, 1,
        record)
    }
  }

  private func tiltSums(record index: Int, shift: Double) -> TiltSums {
    let record = unsafe sums + index * CPUKernels.tiltStride
    let mass = mass
    var result = TiltSums()
    result.shift = shift
    unsafe result.exp = record[0] / mass
    unsafe result.expMinusOne = record[1] / mass
    unsafe result.first = record[2] / mass
    unsafe result.second = record[3] / mass
    unsafe result.squares = record[4] / (mass * mass)
    unsafe result.rank = record[5] / mass
    unsafe result.gold = record[6] / mass
    unsafe result.squaresFirst = record[7] / (mass * mass)
    unsafe result.squaresGold = record[8] / (mass * mass)
    unsafe result.goldFirst = record[9] / mass
    return result
  }

  /// Sorts a row that nobody asked to have sorted, where the blocks then save more.
  ///
  /// - Returns: whether it is sorted now.
  private func sortForBlocks(_ lambdaCount: Int, _ storage: CellStorage) -> Bool {
    guard TiltCost.paysSorting(sampleCount: count, lambdaCount: lambdaCount) else { return false }
    sort(storage: storage, payload: false)
    return true
  }

  private func powerMoments(
    _ summary: RowSummary, ranked: Bool, kernels: CPUKernels
  ) -> PowerMoments {
    let scale = summary.reach
    let powers = CPUKernels.powerCount
    unsafe small.update(repeating: 0, count: 3 * powers)
    for start in stride(from: 0, to: count, by: CPUKernels.segment) {
      unsafe kernels.powerMoments(
        shifted + start, 1 / scale, ranked ? rank + start : nil,
        ranked && hasGold ? gold + start : nil, kernelWeights.map { unsafe $0 + start },
        min(CPUKernels.segment, count - start), small)
    }
    let mass = mass
    let plain = (0..<powers).map { unsafe small[$0] / mass }
    let ranks = (0..<powers).map { unsafe small[powers + $0] / mass }
    let golds = (0..<powers).map { unsafe small[2 * powers + $0] / mass }
    var squared = [squaredMass(kernels)]
    var squaredGold = [0.0]
    if hasWeights {
      let payload = ranked && hasGold
      for index in 0..<count { unsafe squaredWeights[index] = weights[index] * weights[index] }
      unsafe small.update(repeating: 0, count: 3 * powers)
      for start in stride(from: 0, to: count, by: CPUKernels.segment) {
        unsafe kernels.powerMoments(
          shifted + start, 1 / scale, nil, payload ? gold + start : nil, squaredWeights + start,
          min(CPUKernels.segment, count - start), small)
      }
      squaredGold[0] = payload ? unsafe kernels.dot(squaredWeights, gold, count) : 0
      for power in 0..<powers {
        unsafe squared.append(small[power])
        unsafe squaredGold.append(small[2 * powers + power])
      }
    } else {
      for power in plain { squared.append(power / mass) }
      for power in golds { squaredGold.append(power / mass) }
    }
    return PowerMoments(
      scale: scale, plain: plain, rank: ranks, gold: golds, squared: squared,
      squaredGold: squaredGold)
  }
}

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
  ///   - squared: sums of squared weights are wanted.
  ///   - storage: what the cells hold.
  ///   - tables: of the lambdas, for a row that shares Chebyshev moments among them.
  ///   - output: one for each lambda; they hold nothing yet.
  /// - Returns: how many lambdas each method served.
  /// - Complexity: O(count + lambdas) where blocks serve, else O(count · lambdas); no allocation a sample.
  func sweep(
    lambdas: [Double], summary: RowSummary, ranked: Bool, squared: Bool, storage: CellStorage,
    tables: ChebyshevTables? = nil, kernels: CPUKernels, to output: UnsafeMutablePointer<TiltSums>
  ) -> TiltMethods {
    guard !lambdas.isEmpty else { return TiltMethods() }
    if summary.isConstant {
      var sums = TiltSums()
      if squared { sums.squares = squaredMass(kernels) } else { sums.dropSquares() }
      unsafe output.initialize(repeating: sums, count: lambdas.count)
      return TiltMethods()
    }
    unsafe lambdas.withUnsafeBufferPointer { given in
      if let start = given.baseAddress {
        unsafe self.lambdas.update(from: start, count: given.count)
      }
    }
    if let tables {
      return unsafe chebyshevSweep(tables, summary: summary, kernels: kernels, to: output)
    }
    var plan = TiltPlan(lambdas, summary: summary, squared: squared)
    let sets = ranked ? (hasGold ? 3 : 2) : 1
    let isSorted = ranked || sortedSum != nil || sortForBlocks(plan.count - plan.centred, storage)
    let isPlain = sets == 1 && !squared && !hasWeights
    let mostExtended = isPlain ? TiltCost.mostPlainPowers : TiltCost.mostPowers
    if !isSorted || hasWeights || count <= mostExtended {
      extendPowers(&plan, summary: summary, sets: sets)
    }
    findPrefixes(plan, isSorted: isSorted)
    if !hasWeights && !(ranked && hasGold) { findRuns(&plan) }
    if isSorted && !hasWeights {
      chooseBlocks(&plan, summary: summary, sets: sets)
    }
    // Samples add to their records; all others are written.
    let (below, above) = plan.centredSamples
    clearRecords(below)
    clearRecords(above)
    clearRecords(plan.toppedSamples)
    overTop(plan, summary, ranked: ranked, kernels: kernels)
    if plan.topped > 0 || !plan.blocks.isEmpty {
      let takesPowers = plan.takesPowers(summary)
      // Blocks of grouped rows take the samples as they are.
      if groups == nil || plan.centred > 0 && !takesPowers
        || !below.isEmpty || !above.isEmpty
      {
        writeValues(upTo: count)
        unsafe kernels.shift(values, count, summary.centre, summary.correction, shifted)
        for index in count..<count + Self.padding { unsafe shifted[index] = -.infinity }
      }
      if plan.centred > 0 && !takesPowers { addPowers(plan, summary, sets: sets, kernels: kernels) }
      overCentred(below, ranked: ranked, kernels: kernels)
      overCentred(above, ranked: ranked, kernels: kernels)
      if !plan.blocks.isEmpty {
        blockSweep(
          plan, summary: summary, ranked: ranked, takesPowers: takesPowers, kernels: kernels)
      }
      if plan.centred > 0 {
        unsafe kernels.powerSums(
          small, plan.powers, sets, squared, summary.reach, self.lambdas, plan.centred, inverses,
          sums)
      }
    }
    let inverse = 1 / mass
    for index in lambdas.indices {
      let shift = index < plan.topped ? 0 : summary.highest
      unsafe writeSums(
        record: index, shift: shift, inverse: inverse, squared: squared, to: output + index)
    }
    return plan.methods
  }

  func clearRecords(_ part: Range<Int>) {
    unsafe (sums + part.lowerBound * CPUKernels.tiltStride).update(
      repeating: 0, count: part.count * CPUKernels.tiltStride)
  }

  /// Sums about the mean of some lambdas over all samples.
  private func overCentred(_ part: Range<Int>, ranked: Bool, kernels: CPUKernels) {
    guard !part.isEmpty else { return }
    unsafe overSamples(
      lambdas: lambdas + part.lowerBound, part.count, prefix + part.lowerBound, longest: count,
      ranked: ranked, kernels: kernels, to: sums + part.lowerBound * CPUKernels.tiltStride)
  }

  /// Σ q².
  private func squaredMass(_ kernels: CPUKernels) -> Double {
    hasWeights ? unsafe kernels.dot(weights, weights, count) : 1 / Double(count)
  }

  /// Sums about the maximum of the lambdas that no blocks serve, over the samples that count; and squares of those
  /// served whose doubles are not.
  private func overTop(
    _ plan: TiltPlan, _ summary: RowSummary, ranked: Bool, kernels: CPUKernels
  ) {
    let part = plan.toppedSamples
    let squares = max(plan.topped, firstUnsquared(plan))..<max(plan.topped, plan.blocks.upperBound)
    let cut = BlockGrid.cut(sampleCount: count)
    var longest = part.isEmpty ? 0 : unsafe prefix[part.lowerBound]
    var length = 0
    for index in squares.reversed() {
      let place = index - squares.lowerBound
      unsafe doubled[place] = 2 * lambdas[index]
      length = unsafe samples(within: cut / doubled[place], from: length)
      unsafe doubledPrefix[place] = length
    }
    longest = max(longest, length)
    guard longest > 0 else { return }
    writeValues(upTo: longest)
    // r − max r is exact where it matters, near the top; d − max d would round twice.
    unsafe kernels.shift(values, longest, summary.maximum, 0, shifted)
    if !part.isEmpty {
      overRuns(part, plan, ranked: ranked, kernels: kernels)
    }
    guard !squares.isEmpty else { return }
    unsafe found.update(repeating: 0, count: squares.count * CPUKernels.tiltStride)
    unsafe overSamples(
      lambdas: doubled, squares.count, doubledPrefix, longest: length, ranked: ranked,
      kernels: kernels, to: found)
    for index in squares {
      let record = unsafe sums + index * CPUKernels.tiltStride
      let values = unsafe found + (index - squares.lowerBound) * CPUKernels.tiltStride
      unsafe record[4] = values[0]
      unsafe record[7] = values[2]
      unsafe record[8] = values[6]
    }
  }

  /// Lambdas about the maximum over samples: eight at a time where they are equally spaced.
  private func overRuns(_ part: Range<Int>, _ plan: TiltPlan, ranked: Bool, kernels: CPUKernels) {
    var index = part.lowerBound
    while index < part.upperBound {
      let end = min(index + CPUKernels.runLength, part.upperBound)
      let record = unsafe sums + index * CPUKernels.tiltStride
      if plan.runs.contains(index), end - index == CPUKernels.runLength {
        // The smallest lambda has the most samples.
        let length = unsafe prefix[index]
        let step = unsafe (lambdas[end - 1] - lambdas[index]) / Double(CPUKernels.runLength - 1)
        for start in stride(from: 0, to: length, by: CPUKernels.runSamples) {
          unsafe kernels.tiltRun(
            shifted + start, ranked ? rank + start : nil,
            min(CPUKernels.runSamples, length - start), lambdas[index], step, runScratch, record)
        }
        for other in index..<end { unsafe prefix[other] = length }
      } else {
        unsafe overSamples(
          lambdas: lambdas + index, end - index, prefix + index, longest: prefix[index],
          ranked: ranked, kernels: kernels, to: record)
      }
      index = end
    }
    // The samples left out have e^x − 1 = −1.
    for index in part {
      unsafe sums[index * CPUKernels.tiltStride + 1] -= Double(count - prefix[index])
    }
  }

  /// Adds the sums of the first samples of `shifted` to the records of some lambdas, segment by segment.
  private func overSamples(
    lambdas: UnsafePointer<Double>, _ lambdaCount: Int, _ lengths: UnsafePointer<Int>, longest: Int,
    ranked: Bool, kernels: CPUKernels, to records: UnsafeMutablePointer<Double>
  ) {
    for start in stride(from: 0, to: longest, by: CPUKernels.segment) {
      unsafe kernels.tiltSweep(
        shifted + start, ranked ? rank + start : nil, ranked && hasGold ? gold + start : nil,
        kernelWeights.map { unsafe $0 + start }, CPUKernels.segment, lambdas, lambdaCount, lengths,
        start, records)
    }
  }

  /// The means of a record; `inverse` is 1/mass.
  func writeSums(
    record index: Int, shift: Double, inverse: Double, squared: Bool,
    to output: UnsafeMutablePointer<TiltSums>
  ) {
    let record = unsafe sums + index * CPUKernels.tiltStride
    var means = TiltSums()
    means.shift = shift
    // Divided, not multiplied as the others: exactly 1, and a whole effective size, at lambda = 0.
    unsafe means.exp = record[0] / mass
    unsafe means.expMinusOne = record[1] * inverse
    unsafe means.first = record[2] * inverse
    unsafe means.second = record[3] * inverse
    unsafe means.rank = record[5] * inverse
    unsafe means.gold = record[6] * inverse
    unsafe means.goldFirst = record[9] * inverse
    if squared {
      let square = inverse * inverse
      unsafe means.squares = record[4] / (mass * mass)
      unsafe means.squaresFirst = record[7] * square
      unsafe means.squaresGold = record[8] * square
    } else {
      means.dropSquares()
    }
    unsafe output.initialize(to: means)
  }

  /// Sorts a row that nobody asked to have sorted, where the blocks then save more.
  ///
  /// - Returns: whether it is sorted now.
  private func sortForBlocks(_ lambdaCount: Int, _ storage: CellStorage) -> Bool {
    guard !hasWeights,
      TiltCost.paysOrder(sampleCount: count, lambdaCount: lambdaCount, storage: storage)
    else { return false }
    sortRewards(storage: storage)
    return true
  }

  /// Takes the row's power moments from its samples.
  private func addPowers(_ plan: TiltPlan, _ summary: RowSummary, sets: Int, kernels: CPUKernels) {
    let scale = summary.reach
    let row = CPUKernels.powerRow
    unsafe small.update(repeating: 0, count: 5 * row)
    let ranks = sets > 1 ? unsafe rank : nil
    let golds = sets > 2 ? unsafe gold : nil
    unsafe small[0] = mass
    unsafe addPowers(plan.powers, 1 / scale, ranks, golds, kernelWeights, kernels, to: small)
    guard plan.squared else { return }
    guard hasWeights else { return squarePowers(sets: sets) }
    let squares = unsafe small + 3 * row
    for index in 0..<count { unsafe squaredWeights[index] = weights[index] * weights[index] }
    unsafe squares[0] = kernels.dot(weights, weights, count)
    if let golds = unsafe golds {
      unsafe squares[row] = kernels.dot(squaredWeights, golds, count)
    }
    // Ranks have no squares: gold takes their place.
    unsafe addPowers(
      plan.powers, 1 / scale, golds, nil, squaredWeights, kernels, to: squares)
  }

  /// The moments with squared weights of a row whose samples weigh the same.
  func squarePowers(sets: Int) {
    let row = CPUKernels.powerRow
    let squares = unsafe small + 3 * row
    unsafe squares.update(from: small, count: row)
    if sets > 2 { unsafe (squares + row).update(from: small + 2 * row, count: row) }
  }

  /// Adds the power moments from the first on of the row and its payloads, one behind the other with room for the
  /// zeroth.
  private func addPowers(
    _ powers: Int, _ inverse: Double, _ first: UnsafePointer<Double>?,
    _ second: UnsafePointer<Double>?,
    _ weights: UnsafePointer<Double>?, _ kernels: CPUKernels,
    to moments: UnsafeMutablePointer<Double>
  ) {
    for start in stride(from: 0, to: count, by: CPUKernels.segment) {
      unsafe kernels.powerMoments(
        shifted + start, inverse, first.map { unsafe $0 + start }, second.map { unsafe $0 + start },
        weights.map { unsafe $0 + start }, min(CPUKernels.segment, count - start), powers,
        runScratch, moments)
    }
  }
}

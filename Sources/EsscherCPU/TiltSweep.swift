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
  ///   - ranked: the row is sorted and mid-ranks are wanted.
  ///   - write: receives each lambda's index and sums.
  /// - Complexity: O(count · lambdas beyond the moments form), no allocation a sample.
  func sweep(
    lambdas: [Double], summary: RowSummary, ranked: Bool, kernels: CPUKernels,
    write: (_ index: Int, _ sums: TiltSums) -> Void
  ) {
    guard !lambdas.isEmpty else { return }
    if summary.isConstant {
      var sums = TiltSums()
      sums.squares = squaredMass(kernels)
      for index in lambdas.indices { write(index, sums) }
      return
    }
    let forms = lambdas.map { TiltForm(lambda: $0, summary: summary) }
    let centredStart = forms.firstIndex { $0 != .moments } ?? lambdas.count
    let toppedStart = forms.firstIndex { $0 == .topped } ?? lambdas.count
    unsafe kernels.shift(values, count, summary.centre, summary.correction, shifted)
    if centredStart > 0 {
      let moments = powerMoments(summary, ranked: ranked, kernels: kernels)
      for index in 0..<centredStart { write(index, moments.sums(lambda: lambdas[index])) }
    }
    direct(
      lambdas, centredStart..<toppedStart, shift: 0, ranked: ranked, kernels: kernels, write: write)
    if toppedStart < lambdas.count {
      // r − max r is exact where it matters, near the top; d − max d would round twice.
      unsafe kernels.shift(values, count, summary.maximum, 0, shifted)
      direct(
        lambdas, toppedStart..<lambdas.count, shift: summary.highest, ranked: ranked,
        kernels: kernels, write: write)
    }
  }

  /// Σ q².
  private func squaredMass(_ kernels: CPUKernels) -> Double {
    hasWeights ? unsafe kernels.dot(weights, weights, count) : 1 / Double(count)
  }

  /// Sums of `lambdas[part]` over `shifted`, segment by segment.
  private func direct(
    _ lambdas: [Double], _ part: Range<Int>, shift: Double, ranked: Bool, kernels: CPUKernels,
    write: (_ index: Int, _ sums: TiltSums) -> Void
  ) {
    guard !part.isEmpty else { return }
    unsafe sums.update(repeating: 0, count: part.count * CPUKernels.tiltStride)
    unsafe lambdas.withUnsafeBufferPointer { grid in
      guard let base = grid.baseAddress else { return }
      for start in stride(from: 0, to: count, by: CPUKernels.segment) {
        unsafe kernels.tiltSweep(
          shifted + start, ranked ? rank + start : nil, ranked && hasGold ? gold + start : nil,
          kernelWeights.map { unsafe $0 + start }, min(CPUKernels.segment, count - start),
          base + part.lowerBound, part.count, sums)
      }
    }
    let mass = mass
    for offset in 0..<part.count {
      let record = unsafe sums + offset * CPUKernels.tiltStride
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
      write(part.lowerBound + offset, result)
    }
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

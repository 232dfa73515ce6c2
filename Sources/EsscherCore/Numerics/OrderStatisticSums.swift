// SPDX-License-Identifier: Apache-2.0
// The two sums over all weights of a law. Long rows have millions of weights, and a logarithm each would cost more
// than the weights.

extension OrderStatisticWeights {
  /// Weights that are added before the compensated sum takes them: 64 a lane, 71 roundings of positive addends.
  private static var stretch: Int { 512 }

  /// Σ u².
  ///
  /// - Precision: relative error below 8e-15.
  static func squares(_ weights: [Double]) -> Double {
    var sum = CompensatedSum()
    unsafe weights.withUnsafeBufferPointer { weights in
      for start in Swift.stride(from: 0, to: weights.count, by: stretch) {
        let end = min(start + stretch, weights.count)
        let whole = start + (end - start) / 8 * 8
        var lanes = SIMD8<Double>(repeating: 0)
        for index in Swift.stride(from: start, to: whole, by: 8) {
          let u = unsafe eight(weights, index)
          lanes += u * u
        }
        for index in whole..<end { unsafe lanes[index - whole] += weights[index] * weights[index] }
        sum.add(lanes.sum())
      }
    }
    return sum.value
  }

  /// Σ v log(M v), weights that never rise.
  ///
  /// Eight neighbours v within 1/64 of one of them, c, have log(M c) + log(1 + y), y = v/c − 1; the series' next
  /// term, y⁹/9, is below 7e-18.
  ///
  /// - Precision: absolute error below 2^-45 of Σ v (1 + |log(M v)|), of the weights as given.
  static func divergence(_ weights: [Double], _ sampleCount: Int) -> Double {
    var sum = CompensatedSum()
    unsafe weights.withUnsafeBufferPointer { weights in
      let whole = weights.count / 8 * 8
      for index in Swift.stride(from: 0, to: whole, by: 8) {
        let v = unsafe eight(weights, index)
        let middle = v[3]
        let ratio = v / middle - 1
        // Not where the weights are 0 and the ratio no number.
        guard ratio[0] < 0x1p-6 && ratio[7] > -0x1p-6 else {
          for lane in 0..<8 { sum.add(divergenceTerm(v[lane], sampleCount)) }
          continue
        }
        var tail = ratio * (-1.0 / 8) + 1.0 / 7
        tail = tail * ratio - 1.0 / 6
        tail = tail * ratio + 1.0 / 5
        tail = tail * ratio - 1.0 / 4
        tail = tail * ratio + 1.0 / 3
        tail = tail * ratio - 1.0 / 2
        tail = tail * ratio + 1
        let level = Elementary.log(middle * Double(sampleCount))
        sum.add((v * (tail * ratio + level)).sum())
      }
      for index in whole..<weights.count {
        unsafe sum.add(divergenceTerm(weights[index], sampleCount))
      }
    }
    return sum.value
  }

  @inline(__always)
  private static func eight(_ values: UnsafeBufferPointer<Double>, _ index: Int) -> SIMD8<Double> {
    unsafe SIMD8(
      values[index], values[index + 1], values[index + 2], values[index + 3], values[index + 4],
      values[index + 5], values[index + 6], values[index + 7])
  }
}

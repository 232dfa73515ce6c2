// SPDX-License-Identifier: Apache-2.0

extension EnsembleAggregator {
  /// One reward for every sample of a segment, the same numbers as ``value(of:)`` gives.
  ///
  /// Mean and minimum go member by member, which the compiler turns into vector code.
  ///
  /// - Parameters:
  ///   - segment: the scores.
  ///   - count: R, the number of members.
  ///   - target: takes a reward a sample.
  ///   - scratch: room for R numbers.
  package func aggregate(
    _ segment: MemberCells.Segment, count: Int, to target: UnsafeMutablePointer<Double>,
    scratch: UnsafeMutablePointer<Double>
  ) {
    let samples = segment.columns.count
    switch self {
    case .mean:
      for index in 0..<samples { unsafe target[index] = segment.cells[index] }
      for member in 1..<count {
        let scores = unsafe segment.cells + member * segment.stride
        for index in 0..<samples { unsafe target[index] += scores[index] }
      }
      for index in 0..<samples { unsafe target[index] /= Double(count) }
    case .minimum:
      for index in 0..<samples { unsafe target[index] = segment.cells[index] }
      for member in 1..<count {
        let scores = unsafe segment.cells + member * segment.stride
        for index in 0..<samples {
          let (score, lowest) = unsafe (scores[index], target[index])
          unsafe target[index] = score < lowest || score.isNaN ? score : lowest
        }
      }
    case .median, .uncertaintyWeighted, .entropic:
      for index in 0..<samples {
        for member in 0..<count { unsafe scratch[member] = segment.score(member, index) }
        unsafe target[index] = value(scrambling: scratch, count: count)
      }
    }
  }
}

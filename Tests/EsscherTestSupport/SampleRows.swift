// SPDX-License-Identifier: Apache-2.0
// Rows of made-up rewards from a printed seed.

internal import Glibc

/// A small generator of its own (SplitMix64), so that tests do not draw from what they test.
package struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Inside (0, 1).
  package mutating func uniform() -> Double { (Double(next() >> 11) + 0.5) * 0x1p-53 }

  package mutating func normal() -> Double {
    (-2 * log(uniform())).squareRoot() * cos(2 * .pi * uniform())
  }
}

/// Shapes of reward rows that estimators must survive.
package enum RowShape: String, CaseIterable, Sendable {
  case normal, exponential, heavy, integers, twoValued, constant, pairs, outlier, lowOutlier, offset

  /// A row of `count` rewards.
  package func row(_ count: Int, _ random: inout SeededGenerator) -> [Double] {
    switch self {
    case .normal: (0..<count).map { _ in random.normal() }
    case .exponential: (0..<count).map { _ in -log(random.uniform()) }
    case .heavy: (0..<count).map { _ in tan(.pi * (random.uniform() - 0.5)) }
    case .integers: (0..<count).map { _ in (3 * random.normal()).rounded() }
    case .twoValued: (0..<count).map { _ in random.uniform() < 0.3 ? 1 : 0 }
    case .constant: [Double](repeating: 2.5, count: count)
    case .pairs: (0..<count).map { Double($0 / 2) * 0.37 }.shuffled(using: &random)
    case .outlier: (0..<count).map { $0 == count / 2 ? 1000 : random.normal() }
    case .lowOutlier:
      (0..<count).map { $0 == count / 2 ? -1000 : 1 - 1e-3 * random.uniform() }
    case .offset: (0..<count).map { _ in 1e6 + random.normal() }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// What Tests/Oracle/make_selections.py wrote; numbers are decimal strings.

/// Relatives of best-of-n and what goes with them, at 60 digits.
package struct SelectionFixture: Decodable, Sendable {
  /// One law on one row; absent numbers are infinite.
  package struct Law: Decodable, Sendable {
    package let row: String
    package let curve: String
    package let n: Int
    package let gain, gold, vGain, vKl, kl, win, ess: String
    package let reverse: String?
  }
  /// d_n.
  package struct Divergence: Decodable, Sendable {
    package let n: Int
    package let logMass: Double
    package let value: String
  }
  /// The largest win rate at a KL, less ½.
  package struct Limit: Decodable, Sendable {
    package let kl: Double
    package let gain: String
  }
  /// e^{−x} Ei(x).
  package struct Integral: Decodable, Sendable {
    package let x: Double
    package let value: String
  }
  /// Gold of best of Poisson where gold is u^12 (1 − u), scaled to a peak of 1.
  package struct Toy: Decodable, Sendable {
    package let n: Int
    package let gold: String
  }

  package let rows: [String: [Double]]
  package let gold: [Double]
  package let laws: [Law]
  package let divergence: [Divergence]
  package let winRateLimit: [Limit]
  package let exponentialIntegral: [Integral]
  package let toy: [Toy]

  package static func load() throws -> SelectionFixture { try Fixture.decode("selections") }
}

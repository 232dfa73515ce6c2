// SPDX-License-Identifier: Apache-2.0
// What Tests/Oracle/make_long_rows.py wrote; numbers are decimal strings.

package import EsscherCore

/// Best of n where samples are many more than n, at 60 digits.
package struct LongRowsFixture: Decodable, Sendable {
  /// The weights of one sample, counted from the largest.
  package struct Weight: Decodable, Sendable {
    package let samples, n, index: Int
    package let unbiased, replacement: String
  }
  /// Equal samples at ranks first..<first + size, and every `step` below while above `last`.
  package struct Run: Decodable, Sendable {
    package let first, last, step, size: Int
  }
  /// One row under one n.
  package struct Law: Decodable, Sendable {
    package let row: String
    package let n: Int
    package let kl, reverse, win, ess, vKl: String
  }

  package let weights: [Weight]
  package let samples: Int
  package let rows: [String: [Run]]
  package let laws: [Law]

  package static func load() throws -> LongRowsFixture { try Fixture.decode("long-rows") }

  /// The tie groups of a row, the largest first.
  package func ties(_ row: String) -> [TieGroup] {
    (rows[row] ?? []).flatMap { run in
      stride(from: run.first, to: run.last, by: -run.step).map {
        TieGroup(below: $0, upTo: $0 + run.size)
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Answers that are known in closed form, as Tests/Oracle wrote them; numbers are decimal strings.

/// Closed-form answers.
package struct ClosedForms: Decodable, Sendable {
  /// 1 − Π_{j=m−c+1..m}(1 − n/j).
  package struct PassAtN: Decodable, Sendable {
    package let m: Int
    package let c: Int
    package let n: Int
    package let pass: String
  }

  /// The tilt of a law at one lambda.
  package struct Tilt: Decodable, Sendable {
    package let law: String
    package let parameters: [String]
    package let lambda: String
    package let mean: String
    package let gain: String
    package let variance: String
    package let kl: String
    package let reverseKl: String
    package let jeffreys: String
  }

  /// Best of n by curve.
  package struct BestOfN: Decodable, Sendable {
    /// E max of n standard normal samples.
    package struct NormalMean: Decodable, Sendable {
      package let n: Int
      package let mean: String
    }
    /// A continuous law, whichever it is.
    package struct Continuous: Decodable, Sendable {
      package let n: Int
      package let kl: String
      package let reverseKl: String
      package let winRate: String
    }
    /// k equally likely letters.
    package struct Alphabet: Decodable, Sendable {
      package let k: Int
      package let n: Int
      package let kl: String
      package let bound: String
    }
    /// A fair coin.
    package struct Binary: Decodable, Sendable {
      package let n: Int
      package let kl: String
    }
    package let normalMeanOfMaximum: [NormalMean]
    package let continuousLaw: [Continuous]
    package let uniformAlphabet: [Alphabet]
    package let binaryUniformKl: [Binary]
  }

  package let passAtN: [PassAtN]
  package let tilt: [Tilt]
  package let bestOfN: BestOfN

  package static func load() throws -> ClosedForms { try Fixture.decode("closed") }
}

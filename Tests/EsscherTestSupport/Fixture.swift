// SPDX-License-Identifier: Apache-2.0
// Reads what Tests/Oracle wrote: inputs as stored and every output cell to 20 digits.

package import EsscherCore
internal import FoundationEssentials

/// A matrix and the oracle's answers for it.
package struct Fixture: Decodable, Sendable {
  /// One line of the oracle; numbers are decimal strings, absent ones null.
  package struct Line: Decodable, Sendable {
    package let lambda: String?
    package let budget: String?
    package let n: Int?
    package let kl: String?
    package let reverseKl: String?
    package let jeffreys: String?
    package let reward: String?
    package let gain: String?
    package let gold: String?
    package let winRate: String?
    package let efficiency: String?
    package let klBound: String?
    package let klCeiling: String?
    package let essPerPrompt: [String]?
  }

  package let name: String
  package let dtype: String
  package let rows: [[Double]]
  package let gold: [[Double]]?
  package let logWeights: [[Double]]?
  package let tilt: [Line]
  package let budget: [Line]
  package let bestOfN: [Line]

  /// The fixture as a table the engine reads.
  package var table: RewardTable {
    RewardTable(
      label: name,
      rewards: .cells(
        MemorySource(name: name, rows: rows, storage: dtype == "f4" ? .float32 : .float64)),
      gold: gold.map { MemorySource(name: name + ".gold", rows: $0) },
      logWeights: logWeights.map { MemorySource(name: name + ".weights", rows: $0) })
  }

  /// The request whose points the oracle has answered.
  package var request: FrontierRequest {
    FrontierRequest(
      lambdas: tilt.compactMap { $0.lambda.flatMap(Double.init) },
      klBudgets: budget.compactMap { $0.budget.flatMap(Double.init) },
      bestOf: bestOfN.isEmpty ? [1] : bestOfN.compactMap(\.n), resamples: 0)
  }

  /// Every fixture but the closed forms.
  package static let names = [
    "alphabet-10-by-2", "alphabet-10-by-3", "constant-all", "constant-mixed", "exponential",
    "five-sample", "gold-ties", "normal-f4", "normal-f4-offset", "normal-f8", "normal-f8-offset",
    "one-sample", "outlier-high", "outlier-low", "pairs", "ragged", "scale-huge", "scale-tiny",
    "ties-mixed", "two-valued", "two-valued-lone", "weighted",
  ]

  package static func load(_ name: String) throws -> Fixture { try decode(name) }

  /// Folder of the fixtures, found from this file's place in the tree.
  package static func decode<Value: Decodable>(_ name: String, file: String = #filePath) throws
    -> Value
  {
    let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
      .joined(separator: "/")
    let data = try Data(
      contentsOf: URL(filePath: "\(folder)/Oracle/fixtures/\(name).json"))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Value.self, from: data)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Reads what Tests/Oracle wrote: inputs as stored and every output cell to 20 digits.

public import EsscherCore
internal import FoundationEssentials

/// A matrix and the oracle's answers for it.
public struct Fixture: Decodable, Sendable {
  /// One line of the oracle; numbers are decimal strings, absent ones null.
  public struct Line: Decodable, Sendable {
    public let lambda: String?
    public let budget: String?
    public let n: Int?
    public let kl: String?
    public let reverseKl: String?
    public let jeffreys: String?
    public let reward: String?
    public let gain: String?
    public let gold: String?
    public let winRate: String?
    public let efficiency: String?
    public let klBound: String?
    public let klCeiling: String?
    public let essPerPrompt: [String]?
  }

  public let name: String
  public let dtype: String
  public let rows: [[Double]]
  public let gold: [[Double]]?
  public let logWeights: [[Double]]?
  public let tilt: [Line]
  public let budget: [Line]
  public let bestOfN: [Line]

  /// The fixture as a table the engine reads.
  public var table: RewardTable {
    RewardTable(
      label: name,
      rewards: .cells(
        MemorySource(name: name, rows: rows, storage: dtype == "f4" ? .float32 : .float64)),
      gold: gold.map { MemorySource(name: name + ".gold", rows: $0) },
      logWeights: logWeights.map { MemorySource(name: name + ".weights", rows: $0) })
  }

  /// The request whose points the oracle has answered.
  public var request: FrontierRequest {
    FrontierRequest(
      lambdas: tilt.compactMap { $0.lambda.flatMap(Double.init) },
      klBudgets: budget.compactMap { $0.budget.flatMap(Double.init) },
      bestOf: bestOfN.isEmpty ? [1] : bestOfN.compactMap(\.n), resamples: 0)
  }

  /// Every fixture but the closed forms.
  public static let names = [
    "alphabet-10-by-2", "alphabet-10-by-3", "constant-all", "constant-mixed", "exponential",
    "five-sample", "gold-ties", "normal-f4", "normal-f4-offset", "normal-f8", "normal-f8-offset",
    "one-sample", "outlier-high", "outlier-low", "pairs", "ragged", "scale-huge", "scale-tiny",
    "ties-mixed", "two-valued", "two-valued-lone", "weighted",
  ]

  public static func load(_ name: String) throws -> Fixture { try decode(name) }

  /// Folder of the fixtures, found from this file's place in the tree.
  static func decode<Value: Decodable>(_ name: String, file: String = #filePath) throws -> Value {
    let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
      .joined(separator: "/")
    let data = try Data(
      contentsOf: URL(filePath: "\(folder)/Oracle/fixtures/\(name).json"))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Value.self, from: data)
  }
}

/// Closed-form answers.
public struct ClosedForms: Decodable, Sendable {
  /// 1 − Π_{j=m−c+1..m}(1 − n/j).
  public struct PassAtN: Decodable, Sendable {
    public let m: Int
    public let c: Int
    public let n: Int
    public let pass: String
  }
  public let passAtN: [PassAtN]

  public static func load() throws -> ClosedForms { try Fixture.decode("closed") }
}

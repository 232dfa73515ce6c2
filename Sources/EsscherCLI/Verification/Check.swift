// SPDX-License-Identifier: Apache-2.0
// A known answer and how it is compared. A case is an input and a request; its checks read the report,
// so that the engine runs once a case.

internal import Esscher

/// One comparison.
struct Check: Sendable {
  let name: String
  let expected: Double
  let tolerance: Tolerance
  /// Reads the value from the case's report; nil where the report does not hold it.
  let value: @Sendable (Report) -> Double?

  /// How far off a value may be.
  enum Tolerance: Sendable {
    case absolute(Double)
    case relative(Double)

    func margin(at expected: Double) -> Double {
      switch self {
      case .absolute(let margin): margin
      case .relative(let share): share * abs(expected)
      }
    }
  }

  /// A check of a point's value.
  static func point(
    _ name: String, _ curve: Curve, _ position: Double,
    _ path: any KeyPath<FrontierPoint, Double?> & Sendable, _ expected: Double,
    _ tolerance: Tolerance = .relative(1e-10)
  ) -> Check {
    Check(name: name, expected: expected, tolerance: tolerance) { report in
      report.points.first { $0.curve == curve && $0.position == position }?[keyPath: path]
    }
  }

  /// A check that nothing breaks a rule: the largest violation over the report is 0.
  static func rule(
    _ name: String, within tolerance: Double = 1e-10,
    _ violation: @escaping @Sendable (Report) -> Double?
  ) -> Check {
    Check(name: name, expected: 0, tolerance: .absolute(tolerance), value: violation)
  }

  func outcome(_ report: Report) -> Outcome {
    let got = value(report)
    let margin = tolerance.margin(at: expected)
    // Written so that NaN fails.
    let holds = got.map { abs($0 - expected) <= margin } ?? false
    return Outcome(
      name: name, expected: expected, got: got, margin: margin, holds: holds, reason: nil)
  }
}

/// What came of a check.
struct Outcome: Sendable {
  let name: String
  let expected: Double
  let got: Double?
  let margin: Double
  let holds: Bool
  /// Why there is no value, where the run itself failed.
  let reason: String?

  /// `ok`/`FAILED`, name, expected, got, tolerance.
  ///
  /// - Parameter label: what comes before the name.
  func line(_ label: String = "") -> String {
    let found = got.map(\.description) ?? "nothing"
    let verdict = holds ? "ok    " : "FAILED"
    return "\(verdict) \(label)\(name): expected \(expected), got \(found), tolerance \(margin)"
      + (reason.map { " (\($0))" } ?? "") + "\n"
  }
}

/// An input whose answers are known.
struct VerificationCase: Sendable {
  let name: String
  let rows: [[Double]]
  var gold: [[Double]]?
  let request: FrontierRequest
  let checks: [Check]

  var table: RewardTable {
    RewardTable(
      label: name, rewards: .cells(MemorySource(name: name, rows: rows)),
      gold: gold.map { MemorySource(name: name + " gold", rows: $0) })
  }
}

extension FrontierPoint {
  /// Where the point lies on its own curve's grid.
  var position: Double? { n.map(Double.init) ?? lambda }
}

// SPDX-License-Identifier: Apache-2.0
// What the text table shows of a point, column by column.

internal import EsscherCore

struct TableColumn {
  let title: String
  var alignsLeft = false
  /// Shown even where every cell is empty.
  var isAlwaysShown = false
  /// Shown only where lines differ in it.
  var isShownWhereItVaries = false
  let text: (FrontierPoint) -> String

  /// Whether the column tells readers of these points anything.
  func isWanted(for points: [FrontierPoint]) -> Bool {
    guard isShownWhereItVaries else { return points.contains { !text($0).isEmpty } }
    return points.contains { text($0) != text(points[0]) }
  }

  /// - Parameter digits: significant digits of the numbers.
  static func all(digits: Int) -> [TableColumn] {
    func number(
      _ title: String, digits: Int = digits, always: Bool = false,
      _ value: @escaping (FrontierPoint) -> Double?
    ) -> TableColumn {
      TableColumn(title: title, isAlwaysShown: always) {
        NumberText.short(value($0), digits: digits)
      }
    }
    return [
      TableColumn(title: "curve", alignsLeft: true, isAlwaysShown: true) { $0.curve.rawValue },
      TableColumn(title: "label", alignsLeft: true, isShownWhereItVaries: true) { $0.label },
      number("beta", digits: min(digits, 4)) { $0.beta },
      TableColumn(title: "lambda|n", isAlwaysShown: true) { point in
        point.n.map(String.init) ?? NumberText.short(point.lambda, digits: min(digits, 4))
      },
      number("KL", always: true) { $0.kl },
      number("gain", always: true) { $0.gain },
      TableColumn(title: "interval", alignsLeft: true) { point in
        let ends = [point.gainLow, point.gainHigh].map { NumberText.short($0, digits: digits) }
        return ends.contains("") ? "" : "[\(ends[0]), \(ends[1])]"
      },
      number("reward", always: true) { $0.reward },
      number("gold") { $0.gold },
      number("win", digits: 3) { $0.winRate },
      number("effic", digits: 3) { $0.efficiency },
      number("ESS", digits: 3) { $0.ess },
      number("sq.err") { $0.extras[.squaredError] },
      TableColumn(title: "trust") { $0.trusted.map { $0 ? "yes" : "no" } ?? "" },
    ]
  }
}

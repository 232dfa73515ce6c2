// SPDX-License-Identifier: Apache-2.0
// Reports as text for other programs. Every format follows the one column table.

public import EsscherCore

/// Renders reports as text.
public enum ReportText {
  /// CSV: a header and a line a point; undefined cells are empty, numbers round-trip.
  public static func csv(_ report: Report) -> String {
    var text = FrontierPoint.columns.map(\.name).joined(separator: ",") + "\n"
    for point in report.points {
      text += FrontierPoint.columns.map { csvCell($0.cell(point)) }.joined(separator: ",") + "\n"
    }
    return text
  }

  /// JSON lines: an object a point, undefined cells null.
  public static func jsonLines(_ report: Report) -> String {
    report.points.map { jsonObject($0) + "\n" }.joined()
  }

  static func jsonObject(_ point: FrontierPoint) -> String {
    let cells = FrontierPoint.columns.map { "\(jsonString($0.name)): \(jsonCell($0.cell(point)))" }
    return "{" + cells.joined(separator: ", ") + "}"
  }

  private static func csvCell(_ cell: FrontierPoint.Cell) -> String {
    switch cell {
    case .text(let text): quoted(text)
    case .number(let number): number.isFinite ? "\(number)" : ""
    case .integer(let integer): "\(integer)"
    case .flag(let flag): flag ? "true" : "false"
    case .undefined: ""
    }
  }

  private static func jsonCell(_ cell: FrontierPoint.Cell) -> String {
    switch cell {
    case .text(let text): jsonString(text)
    case .number(let number): number.isFinite ? "\(number)" : "null"
    case .integer(let integer): "\(integer)"
    case .flag(let flag): flag ? "true" : "false"
    case .undefined: "null"
    }
  }

  /// RFC 4180: quotes where a separator, a quote or a line break occurs.
  static func quoted(_ text: String) -> String {
    guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
    let doubled = text.split(separator: "\"", omittingEmptySubsequences: false)
      .joined(separator: "\"\"")
    return "\"" + doubled + "\""
  }

  /// A JSON string literal.
  static func jsonString(_ text: String) -> String {
    var literal = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": literal += "\\\""
      case "\\": literal += "\\\\"
      case "\n": literal += "\\n"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        literal += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: literal.unicodeScalars.append(scalar)
      }
    }
    return literal + "\""
  }
}

// SPDX-License-Identifier: Apache-2.0
// Cells of a CSV file (RFC 4180), with line feeds as line ends, as every reader takes them.

package import EsscherCore

package enum CSVText {
  /// A cell: shortest digits that read back as the same number, `true`/`false`, empty if undefined.
  package static func cell(_ cell: FrontierPoint.Cell) -> String {
    switch cell {
    case .text(let text): quoted(text)
    case .number(let value): value.isFinite ? value.description : ""
    case .integer(let value): String(value)
    case .flag(let value): value ? "true" : "false"
    case .undefined: ""
    }
  }

  /// A number, or nothing where it is undefined.
  package static func cell(_ value: Double?) -> String {
    value.map { cell(.number($0)) } ?? ""
  }

  /// Text in quotes where it holds a comma, a quote or a line end.
  package static func quoted(_ text: String) -> String {
    let needsQuotes = text.utf8.contains {
      $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\n")
        || $0 == UInt8(ascii: "\r")
    }
    guard needsQuotes else { return text }
    // By bytes: a quote and a combining mark behind it are one character.
    let quote = UInt8(ascii: "\"")
    var bytes = [quote]
    for byte in text.utf8 { bytes += byte == quote ? [quote, quote] : [byte] }
    return String(decoding: bytes + [quote], as: UTF8.self)
  }
}

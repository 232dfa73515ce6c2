// SPDX-License-Identifier: Apache-2.0
// A JSON document as a value, with its keys in the order in which they were given. Numbers that are
// not finite become null: JSON has no spelling for them.

package enum JSONValue: Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  case unsigned(UInt64)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([(key: String, value: JSONValue)])

  package init(_ text: String?) { self = text.map(JSONValue.string) ?? .null }

  /// On one line.
  package var compact: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .integer(let value): String(value)
    case .unsigned(let value): String(value)
    case .number(let value): value.isFinite ? value.description : "null"
    case .string(let text): Self.quoted(text)
    case .array(let items): "[" + items.map(\.compact).joined(separator: ", ") + "]"
    case .object(let members):
      "{"
        + members.map { Self.quoted($0.key) + ": " + $0.value.compact }.joined(separator: ", ")
        + "}"
    }
  }

  /// Over several lines; containers below `depth` levels stay on one line.
  package func pretty(depth: Int, indent: String = "") -> String {
    let inner = indent + "  "
    let lines: [String]
    let ends: (open: String, close: String)
    switch self {
    case .array(let items) where depth > 0 && !items.isEmpty:
      lines = items.map { inner + $0.pretty(depth: depth - 1, indent: inner) }
      ends = ("[", "]")
    case .object(let members) where depth > 0 && !members.isEmpty:
      lines = members.map {
        inner + Self.quoted($0.key) + ": " + $0.value.pretty(depth: depth - 1, indent: inner)
      }
      ends = ("{", "}")
    default: return compact
    }
    return ends.open + "\n" + lines.joined(separator: ",\n") + "\n" + indent + ends.close
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

// SPDX-License-Identifier: Apache-2.0
// What a column of an Arrow schema holds, and which column is meant.

internal import CEsscher
internal import EsscherCore

/// How numbers lie in an Arrow column.
struct ArrowColumn {
  /// How a row's numbers are found.
  enum Layout: Equatable {
    /// Plain numbers, which are one prompt.
    case plain
    /// Offsets of 4 or 8 bytes.
    case list(width: Int)
    /// So many numbers a row.
    case fixedList(Int)
    /// Offsets and sizes of 4 or 8 bytes.
    case listView(width: Int)
  }

  let layout: Layout
  let element: CellElement
  /// Whether booleans are packed, eight a byte.
  var isPacked: Bool { element == .bool }

  /// Reads a column's type.
  ///
  /// - Throws: `.badInput` for a type that holds no numbers, or lists of lists.
  init(_ schema: ArrowSchema, place: EsscherError.Location) throws(EsscherError) {
    let format = try unsafe Self.format(schema, place)
    let layout: Layout? =
      switch format {
      case "+l": .list(width: 4)
      case "+L": .list(width: 8)
      case "+vl": .listView(width: 4)
      case "+vL": .listView(width: 8)
      case _ where format.hasPrefix("+w:"):
        Int(format.dropFirst(3)).flatMap {
          (0...Int(UInt32.max)).contains($0) ? .fixedList($0) : nil
        }
      default: nil
      }
    guard let layout else {
      self.layout = .plain
      element = try Self.element(format, place)
      return
    }
    self.layout = layout
    guard unsafe schema.n_children == 1, let child = unsafe schema.children?[0] else {
      throw Self.malformed("a list without a type of its items", place)
    }
    element = try Self.element(try unsafe Self.format(child.pointee, place), place)
  }

  private static func format(
    _ schema: ArrowSchema, _ place: EsscherError.Location
  ) throws(EsscherError) -> String {
    guard unsafe schema.dictionary == nil else {
      throw EsscherError(
        .badInput, "holds dictionary-encoded values; cast the column to plain numbers", at: place)
    }
    guard let format = unsafe schema.format else {
      throw malformed("a type without a format", place)
    }
    return unsafe String(cString: format)
  }

  static func malformed(_ what: String, _ place: EsscherError.Location) -> EsscherError {
    EsscherError(
      .badInput, "is no valid Arrow data (\(what)); export it again", at: place)
  }

  private static func element(
    _ format: String, _ place: EsscherError.Location
  ) throws(EsscherError) -> CellElement {
    switch format {
    case "e": return .float16
    case "f": return .float32
    case "g": return .float64
    case "c": return .int8
    case "C": return .uint8
    case "s": return .int16
    case "S": return .uint16
    case "i": return .int32
    case "I": return .uint32
    case "l": return .int64
    case "L": return .uint64
    case "b": return .bool
    default:
      throw EsscherError(
        .badInput,
        "has the Arrow type '\(format.prefix(40))', which holds no numbers Esscher reads (floats, integers, booleans, "
          + "and lists of them); cast the column", at: place)
    }
  }
}

extension ArrowColumn {
  /// The column of a stream of record batches that is meant.
  ///
  /// - Parameters:
  ///   - schema: of the stream.
  ///   - name: the caller's, or nil for the first of `guesses` that exists.
  /// - Returns: its index; nil where the stream has no columns but is one.
  /// - Throws: `.badInput` with the columns' names where there is none or more than one.
  static func index(
    in schema: ArrowSchema, name: String?, guesses: [String], place: EsscherError.Location
  ) throws(EsscherError) -> Int? {
    guard try unsafe format(schema, place) == "+s" else {
      guard let name else { return nil }
      throw EsscherError(
        .badInput, "is a stream without columns; leave the column '\(name)' out", at: place)
    }
    guard let children = unsafe schema.children, unsafe schema.n_children > 0 else {
      throw EsscherError(.badInput, "has no columns; pass a table with rewards", at: place)
    }
    let fields = unsafe (0..<Int(schema.n_children)).map { index in
      unsafe children[index]?.pointee.name.map { unsafe String(cString: $0) } ?? ""
    }
    let shown = fields.prefix(20).joined(separator: ", ")
    guard let wanted = name ?? guesses.first(where: { fields.contains($0) }) else {
      throw EsscherError(
        .badInput,
        "no column is named \(guesses.joined(separator: ", ")); its columns are \(shown). Say which",
        at: place)
    }
    guard let index = fields.firstIndex(of: wanted) else {
      throw EsscherError(
        .badInput, "has no column '\(wanted)'; its columns are \(shown)", at: place)
    }
    guard fields.count(where: { $0 == wanted }) == 1 else {
      throw EsscherError(
        .badInput, "has more than one column '\(wanted)'; rename all but one", at: place)
    }
    return index
  }
}

// SPDX-License-Identifier: Apache-2.0
// Records of a CSV (RFC 4180) or TSV file in mapped memory: quotes, doubled quotes and line ends
// inside quotes, either line end, a byte-order mark. Fields are ranges of the map, nothing is copied.

internal import EsscherCore
internal import Glibc

/// Walks over the records of a text.
@safe
struct DelimitedRecords {
  /// A field's bytes. Quoted ones exclude the outer quotes and may hold doubled ones.
  struct Field {
    var start = 0
    var end = 0
    var hasDoubledQuotes = false
  }

  private let bytes: UnsafeRawBufferPointer
  private let separator: UInt8
  private let name: String
  /// First byte that has not been read.
  private(set) var position = 0
  /// Lines read so far; a record is named by its first one.
  private var lines = 0
  /// Line of the last record, from 1.
  private(set) var line = 0
  /// Fields of the last record.
  private(set) var fields: [Field] = []

  init(_ bytes: UnsafeRawBufferPointer, separator: UInt8, name: String) {
    unsafe self.bytes = bytes
    self.separator = separator
    self.name = name
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    if unsafe bytes.starts(with: mark) { position = mark.count }
  }

  private static let quote = UInt8(ascii: "\"")
  private static let lineFeed = UInt8(ascii: "\n")
  private static let carriageReturn = UInt8(ascii: "\r")

  var place: EsscherError.Location { EsscherError.Location(file: name, line: line) }

  /// Blank lines between the last record and the one before it.
  private(set) var blankLines = 0

  /// Reads the next record that is not blank; false at the end.
  mutating func next() throws(EsscherError) -> Bool {
    blankLines = 0
    while position < byteCount {
      line = lines + 1
      fields.removeAll(keepingCapacity: true)
      try readRecord()
      let isBlank = fields.count == 1 && fields[0].start == fields[0].end
      if !isBlank { return true }
      blankLines += 1
    }
    return false
  }

  private var byteCount: Int { unsafe bytes.count }

  @inline(__always)
  private func byte(_ index: Int) -> UInt8 { unsafe bytes[index] }

  private mutating func readRecord() throws(EsscherError) {
    let end = byteCount
    while true {
      var field = Field(start: position, end: position)
      if position < end, byte(position) == Self.quote {
        try readQuoted(&field)
      } else {
        position = endOfField(position)
        field.end = position
        // A carriage return before the line feed belongs to the line's end.
        let endsLine = position == end || byte(position) == Self.lineFeed
        if endsLine, field.end > field.start, byte(field.end - 1) == Self.carriageReturn {
          field.end -= 1
        }
      }
      fields.append(field)
      guard position < end else {
        lines += 1
        return
      }
      let isLineEnd = byte(position) == Self.lineFeed
      position += 1
      if isLineEnd {
        lines += 1
        return
      }
      // A separator at the very end opens one more, empty field.
      if position == end {
        fields.append(Field(start: end, end: end))
        lines += 1
        return
      }
    }
  }

  /// The first separator or line feed at or behind `start`, or the end.
  ///
  /// Eight bytes at a time: what equals a byte is zero after exclusive or, and subtracting 1 borrows from its top
  /// bit; borrows that run on only touch bytes behind the first.
  @inline(__always)
  private func endOfField(_ start: Int) -> Int {
    let end = byteCount
    let ones: UInt64 = 0x0101_0101_0101_0101
    var position = start
    while end - position >= 8 {
      let word = unsafe UInt64(
        littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      let a = word ^ (ones &* UInt64(separator))
      let b = word ^ (ones &* UInt64(Self.lineFeed))
      let found = ((a &- ones) & ~a | (b &- ones) & ~b) & (ones &<< 7)
      if found != 0 { return position + found.trailingZeroBitCount / 8 }
      position += 8
    }
    while position < end {
      let next = byte(position)
      if next == separator || next == Self.lineFeed { break }
      position += 1
    }
    return position
  }

  /// Reads from an opening quote to the separator or line feed behind the closing one.
  private mutating func readQuoted(_ field: inout Field) throws(EsscherError) {
    let end = byteCount
    position += 1
    field.start = position
    while true {
      guard position < end else {
        throw EsscherError(
          .badInput,
          "a quote is opened and never closed; close it, or double a quote that is meant as one",
          at: place)
      }
      let next = byte(position)
      if next == Self.lineFeed { lines += 1 }
      if next == Self.quote {
        guard position + 1 < end, byte(position + 1) == Self.quote else { break }
        field.hasDoubledQuotes = true
        position += 1
      }
      position += 1
    }
    field.end = position
    position += 1
    if position < end, byte(position) == Self.carriageReturn,
      position + 1 == end || byte(position + 1) == Self.lineFeed
    {
      position += 1
    }
    guard
      position == end || byte(position) == separator
        || byte(position) == Self.lineFeed
    else {
      throw EsscherError(
        .badInput, "text follows a closing quote; double the quotes inside a quoted field",
        at: place)
    }
  }

  /// Text of a field of the last record.
  func text(_ index: Int) -> String { String(decoding: content(index), as: UTF8.self) }

  /// Bytes of a field of the last record, doubled quotes made single.
  func content(_ index: Int) -> [UInt8] {
    let field = fields[index]
    let raw = unsafe Array(UnsafeRawBufferPointer(rebasing: bytes[field.start..<field.end]))
    guard field.hasDoubledQuotes else { return raw }
    var content: [UInt8] = []
    var skips = false
    for byte in raw {
      skips = byte == Self.quote && !skips
      if !skips { content.append(byte) }
    }
    return content
  }

  /// Whether a field of the last record has the same bytes as one that lies elsewhere.
  func isEqual(_ index: Int, _ other: Field) -> Bool {
    let field = fields[index]
    let count = field.end - field.start
    guard count == other.end - other.start, let base = unsafe bytes.baseAddress else {
      return false
    }
    return unsafe memcmp(base + field.start, base + other.start, count) == 0
  }

  /// Bytes of a field of the last record.
  func withBytes<Result>(
    _ index: Int, _ body: (_ start: UnsafePointer<CChar>, _ count: Int) -> Result
  ) -> Result? {
    let field = fields[index]
    guard let base = unsafe bytes.baseAddress else { return nil }
    return unsafe body(
      (base + field.start).assumingMemoryBound(to: CChar.self), field.end - field.start)
  }
}

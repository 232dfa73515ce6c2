// SPDX-License-Identifier: Apache-2.0
// Bytes of partial results: one description of a value serves writing and reading, so that they cannot disagree.

/// Writes values into bytes, or reads them back in the same order.
///
/// Integers are zigzag LEB128, doubles eight bytes of their bit pattern, little-endian; lists and text begin with their
/// count. Nothing depends on the machine.
package struct StateCoder: Sendable {
  /// What was written, or is read.
  package private(set) var bytes: [UInt8]
  private var position = 0
  /// Whether values come from the bytes.
  package let isReading: Bool

  /// A writer.
  package init() {
    bytes = []
    isReading = false
  }

  /// A reader.
  package init(reading bytes: [UInt8]) {
    self.bytes = bytes
    isReading = true
  }

  /// What is thrown where bytes end too early or say what nothing writes.
  package static var damaged: EsscherError {
    EsscherError(.badInput, "the state is damaged or cut short; make it again")
  }

  /// Whether everything was read.
  package var isAtEnd: Bool { position == bytes.count }

  // MARK: Numbers

  private mutating func byte() throws(EsscherError) -> UInt8 {
    guard position < bytes.count else { throw Self.damaged }
    position += 1
    return bytes[position - 1]
  }

  /// An integer of up to 128 bits.
  package mutating func code(_ value: inout Int128) throws(EsscherError) {
    if !isReading, var narrow = Int(exactly: value) { return try code(&narrow) }
    guard isReading else {
      var rest = UInt128(bitPattern: value << 1 ^ value >> 127)
      while rest >= 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
      }
      bytes.append(UInt8(truncatingIfNeeded: rest))
      return
    }
    var rest: UInt128 = 0
    var shift: UInt128 = 0
    while true {
      let next = try byte()
      guard shift < 126 || shift == 126 && next < 4 else { throw Self.damaged }
      rest |= UInt128(next & 0x7F) << shift
      guard next & 0x80 != 0 else { break }
      shift += 7
    }
    value = Int128(bitPattern: rest >> 1) ^ -Int128(rest & 1)
  }

  /// Integers that are read are below this, so that sums of those of thousands of states do not overflow.
  private static let largest = 1 << 48

  /// An integer, in its magnitude below 2^48.
  package mutating func code(_ value: inout Int) throws(EsscherError) {
    guard isReading else {
      var rest = UInt(bitPattern: value &<< 1 ^ value &>> (Int.bitWidth - 1))
      while rest >= 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest = rest &>> 7
      }
      bytes.append(UInt8(truncatingIfNeeded: rest))
      return
    }
    var wide: Int128 = 0
    try code(&wide)
    guard let narrow = Int(exactly: wide), narrow.magnitude < Self.largest else {
      throw Self.damaged
    }
    value = narrow
  }

  /// 64 bits that are no count.
  package mutating func code(_ bits: inout UInt64) throws(EsscherError) {
    var wide = Int128(bits)
    try code(&wide)
    guard let narrow = UInt64(exactly: wide) else { throw Self.damaged }
    bits = narrow
  }

  /// A count of things that take at least a byte each.
  package mutating func count(_ value: Int) throws(EsscherError) -> Int {
    var value = value
    try code(&value)
    guard !isReading || (0...bytes.count - position).contains(value) else { throw Self.damaged }
    return value
  }

  /// A number that has to be what it is here: the shape of what follows.
  package mutating func expect(_ value: Int) throws(EsscherError) {
    var read = value
    try code(&read)
    guard read == value else { throw Self.damaged }
  }

  /// A truth value.
  package mutating func code(_ value: inout Bool) throws(EsscherError) {
    guard isReading else {
      bytes.append(value ? 1 : 0)
      return
    }
    let next = try byte()
    guard next < 2 else { throw Self.damaged }
    value = next == 1
  }

  /// A double, bit for bit.
  package mutating func code(_ value: inout Double) throws(EsscherError) {
    guard isReading else {
      for shift in stride(from: 0, to: 64, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt64(shift)))
      }
      return
    }
    var bits: UInt64 = 0
    for shift in stride(from: 0, to: 64, by: 8) { bits |= UInt64(try byte()) << UInt64(shift) }
    value = Double(bitPattern: bits)
  }

  // MARK: Text and lists

  /// UTF-8 text.
  package mutating func code(_ value: inout String) throws(EsscherError) {
    let count = try count(value.utf8.count)
    guard isReading else {
      bytes.append(contentsOf: value.utf8)
      return
    }
    guard let text = String(validating: bytes[position..<position + count], as: UTF8.self) else {
      throw Self.damaged
    }
    value = text
    position += count
  }

  /// Bytes.
  package mutating func code(_ value: inout [UInt8]) throws(EsscherError) {
    let count = try count(value.count)
    guard isReading else {
      bytes.append(contentsOf: value)
      return
    }
    value = Array(bytes[position..<position + count])
    position += count
  }

  /// A list, each element by `code`.
  package mutating func code<Element>(
    _ values: inout [Element], empty: Element,
    _ code: (_ coder: inout StateCoder, _ element: inout Element) throws(EsscherError) -> Void
  ) throws(EsscherError) {
    let count = try count(values.count)
    if isReading { values = Array(repeating: empty, count: count) }
    for index in 0..<count { try code(&self, &values[index]) }
  }

  /// Something that may be missing.
  package mutating func code<Wrapped>(
    _ value: inout Wrapped?, empty: Wrapped,
    _ code: (_ coder: inout StateCoder, _ element: inout Wrapped) throws(EsscherError) -> Void
  ) throws(EsscherError) {
    var isThere = value != nil
    try self.code(&isThere)
    guard isThere else {
      value = nil
      return
    }
    var wrapped = value ?? empty
    try code(&self, &wrapped)
    value = wrapped
  }

  /// A double that may be missing.
  package mutating func code(_ value: inout Double?) throws(EsscherError) {
    try code(&value, empty: 0) { (coder, wrapped) throws(EsscherError) in try coder.code(&wrapped) }
  }

  /// Doubles.
  package mutating func code(_ values: inout [Double]) throws(EsscherError) {
    try code(&values, empty: 0) { (coder, value) throws(EsscherError) in try coder.code(&value) }
  }

  /// Integers.
  package mutating func code(_ values: inout [Int]) throws(EsscherError) {
    try code(&values, empty: 0) { (coder, value) throws(EsscherError) in try coder.code(&value) }
  }

  /// Texts.
  package mutating func code(_ values: inout [String]) throws(EsscherError) {
    try code(&values, empty: "") { (coder, value) throws(EsscherError) in try coder.code(&value) }
  }
}

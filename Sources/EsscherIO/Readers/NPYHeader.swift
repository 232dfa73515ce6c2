// SPDX-License-Identifier: Apache-2.0
// The header of a `.npy` file: magic, version, length, and a Python dictionary of three entries.
// Only that dictionary is understood; nothing in it is ever evaluated.

internal import EsscherCore

/// What a `.npy` header says.
struct NPYHeader: Equatable {
  var descr: String
  var isFortranOrder: Bool
  var shape: [Int]
  /// Bytes before the first cell.
  var length: Int

  /// Longest header that is believed; NumPy's own limit for trusted files is 10,000 characters.
  static let longest = 1 << 16

  /// Parses the first bytes of a file (`longest` of them, or the whole file).
  init(_ bytes: [UInt8], place: EsscherError.Location) throws(EsscherError) {
    func bad(_ reason: String) -> EsscherError {
      EsscherError(
        .badInput, "is not a readable .npy file: \(reason); write it again with np.save", at: place)
    }
    guard bytes.count >= 10, Array(bytes[0..<6]) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59] else {
      throw bad("it does not begin with NumPy's signature")
    }
    let start: Int
    let count: Int
    switch bytes[6] {
    case 1:
      start = 10
      count = Int(bytes[8]) | Int(bytes[9]) << 8
    case 2, 3:
      guard bytes.count >= 12 else { throw bad("it is truncated inside the header") }
      start = 12
      count = Int(bytes[8]) | Int(bytes[9]) << 8 | Int(bytes[10]) << 16 | Int(bytes[11]) << 24
    default: throw bad("version \(bytes[6]) of the format is unknown")
    }
    guard count <= Self.longest - start else { throw bad("its header claims \(count) bytes") }
    guard bytes.count >= start + count else { throw bad("it is truncated inside the header") }
    var parser = PythonLiteral(bytes[start..<start + count])
    guard let entries = parser.header() else { throw bad("its header is not the usual dictionary") }
    guard let descr = entries.descr else {
      throw EsscherError(
        .badInput,
        "holds a structured array; save the reward column alone as a plain array of numbers",
        at: place)
    }
    self.descr = descr
    isFortranOrder = entries.isFortranOrder
    shape = entries.shape
    length = start + count
  }

  /// Cells of the array, nil where the product overflows.
  var cellCount: Int? {
    var product = 1
    for extent in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard !overflow else { return nil }
      product = next
    }
    return product
  }
}

/// The few Python literals a header is made of.
private struct PythonLiteral {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  /// `{'descr': …, 'fortran_order': …, 'shape': (…), }` and blanks; nil for anything else. A `descr`
  /// that is a list (a structured type) comes back as nil inside the tuple.
  mutating func header() -> (descr: String?, isFortranOrder: Bool, shape: [Int])? {
    var descr: String??
    var order: Bool?
    var shape: [Int]?
    guard take("{") else { return nil }
    while !take("}") {
      guard let key = string(), take(":") else { return nil }
      switch key {
      case "descr":
        if peek() == UInt8(ascii: "[") {
          guard skipList() else { return nil }
          descr = .some(nil)
        } else {
          guard let text = string() else { return nil }
          descr = text
        }
      case "fortran_order":
        if take("True") {
          order = true
        } else if take("False") {
          order = false
        } else {
          return nil
        }
      case "shape":
        guard let extents = tuple() else { return nil }
        shape = extents
      default: return nil
      }
      guard take(",") || peek() == UInt8(ascii: "}") else { return nil }
    }
    guard peek() == nil, let descr, let order, let shape else { return nil }
    return (descr, order, shape)
  }

  private mutating func skipBlanks() {
    while position < bytes.endIndex, [0x20, 0x0A, 0x09, 0x0D].contains(bytes[position]) {
      position += 1
    }
  }

  private mutating func peek() -> UInt8? {
    skipBlanks()
    return position < bytes.endIndex ? bytes[position] : nil
  }

  private mutating func take(_ text: StaticString) -> Bool {
    skipBlanks()
    let count = text.utf8CodeUnitCount
    guard bytes.endIndex - position >= count else { return false }
    for index in 0..<count
    where unsafe bytes[position + index] != text.utf8Start[index] {
      return false
    }
    position += count
    return true
  }

  private mutating func string() -> String? {
    guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      return nil
    }
    position += 1
    var text: [UInt8] = []
    while position < bytes.endIndex, bytes[position] != quote {
      // Escapes do not occur in headers that NumPy writes.
      guard bytes[position] != UInt8(ascii: "\\"), bytes[position] < 0x80 else { return nil }
      text.append(bytes[position])
      position += 1
    }
    guard position < bytes.endIndex else { return nil }
    position += 1
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func tuple() -> [Int]? {
    guard take("(") else { return nil }
    var extents: [Int] = []
    while !take(")") {
      guard let extent = integer(), extents.count < 32 else { return nil }
      extents.append(extent)
      // Python 2 wrote long integers with an L.
      _ = take("L")
      guard take(",") || peek() == UInt8(ascii: ")") else { return nil }
    }
    return extents
  }

  private mutating func integer() -> Int? {
    skipBlanks()
    var value = 0
    var digits = 0
    while position < bytes.endIndex, (0x30...0x39).contains(bytes[position]) {
      let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
      let (next, carry) = tenfold.addingReportingOverflow(Int(bytes[position] - 0x30))
      guard !overflow, !carry else { return nil }
      value = next
      digits += 1
      position += 1
    }
    return digits > 0 ? value : nil
  }

  /// Skips a bracketed list, whatever it holds.
  private mutating func skipList() -> Bool {
    var depth = 0
    while position < bytes.endIndex {
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "[") { depth += 1 }
      if byte == UInt8(ascii: "]") {
        depth -= 1
        if depth == 0 { return true }
      }
    }
    return false
  }
}

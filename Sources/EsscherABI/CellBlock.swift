// SPDX-License-Identifier: Apache-2.0
// Cells in somebody else's memory: where they are, and how they are read.
//
// Why sharing is safe: nobody writes to them while the table lives, which is what esscher.h asks of the caller.

internal import EsscherCore

/// Rows of cells of one element type.
@safe
struct CellBlock: @unchecked Sendable {
  /// Where the cells of a row begin, and how many there are.
  enum Rows {
    /// Rows of one length, `stride` bytes apart.
    case equal(count: Int, columns: Int, stride: Int)
    /// Rows that begin at a cell each, cells counted from the block's first.
    case ragged(starts: [Int], counts: [Int])
  }

  let base: UnsafeRawPointer
  let element: CellElement
  /// Bytes from one cell of a row to the next.
  let columnStride: Int
  let rows: Rows
  /// Bits of the cells that are there, lowest first; nil where all are.
  private(set) var validity: UnsafePointer<UInt8>?
  /// Number of the first cell's bit.
  let validityOffset: Int

  init(
    base: UnsafeRawPointer, element: CellElement, columnStride: Int, rows: Rows,
    validity: UnsafePointer<UInt8>? = nil, validityOffset: Int = 0
  ) {
    unsafe self.base = base
    self.element = element
    self.columnStride = columnStride
    self.rows = rows
    unsafe self.validity = validity
    self.validityOffset = validityOffset
    // A bitmap without a gap costs a look at every cell, and hides floats that could be read in place.
    if unsafe validity != nil, !hasGap { unsafe self.validity = nil }
  }

  var rowCount: Int {
    switch rows {
    case .equal(let count, _, _): count
    case .ragged(let starts, _): starts.count
    }
  }

  var longest: Int {
    switch rows {
    case .equal(_, let columns, _): columns
    case .ragged(_, let counts): counts.max() ?? 0
    }
  }

  func sampleCount(_ row: Int) -> Int {
    switch rows {
    case .equal(_, let columns, _): columns
    case .ragged(_, let counts): counts[row]
    }
  }

  /// Whether neighbouring rows share cache lines and pages, as in Fortran order.
  var isTransposed: Bool {
    guard case .equal(let count, let columns, let stride) = rows else { return false }
    return count > 1 && columns > 1 && stride.magnitude < columnStride.magnitude
  }

  /// Bytes from the block's first cell to a row's, and the number of the row's first bit.
  private func start(_ row: Int) -> (offset: Int, bit: Int) {
    switch rows {
    case .equal(_, let columns, let stride):
      (row &* stride, validityOffset &+ row &* columns)
    case .ragged(let starts, _):
      (starts[row] &* columnStride, validityOffset &+ starts[row])
    }
  }

  /// Copies cells of a row; missing ones become NaN.
  func copy(_ row: Int, _ columns: Range<Int>, to target: UnsafeMutablePointer<Double>) {
    let (offset, bit) = start(row)
    unsafe element.convert(
      base + (offset &+ columns.lowerBound &* columnStride), stride: columnStride,
      count: columns.count, to: target)
    guard let validity = unsafe validity else { return }
    for index in 0..<columns.count
    where unsafe !Self.isSet(bit &+ columns.lowerBound &+ index, validity) {
      unsafe target[index] = .nan
    }
  }

  /// Copies a column of some rows, the rows' cells `stride` apart in the target.
  ///
  /// - Precondition: rows are of one length.
  func copyColumn(
    _ column: Int, _ range: Range<Int>, to target: UnsafeMutablePointer<Double>, stride: Int,
    scratch: UnsafeMutablePointer<Double>
  ) {
    guard case .equal(_, let columns, let rowStride) = rows else { return }
    let first = range.lowerBound &* rowStride &+ column &* columnStride
    unsafe element.convert(base + first, stride: rowStride, count: range.count, to: scratch)
    for index in 0..<range.count {
      var cell = unsafe scratch[index]
      let bit = validityOffset &+ (range.lowerBound &+ index) &* columns &+ column
      if let validity = unsafe validity, unsafe !Self.isSet(bit, validity) { cell = .nan }
      unsafe target[index &* stride] = cell
    }
  }

  /// Floats of whole rows where they lie back to back and can be read in place.
  func floats(_ range: Range<Int>) -> UnsafePointer<Float>? {
    guard element == .float32, unsafe validity == nil, !range.isEmpty else { return nil }
    switch rows {
    case .equal(_, let columns, let stride):
      guard columnStride == 4 || columns == 1, stride == columns * 4 || range.count == 1 else {
        return nil
      }
    case .ragged(let starts, let counts):
      // Rows begin at multiples of the cells' stride, also where each has one cell only.
      guard columnStride == 4 || (range.count == 1 && counts[range.lowerBound] == 1) else {
        return nil
      }
      for row in range.dropFirst() where starts[row] != starts[row - 1] + counts[row - 1] {
        return nil
      }
    }
    let first = unsafe base + start(range.lowerBound).offset
    guard UInt(bitPattern: first) % 4 == 0 else { return nil }
    return unsafe first.assumingMemoryBound(to: Float.self)
  }

  private var hasGap: Bool {
    guard let validity = unsafe validity else { return false }
    return switch rows {
    case .equal(let count, let columns, _):
      unsafe Self.hasZero(validityOffset..<validityOffset + count * columns, validity)
    case .ragged(let starts, let counts):
      zip(starts, counts).contains { start, count in
        let first = validityOffset + start
        return unsafe Self.hasZero(first..<first + count, validity)
      }
    }
  }

  @inline(__always)
  static func isSet(_ bit: Int, _ bits: UnsafePointer<UInt8>) -> Bool {
    unsafe bits[bit >> 3] >> UInt8(truncatingIfNeeded: bit & 7) & 1 == 1
  }

  static func hasZero(_ range: Range<Int>, _ bits: UnsafePointer<UInt8>) -> Bool {
    var bit = range.lowerBound
    while bit < range.upperBound {
      // Whole bytes at once between the ends.
      if bit & 7 == 0, range.upperBound - bit >= 8 {
        if unsafe bits[bit >> 3] != 0xFF { return true }
        bit += 8
      } else {
        if unsafe !isSet(bit, bits) { return true }
        bit += 1
      }
    }
    return false
  }
}

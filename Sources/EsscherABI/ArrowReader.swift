// SPDX-License-Identifier: Apache-2.0
// One Arrow array as a block of cells, whatever its layout.

internal import CEsscher
internal import EsscherCore

/// Reads arrays of one column.
struct ArrowReader {
  let column: ArrowColumn
  let place: EsscherError.Location
  /// Rows before this array's first.
  let firstRow: Int

  /// Beyond this no array of numbers can be.
  private static let largest: Int64 = 1 << 46

  /// An array whose length, offset and counts are possible.
  func checked(_ array: ArrowArray) throws(EsscherError) -> ArrowArray {
    guard unsafe (0...Self.largest).contains(array.length),
      unsafe (0...Self.largest).contains(array.offset), unsafe array.n_buffers >= 0,
      unsafe array.n_children >= 0
    else { throw malformed("a length or an offset below 0 or out of reach") }
    guard unsafe array.dictionary == nil else {
      throw malformed("a dictionary that the schema has not")
    }
    return unsafe array
  }

  func buffer(_ array: ArrowArray, _ index: Int) -> UnsafeRawPointer? {
    guard unsafe index < array.n_buffers, let buffers = unsafe array.buffers else { return nil }
    return unsafe buffers[index]
  }

  private func malformed(_ what: String) -> EsscherError { ArrowColumn.malformed(what, place) }

  /// The cells of an array.
  ///
  /// - Parameters:
  ///   - array: a column, or the child of a batch.
  ///   - offset: rows of the batch that come before its first.
  ///   - length: rows of the batch; nil where the array is all of it.
  ///   - batch: what keeps the memory.
  /// - Returns: nil where there are no rows.
  func block(
    _ array: ArrowArray, offset: Int, length: Int?, _ batch: ArrowBatch
  ) throws(EsscherError) -> CellBlock? {
    let array = try unsafe checked(array)
    let rows = unsafe length ?? Int(array.length)
    guard unsafe offset + rows <= Int(array.length) else {
      throw malformed("a column shorter than its batch")
    }
    guard rows > 0 else { return nil }
    let first = unsafe Int(array.offset) + offset
    if column.layout == .plain {
      return try unsafe cells(array, equal: 1, columns: rows, first: first, batch)
    }
    guard unsafe array.n_children >= 1, let child = unsafe array.children?[0] else {
      throw malformed("a list without its items")
    }
    let items = try unsafe checked(child.pointee)
    let nulls = unsafe array.null_count == 0 ? nil : buffer(array, 0)
    let hasNulls =
      unsafe nulls.map {
        unsafe CellBlock.hasZero(first..<first + rows, $0.assumingMemoryBound(to: UInt8.self))
      } ?? false
    if case .fixedList(let width) = column.layout, !hasNulls {
      guard width > 0 else { throw noSamples }
      let (last, overflow) = (first + rows).multipliedReportingOverflow(by: width)
      guard !overflow, unsafe last <= Int(items.length) else {
        throw malformed("fewer items than rows of \(width) need")
      }
      return try unsafe cells(
        items, equal: rows, columns: width, first: Int(items.offset) + first * width, batch)
    }
    let bounds = try unsafe rowBounds(array, first: first, rows: rows, items: Int(items.length))
    var (starts, counts) = bounds
    let shift = unsafe Int(items.offset)
    for row in 0..<rows {
      starts[row] += shift
      if hasNulls, let nulls = unsafe nulls,
        unsafe !CellBlock.isSet(first + row, nulls.assumingMemoryBound(to: UInt8.self))
      {
        counts[row] = 0
      }
    }
    return try unsafe cells(items, starts, counts, batch)
  }

  private var noSamples: EsscherError {
    EsscherError(.badInput, "holds lists without samples; check what was scored", at: place)
  }

  // MARK: Rows

  /// Where each row's items begin, and how many they are.
  private func rowBounds(
    _ array: ArrowArray, first: Int, rows: Int, items: Int
  ) throws(EsscherError) -> (starts: [Int], counts: [Int]) {
    var starts: [Int] = []
    var counts: [Int] = []
    starts.reserveCapacity(rows)
    counts.reserveCapacity(rows)
    let offsets = unsafe buffer(array, 1)
    let sizes = unsafe buffer(array, 2)
    for row in 0..<rows {
      let start: Int
      let count: Int
      switch column.layout {
      case .list(let width):
        guard let offsets = unsafe offsets else { throw malformed("a list without offsets") }
        start = unsafe Self.integer(offsets, width, first + row)
        count = unsafe Self.integer(offsets, width, first + row + 1).subtractingReportingOverflow(
          start
        )
        .partialValue
      case .listView(let width):
        guard let offsets = unsafe offsets, let sizes = unsafe sizes else {
          throw malformed("a list view without offsets and sizes")
        }
        start = unsafe Self.integer(offsets, width, first + row)
        count = unsafe Self.integer(sizes, width, first + row)
      case .fixedList(let width):
        let (begin, overflow) = (first + row).multipliedReportingOverflow(by: width)
        (start, count) = overflow ? (-1, 0) : (begin, width)
      case .plain: (start, count) = (0, 0)
      }
      guard start >= 0, count >= 0, start <= items, count <= items - start else {
        throw EsscherError(
          .badInput,
          "the offsets of the row do not fit its \(items) items; export the data again",
          at: EsscherError.Location(file: place.file, row: firstRow + row))
      }
      starts.append(start)
      counts.append(count)
    }
    return (starts, counts)
  }

  private static func integer(_ base: UnsafeRawPointer, _ width: Int, _ index: Int) -> Int {
    width == 4
      ? Int(unsafe base.loadUnaligned(fromByteOffset: index &* 4, as: Int32.self))
      : Int(unsafe base.loadUnaligned(fromByteOffset: index &* 8, as: Int64.self))
  }

  // MARK: Cells

  /// The numbers of an array, and the bits that say which are there.
  private func numbers(
    _ items: ArrowArray
  ) throws(EsscherError) -> (UnsafeRawPointer, UnsafePointer<UInt8>?) {
    guard let values = unsafe buffer(items, 1) else { throw malformed("numbers without a buffer") }
    let bits = unsafe items.null_count == 0 ? nil : buffer(items, 0)
    return unsafe (values, bits?.assumingMemoryBound(to: UInt8.self))
  }

  /// Rows of one length.
  private func cells(
    _ items: ArrowArray, equal rows: Int, columns: Int, first: Int, _ batch: ArrowBatch
  ) throws(EsscherError) -> CellBlock {
    let (values, validity) = try unsafe numbers(items)
    let size = column.element.size
    if column.isPacked {
      let bytes = unsafe batch.unpack(
        values.assumingMemoryBound(to: UInt8.self), first..<first + rows * columns)
      return unsafe CellBlock(
        base: bytes, element: .bool, columnStride: 1,
        rows: .equal(count: rows, columns: columns, stride: columns), validity: validity,
        validityOffset: first)
    }
    return unsafe CellBlock(
      base: values + first * size, element: column.element, columnStride: size,
      rows: .equal(count: rows, columns: columns, stride: columns * size), validity: validity,
      validityOffset: first)
  }

  /// Rows that begin anywhere.
  private func cells(
    _ items: ArrowArray, _ starts: [Int], _ counts: [Int], _ batch: ArrowBatch
  ) throws(EsscherError) -> CellBlock {
    // A batch of empty lists may have no numbers at all.
    guard counts.contains(where: { $0 > 0 }) else {
      return unsafe CellBlock(
        base: UnsafeRawPointer(batch.array), element: column.element,
        columnStride: column.element.size,
        rows: .ragged(starts: counts, counts: counts))
    }
    let (values, validity) = try unsafe numbers(items)
    guard column.isPacked else {
      return unsafe CellBlock(
        base: values, element: column.element, columnStride: column.element.size,
        rows: .ragged(starts: starts, counts: counts), validity: validity)
    }
    let first = starts.min() ?? 0
    let last = zip(starts, counts).map { $0 + $1 }.max() ?? 0
    let bytes = unsafe batch.unpack(values.assumingMemoryBound(to: UInt8.self), first..<last)
    return unsafe CellBlock(
      base: bytes, element: .bool, columnStride: 1,
      rows: .ragged(starts: starts.map { $0 - first }, counts: counts), validity: validity,
      validityOffset: first)
  }
}

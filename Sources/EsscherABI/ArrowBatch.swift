// SPDX-License-Identifier: Apache-2.0
// Batches of an Arrow stream: kept as long as their cells are read, checked before any is.

internal import CEsscher
internal import EsscherCore

/// A batch that is ours until it is released, and memory that was made beside it.
@safe
final class ArrowBatch: @unchecked Sendable {
  // Unchecked: filled before it is shared, and only read then.
  let array: UnsafeMutablePointer<ArrowArray>
  private var unpacked: UnsafeMutablePointer<UInt8>?

  init() {
    unsafe array = .allocate(capacity: 1)
    unsafe array.initialize(to: ArrowArray())
  }

  deinit {
    if let release = unsafe array.pointee.release { unsafe release(array) }
    unsafe array.deallocate()
    unsafe unpacked?.deallocate()
  }

  /// A byte a boolean, from bits; freed with the batch.
  func unpack(_ bits: UnsafePointer<UInt8>, _ range: Range<Int>) -> UnsafePointer<UInt8> {
    let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, range.count))
    for (slot, bit) in range.enumerated() {
      unsafe bytes[slot] = CellBlock.isSet(bit, bits) ? 1 : 0
    }
    unsafe unpacked = bytes
    return unsafe UnsafePointer(bytes)
  }

  /// The block of a batch's column; nil where it has no rows.
  ///
  /// - Parameters:
  ///   - column: what it holds.
  ///   - index: which child of the batch it is; nil where the batch itself is the column.
  ///   - place: for messages.
  ///   - firstRow: rows of the batches before, for messages.
  /// - Throws: `.badInput` where lengths, offsets and buffers do not fit together.
  func block(
    _ column: ArrowColumn, _ index: Int?, _ place: EsscherError.Location, firstRow: Int
  ) throws(EsscherError) -> CellBlock? {
    let reader = ArrowReader(column: column, place: place, firstRow: firstRow)
    guard let index else {
      return try unsafe reader.block(array.pointee, offset: 0, length: nil, self)
    }
    let root = try unsafe reader.checked(array.pointee)
    guard unsafe index < root.n_children, let child = unsafe root.children?[index] else {
      throw ArrowColumn.malformed("a batch lacks a column of its schema", place)
    }
    let (offset, length) = unsafe (Int(root.offset), Int(root.length))
    if unsafe root.null_count != 0, let bits = unsafe reader.buffer(root, 0),
      unsafe CellBlock.hasZero(
        offset..<offset + length, bits.assumingMemoryBound(to: UInt8.self))
    {
      throw EsscherError(
        .badInput, "has rows that are null as a whole; drop them first", at: place)
    }
    return try unsafe reader.block(child.pointee, offset: offset, length: length, self)
  }
}

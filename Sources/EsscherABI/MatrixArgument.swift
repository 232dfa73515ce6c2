// SPDX-License-Identifier: Apache-2.0
// From `esscher_matrix` to a block of cells: everything that can be wrong with the numbers is found here.

internal import CEsscher
internal import EsscherCore

extension CellElement {
  /// The element type of a code such as ESSCHER_FLOAT32.
  init?(code: Int32) {
    let known: [Int: CellElement] = [
      ESSCHER_FLOAT16: .float16, ESSCHER_BFLOAT16: .bfloat16, ESSCHER_FLOAT32: .float32,
      ESSCHER_FLOAT64: .float64, ESSCHER_INT8: .int8, ESSCHER_INT16: .int16,
      ESSCHER_INT32: .int32, ESSCHER_INT64: .int64, ESSCHER_UINT8: .uint8,
      ESSCHER_UINT16: .uint16, ESSCHER_UINT32: .uint32, ESSCHER_UINT64: .uint64,
      ESSCHER_BOOL: .bool,
    ]
    guard let element = known[Int(code)] else { return nil }
    self = element
  }

  /// As an .npy header names it.
  var description: String { (size == 1 || self == .bfloat16 ? "|" : "<") + rawValue }
}

/// A matrix whose numbers fit together.
struct MatrixArgument {
  let block: CellBlock
  /// For provenance: prompts and samples, 0 samples where prompts differ.
  let shape: [Int]

  /// Stands for strides that follow from the shape.
  private static let contiguous = Int64.min
  /// Prompts, samples of one, and bytes from the first cell to the farthest.
  private static let mostRows = Int64(UInt32.max)
  private static let mostBytes = Int64(1) << 47

  init(_ pointer: UnsafePointer<esscher_matrix>?) throws(EsscherError) {
    guard let pointer = unsafe pointer else {
      throw EsscherError(.usage, "The matrix is NULL; pass one.")
    }
    let matrix = try unsafe SizedStruct.read(
      pointer, zero: esscher_matrix(),
      least: (MemoryLayout<esscher_matrix>.offset(of: \.column_stride) ?? 0) + 8,
      name: "esscher_matrix")
    guard let element = unsafe CellElement(code: matrix.dtype) else {
      throw EsscherError(
        .usage, "The dtype is no element type; pass ESSCHER_FLOAT32 or another of esscher.h.")
    }
    try unsafe Self.check(matrix)
    guard let base = unsafe matrix.data else {
      throw EsscherError(.usage, "The member data of the matrix is NULL; pass where the cells are.")
    }
    let columnStride =
      unsafe matrix.column_stride == Self.contiguous
      ? Int64(element.size) : matrix.column_stride
    let rows = unsafe Int(matrix.rows)
    let columns = unsafe Int(matrix.columns)
    guard unsafe matrix.validity_offset >= 0, unsafe matrix.validity_offset < Self.mostBytes else {
      throw EsscherError(
        .usage, "The validity_offset is below 0 or out of reach; pass the number of a bit.")
    }
    if let offsets = unsafe matrix.offsets {
      try unsafe Self.checkReach([(matrix.columns, columnStride)])
      let (starts, counts) = try unsafe Self.ragged(
        offsets, matrix.offset_dtype, rows: rows, cells: columns)
      unsafe block = CellBlock(
        base: base, element: element, columnStride: Int(columnStride),
        rows: .ragged(starts: starts, counts: counts), validity: matrix.validity,
        validityOffset: Int(matrix.validity_offset))
      shape = [rows, 0]
      return
    }
    guard unsafe matrix.offset_dtype == 0 else {
      throw EsscherError(.usage, "There is an offset_dtype and no offsets; pass both or neither.")
    }
    var rowStride = unsafe matrix.row_stride
    if rowStride == Self.contiguous {
      let (bytes, overflow) = unsafe matrix.columns.multipliedReportingOverflow(by: columnStride)
      guard !overflow else { throw Self.outOfReach }
      rowStride = bytes
    }
    try unsafe Self.checkReach([(matrix.rows, rowStride), (matrix.columns, columnStride)])
    unsafe block = CellBlock(
      base: base, element: element, columnStride: Int(columnStride),
      rows: .equal(count: rows, columns: columns, stride: Int(rowStride)),
      validity: matrix.validity, validityOffset: Int(matrix.validity_offset))
    shape = [rows, columns]
  }

  private static func check(_ matrix: esscher_matrix) throws(EsscherError) {
    guard unsafe (1...mostRows).contains(matrix.rows) else {
      throw EsscherError(
        .usage, "The matrix has \(unsafe matrix.rows) rows; it takes from 1 to \(mostRows).")
    }
    let isRagged = unsafe matrix.offsets != nil
    let most = isRagged ? mostBytes : mostRows
    guard unsafe (1...most).contains(matrix.columns) else {
      throw EsscherError(
        .usage,
        "The matrix has \(unsafe matrix.columns) \(isRagged ? "cells" : "columns"); it takes from 1 to \(most)."
      )
    }
  }

  private static var outOfReach: EsscherError {
    EsscherError(
      .usage,
      "The strides of the matrix reach farther than memory does; check rows, columns and strides (in bytes)."
    )
  }

  /// Refuses extents that no memory has, and products that overflow.
  private static func checkReach(
    _ axes: [(count: Int64, stride: Int64)]
  ) throws(EsscherError) {
    var bytes: Int64 = 0
    var cells: Int64 = 1
    for axis in axes {
      let (reach, overflow) = axis.stride.magnitude.multipliedReportingOverflow(
        by: UInt64(axis.count - 1))
      let (product, excess) = cells.multipliedReportingOverflow(by: axis.count)
      guard !overflow, reach <= UInt64(mostBytes), !excess, product <= mostBytes else {
        throw outOfReach
      }
      bytes += Int64(reach)
      cells = product
    }
    guard bytes <= mostBytes else { throw outOfReach }
  }

  private static func ragged(
    _ offsets: UnsafeRawPointer, _ type: Int32, rows: Int, cells: Int
  ) throws(EsscherError) -> (starts: [Int], counts: [Int]) {
    let width: Int
    switch Int(type) {
    case ESSCHER_INT32: width = 4
    case ESSCHER_INT64: width = 8
    default:
      throw EsscherError(
        .usage, "The offset_dtype is \(type); pass ESSCHER_INT32 or ESSCHER_INT64.")
    }
    // All of them before memory is taken for them: a count that is wrong meets offsets that are.
    var start = unsafe offset(offsets, width, 0)
    for row in 0..<rows {
      let end = unsafe offset(offsets, width, row + 1)
      guard start >= 0, end >= start, end <= cells else {
        throw EsscherError(
          .badInput,
          "the offsets of the row go from \(start) to \(end), and there are \(cells) cells; offsets never "
            + "decrease and end within the cells", at: EsscherError.Location(row: row))
      }
      start = end
    }
    let starts = (0..<rows).map { unsafe offset(offsets, width, $0) }
    let counts = (0..<rows).map { unsafe offset(offsets, width, $0 + 1) - starts[$0] }
    return (starts, counts)
  }

  /// An offset of 4 or 8 bytes.
  private static func offset(_ offsets: UnsafeRawPointer, _ width: Int, _ index: Int) -> Int {
    width == 4
      ? Int(unsafe offsets.loadUnaligned(fromByteOffset: index &* 4, as: Int32.self))
      : Int(unsafe offsets.loadUnaligned(fromByteOffset: index &* 8, as: Int64.self))
  }
}

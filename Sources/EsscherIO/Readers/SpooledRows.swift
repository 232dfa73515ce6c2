// SPDX-License-Identifier: Apache-2.0
// Numbers read from text, kept as doubles in a temporary file that the kernel may page out.

internal import EsscherCore
internal import Glibc

/// A ragged table over a spooled file of doubles.
@safe
struct SpooledRows: RewardSource {
  let name: String
  /// First cell of each row, and one past the last.
  let offsets: [Int]
  /// Where row i of the table lies among `offsets`, or nil for the same order.
  private let order: [Int]?
  private let file: MappedFile
  let longestSampleCount: Int

  init(name: String, offsets: [Int], file: MappedFile, order: [Int]? = nil) {
    self.name = name
    self.offsets = offsets
    self.file = file
    self.order = order
    longestSampleCount = zip(offsets, offsets.dropFirst()).reduce(0) { max($0, $1.1 - $1.0) }
  }

  /// The same cells with their rows in another order.
  func reordered(_ order: [Int]) -> SpooledRows {
    SpooledRows(name: name, offsets: offsets, file: file, order: order)
  }

  var rowCount: Int { order?.count ?? offsets.count - 1 }
  var storage: CellStorage { .float64 }
  var preferredRowsPerRead: Int { 1 }

  private func cells(row: Int) -> Range<Int> {
    let stored = order?[row] ?? row
    return offsets[stored]..<offsets[stored + 1]
  }

  func sampleCount(row: Int) -> Int { cells(row: row).count }

  func location(row: Int, column: Int) -> EsscherError.Location {
    EsscherError.Location(file: name, row: row, column: column)
  }

  func copyDoubles(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Double>
  ) throws(EsscherError) {
    guard let target = destination.baseAddress else { return }
    var slot = 0
    for row in rows {
      var range = cells(row: row)
      if let columns {
        range = range.lowerBound + columns.lowerBound..<range.lowerBound + columns.upperBound
      }
      try unsafe file.read(
        at: range.lowerBound * 8,
        into: UnsafeMutableRawBufferPointer(start: target + slot, count: range.count * 8))
      slot += range.count
    }
  }
}

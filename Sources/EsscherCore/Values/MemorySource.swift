// SPDX-License-Identifier: Apache-2.0

/// Rewards held in memory, for callers that have them there and for checks.
///
/// Rows may differ in length; a missing cell is a NaN.
public struct MemorySource: RewardSource, Equatable {
  /// Name for messages.
  public let name: String
  /// How cells are stored.
  public let storage: CellStorage
  private let cells: [Double]
  private let offsets: [Int]
  /// Samples of the longest prompt.
  public let longestSampleCount: Int

  /// - Parameters:
  ///   - name: for messages.
  ///   - rows: one array a prompt.
  ///   - storage: `.float32` only where every cell is exactly a `Float`.
  public init(name: String, rows: [[Double]], storage: CellStorage = .float64) {
    self.name = name
    self.storage = storage
    cells = rows.flatMap(\.self)
    longestSampleCount = rows.map(\.count).max() ?? 0
    offsets = rows.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    precondition(
      storage == .float64 || cells.allSatisfy { $0.isNaN || Double(Float($0)) == $0 },
      "float32 storage needs cells that are floats")
  }

  /// P, the number of prompts.
  public var rowCount: Int { offsets.count - 1 }
  /// 1: rows are contiguous.
  public var preferredRowsPerRead: Int { 1 }

  /// Samples of one prompt.
  public func sampleCount(row: Int) -> Int { offsets[row + 1] - offsets[row] }

  /// Copies cells as floats; see ``RewardSource``.
  public func copyFloats(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Float>
  ) throws(EsscherError) {
    let range = cellRange(rows, columns)
    unsafe cells.withUnsafeBufferPointer { cells in
      for slot in 0..<range.count {
        unsafe destination[slot] = Float(cells[range.lowerBound + slot])
      }
    }
  }

  /// Copies cells as doubles; see ``RewardSource``.
  public func copyDoubles(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Double>
  ) throws(EsscherError) {
    let range = cellRange(rows, columns)
    unsafe cells.withUnsafeBufferPointer { cells in
      for slot in 0..<range.count { unsafe destination[slot] = cells[range.lowerBound + slot] }
    }
  }

  /// The name, row and column.
  public func location(row: Int, column: Int) -> EsscherError.Location {
    EsscherError.Location(file: name, row: row, column: column)
  }

  private func cellRange(_ rows: Range<Int>, _ columns: Range<Int>?) -> Range<Int> {
    let start = offsets[rows.lowerBound]
    guard let columns else { return start..<offsets[rows.upperBound] }
    return start + columns.lowerBound..<start + columns.upperBound
  }
}

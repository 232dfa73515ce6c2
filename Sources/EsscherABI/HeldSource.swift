// SPDX-License-Identifier: Apache-2.0
// Blocks of cells in memory as one table of rewards; the numbers are those of the same cells in an .npy file.

internal import EsscherCore

/// Cells that stay where they are.
@safe
struct HeldSource: RewardSource {
  let name: String
  let storage: CellStorage
  let rowCount: Int
  let longestSampleCount: Int
  let preferredRowsPerRead: Int
  private let blocks: [CellBlock]
  /// First row of each block, and behind the last one the number of rows.
  private let firstRows: [Int]
  /// What keeps the memory alive, where that is ours to do.
  private let owner: (any Sendable)?

  /// - Parameters:
  ///   - name: for messages.
  ///   - blocks: at least one, of rows each; all of one element type.
  ///   - owner: kept as long as the source is.
  init(name: String, blocks: [CellBlock], owner: (any Sendable)? = nil) {
    self.name = name
    self.blocks = blocks
    self.owner = owner
    firstRows = blocks.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.rowCount) }
    rowCount = firstRows[blocks.count]
    storage = blocks.contains { $0.element.storage == .float64 } ? .float64 : .float32
    longestSampleCount = blocks.map(\.longest).max() ?? 0
    preferredRowsPerRead = blocks.contains(where: \.isTransposed) ? 1024 : 1
  }

  /// The block of a row, and the row inside it.
  private func place(_ row: Int) -> (block: Int, row: Int) {
    if blocks.count == 1 { return (0, row) }
    var (low, high) = (0, blocks.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if firstRows[middle] <= row { low = middle } else { high = middle }
    }
    return (low, row - firstRows[low])
  }

  func sampleCount(row: Int) -> Int {
    let (block, row) = place(row)
    return blocks[block].sampleCount(row)
  }

  func location(row: Int, column: Int) -> EsscherError.Location {
    EsscherError.Location(file: name, row: row, column: column)
  }

  /// Calls `body` with the parts of a range of rows that lie in one block each.
  private func forEachBlock(
    _ rows: Range<Int>, _ body: (_ block: CellBlock, _ rows: Range<Int>) -> Void
  ) {
    var row = rows.lowerBound
    while row < rows.upperBound {
      let (block, first) = place(row)
      let count = min(rows.upperBound - row, firstRows[block + 1] - row)
      body(blocks[block], first..<first + count)
      row += count
    }
  }

  func copyDoubles(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Double>
  ) throws(EsscherError) {
    guard let target = destination.baseAddress else { return }
    var slot = 0
    forEachBlock(rows) { block, range in
      if block.isTransposed && range.count > 1 {
        let cells = columns ?? 0..<block.longest
        unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: range.count) { scratch in
          guard let line = scratch.baseAddress else { return }
          for column in cells {
            unsafe block.copyColumn(
              column, range, to: target + (slot + column - cells.lowerBound), stride: cells.count,
              scratch: line)
          }
        }
        slot += range.count * cells.count
      } else {
        for row in range {
          let cells = columns ?? 0..<block.sampleCount(row)
          unsafe block.copy(row, cells, to: target + slot)
          slot += cells.count
        }
      }
    }
  }

  func copyFloats(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Float>
  ) throws(EsscherError) {
    precondition(storage == .float32, "these cells need doubles")
    guard let target = destination.baseAddress else { return }
    if columns == nil, let held = unsafe heldFloats(rows: rows) {
      unsafe target.update(from: held, count: destination.count)
      return
    }
    // Through doubles: exact, since every stored value is a float.
    var failure: EsscherError?
    unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: destination.count) { doubles in
      do throws(EsscherError) {
        try unsafe copyDoubles(rows: rows, columns: columns, to: doubles)
      } catch { failure = error }
      for index in 0..<destination.count { unsafe target[index] = Float(doubles[index]) }
    }
    if let failure { throw failure }
  }

  func heldFloats(rows: Range<Int>) -> UnsafePointer<Float>? {
    guard !rows.isEmpty else { return nil }
    let (block, first) = place(rows.lowerBound)
    guard rows.upperBound <= firstRows[block + 1] else { return nil }
    return unsafe blocks[block].floats(first..<first + rows.count)
  }
}

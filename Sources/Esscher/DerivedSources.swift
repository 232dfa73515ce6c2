// SPDX-License-Identifier: Apache-2.0
// Tables that are worked out of others while they are read; nothing is stored.

internal import EsscherCore

/// A table of the shape and the places of another.
private protocol DerivedSource: RewardSource {
  var base: any RewardSource { get }
}

extension DerivedSource {
  var name: String { base.name }
  var rowCount: Int { base.rowCount }
  var preferredRowsPerRead: Int { base.preferredRowsPerRead }
  var longestSampleCount: Int { base.longestSampleCount }

  func sampleCount(row: Int) -> Int { base.sampleCount(row: row) }

  func location(row: Int, column: Int) -> EsscherError.Location {
    base.location(row: row, column: column)
  }
}

/// d_n(ε) of the samples' log-probabilities, as a table like theirs.
struct DivergenceSource: DerivedSource {
  /// The log-probabilities.
  let base: any RewardSource
  let n: Int

  var storage: CellStorage { .float64 }

  func copyDoubles(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Double>
  ) throws(EsscherError) {
    try unsafe base.copyDoubles(rows: rows, columns: columns, to: destination)
    for index in 0..<destination.count {
      unsafe destination[index] = BestOfNLaw.divergence(n: n, logMass: destination[index])
    }
  }
}

/// A table with the cells missing that another table of the same samples lacks.
struct MaskedSource: DerivedSource {
  let base: any RewardSource
  let mask: any RewardSource

  var storage: CellStorage { base.storage }

  func copyFloats(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Float>
  ) throws(EsscherError) {
    try unsafe base.copyFloats(rows: rows, columns: columns, to: destination)
    try mask.forEachMissing(rows: rows, columns: columns) { slot in
      unsafe destination[slot] = .nan
    }
  }

  func copyDoubles(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Double>
  ) throws(EsscherError) {
    try unsafe base.copyDoubles(rows: rows, columns: columns, to: destination)
    try mask.forEachMissing(rows: rows, columns: columns) { slot in
      unsafe destination[slot] = .nan
    }
  }
}

extension RewardSource {
  /// Calls `body` with the place, among the cells asked for, of each one that is missing.
  fileprivate func forEachMissing(
    rows: Range<Int>, columns: Range<Int>?, _ body: (_ slot: Int) -> Void
  ) throws(EsscherError) {
    var slot = 0
    try look(rows: rows, columns: columns) { cells, _, _ in
      for cell in cells {
        if cell.isNaN { body(slot) }
        slot += 1
      }
    }
  }

  /// Hands every cell to `body` in order, in pieces of one row each: the cells, their row and the column of
  /// the first. Memory grows neither with the rows nor with their number.
  func look(
    rows: Range<Int>, columns: Range<Int>? = nil,
    _ body: (_ cells: ArraySlice<Double>, _ row: Int, _ column: Int) throws(EsscherError) -> Void
  ) throws(EsscherError) {
    let piece = 1 << 16
    // Neighbouring rows of Fortran order share pages, and short rows are not worth a read each.
    let longest = max(1, longestSampleCount)
    let shared = preferredRowsPerRead * longest <= 1 << 20 ? preferredRowsPerRead : 1
    let together = columns == nil ? max(shared, piece / longest) : 1
    var row = rows.lowerBound
    while row < rows.upperBound {
      let end = min(rows.upperBound, row + max(1, together))
      if end - row > 1 {
        var rest = try cells(rows: row..<end, columns: nil)[...]
        for row in row..<end {
          let count = sampleCount(row: row)
          try body(rest.prefix(count), row, 0)
          rest = rest.dropFirst(count)
        }
      } else {
        let range = columns ?? 0..<sampleCount(row: row)
        for start in stride(from: range.lowerBound, to: range.upperBound, by: piece) {
          let part = start..<min(range.upperBound, start + piece)
          try body(try cells(rows: row..<row + 1, columns: part)[...], row, start)
        }
      }
      row = end
    }
  }

  private func cells(
    rows: Range<Int>, columns: Range<Int>?
  ) throws(EsscherError) -> [Double] {
    let size = columns?.count ?? rows.reduce(0) { $0 + sampleCount(row: $1) }
    var failure: EsscherError?
    var cells = [Double](repeating: 0, count: size)
    unsafe cells.withUnsafeMutableBufferPointer { buffer in
      do throws(EsscherError) {
        try unsafe copyDoubles(rows: rows, columns: columns, to: buffer)
      } catch { failure = error }
    }
    if let failure { throw failure }
    return cells
  }
}

// SPDX-License-Identifier: Apache-2.0
// An ensemble and each of its members as tables of rewards like any other, computed as they are read: every
// backend, gold rewards, log weights and rows larger than memory work on them unchanged.

/// The aggregate of every sample's scores.
package struct EnsembleSource: RewardSource {
  package let name: String
  private let cells: MemberCells
  private let aggregator: EnsembleAggregator

  package init(name: String, cells: MemberCells, aggregator: EnsembleAggregator) {
    self.name = name
    self.cells = cells
    self.aggregator = aggregator
  }

  private var first: any RewardSource { cells.members[0].source }
  package var rowCount: Int { first.rowCount }
  package var longestSampleCount: Int { first.longestSampleCount }
  package var storage: CellStorage { .float64 }
  package var preferredRowsPerRead: Int { cells.preferredRowsPerRead }
  package func sampleCount(row: Int) -> Int { first.sampleCount(row: row) }

  package func copyDoubles(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Double>
  ) throws(EsscherError) {
    guard let target = destination.baseAddress else { return }
    let count = cells.members.count
    let scores = UnsafeMutablePointer<Double>.allocate(capacity: count)
    defer { unsafe scores.deallocate() }
    var slot = 0
    try cells.forEachSegment(rows: rows, columns: columns) { segment in
      unsafe aggregator.aggregate(segment, count: count, to: target + slot, scratch: scores)
      slot += segment.columns.count
    }
  }

  /// That of the member whose cell is missing or infinite, else the first member's.
  package func location(row: Int, column: Int) -> EsscherError.Location {
    cells.offender(row: row, column: column).location(row: row, column: column)
  }
}

/// One member's standardised scores.
package struct MemberSource: RewardSource {
  private let cells: MemberCells
  private let index: Int

  /// - Parameters:
  ///   - cells: every member, where samples may be missing in any of them; this one alone else, which
  ///     spares reading the others.
  ///   - index: the member's among them.
  package init(cells: MemberCells, index: Int) {
    self.cells = cells
    self.index = index
  }

  private var source: any RewardSource { cells.members[index].source }
  package var name: String { source.name }
  package var rowCount: Int { source.rowCount }
  package var longestSampleCount: Int { source.longestSampleCount }
  package var storage: CellStorage { .float64 }
  package var preferredRowsPerRead: Int { cells.preferredRowsPerRead }
  package func sampleCount(row: Int) -> Int { source.sampleCount(row: row) }

  package func copyDoubles(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Double>
  ) throws(EsscherError) {
    guard let target = destination.baseAddress else { return }
    var slot = 0
    try cells.forEachSegment(rows: rows, columns: columns) { segment in
      let start = unsafe segment.cells + index * segment.stride
      unsafe (target + slot).update(from: start, count: segment.columns.count)
      slot += segment.columns.count
    }
  }

  package func location(row: Int, column: Int) -> EsscherError.Location {
    cells.offender(row: row, column: column).location(row: row, column: column)
  }
}

extension MemberCells {
  package var preferredRowsPerRead: Int { members.map(\.source.preferredRowsPerRead).max() ?? 1 }

  /// The first member whose cell is not a finite number, else the first.
  fileprivate func offender(row: Int, column: Int) -> any RewardSource {
    for member in members {
      var cell = [0.0]
      unsafe cell.withUnsafeMutableBufferPointer { buffer in
        // A cell that cannot be read is not to blame for the others.
        _ = try? unsafe member.source.copyDoubles(
          rows: row..<row + 1, columns: column..<column + 1, to: buffer)
      }
      if !cell[0].isFinite { return member.source }
    }
    return members[0].source
  }
}

// SPDX-License-Identifier: Apache-2.0

package import EsscherCore

/// Every row of a source, as doubles.
package func rows(_ source: any RewardSource) throws -> [[Double]] {
  try (0..<source.rowCount).map { row in
    var cells = [Double](repeating: 0, count: source.sampleCount(row: row))
    try unsafe cells.withUnsafeMutableBufferPointer {
      try unsafe source.copyDoubles(rows: row..<row + 1, columns: nil, to: $0)
    }
    return cells
  }
}

/// Every row of a table's rewards; none for counts.
package func rows(_ table: RewardTable) throws -> [[Double]] {
  guard case .cells(let source) = table.rewards else { return [] }
  return try rows(source)
}

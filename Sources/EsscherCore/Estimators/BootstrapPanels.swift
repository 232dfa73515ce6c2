// SPDX-License-Identifier: Apache-2.0
// The layout in which backends read the statistics of a bootstrap.

extension PoissonBootstrap {
  /// Statistics as [panel of eight columns][prompt][column], zeros behind the last column: what a block of
  /// replicates reads lies together.
  ///
  /// - Parameters:
  ///   - values: rows of `columns` statistics, one a prompt.
  ///   - prompts: the rows to lay out.
  ///   - columns: columns of a row.
  package static func panels(
    _ values: [Double], _ prompts: Range<Int>, columns: Int
  ) -> [Double] {
    let panelCount = (columns + 7) / 8
    let panelStride = 8 * prompts.count
    return unsafe [Double](unsafeUninitializedCapacity: panelCount * panelStride) {
      panels, initialized in
      if let base = panels.baseAddress {
        for panel in 0..<panelCount {
          unsafe write(panel: panel, of: values, prompts, columns: columns, to: base)
        }
      }
      initialized = panelCount * panelStride
    }
  }

  /// Writes one panel of ``panels(_:_:columns:)`` to its place among all, at `panels`.
  package static func write(
    panel: Int, of values: [Double], _ prompts: Range<Int>, columns: Int,
    to panels: UnsafeMutablePointer<Double>
  ) {
    let width = min(8, columns - 8 * panel)
    var source = prompts.lowerBound * columns + 8 * panel
    var target = unsafe panels + panel * 8 * prompts.count
    unsafe values.withUnsafeBufferPointer { values in
      for _ in prompts {
        for column in 0..<8 {
          unsafe target[column] = column < width ? values[source + column] : 0
        }
        source += columns
        unsafe target += 8
      }
    }
  }
}

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
      unsafe values.withUnsafeBufferPointer { values in
        for panel in 0..<panelCount {
          let width = min(8, columns - 8 * panel)
          var source = prompts.lowerBound * columns + 8 * panel
          var target = panel * panelStride
          for _ in prompts {
            for column in 0..<8 {
              unsafe panels[target + column] = column < width ? values[source + column] : 0
            }
            source += columns
            target += 8
          }
        }
      }
      initialized = panelCount * panelStride
    }
  }
}

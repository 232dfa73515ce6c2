// SPDX-License-Identifier: Apache-2.0
// Cells of text to aligned lines.

/// A table of text whose columns are as wide as their widest cell.
struct TableLayout {
  let columns: [(title: String, alignsLeft: Bool)]
  let rows: [[String]]
  private let widths: [Int]

  init(columns: [(title: String, alignsLeft: Bool)], rows: [[String]]) {
    self.columns = columns
    self.rows = rows
    self.widths = columns.indices.map { index in
      rows.reduce(columns[index].title.count) { max($0, $1[index].count) }
    }
  }

  /// Length of a line, without colour.
  var width: Int { widths.reduce(0, +) + 2 * max(0, widths.count - 1) }

  /// The title line and a line for each row; `dimmed` marks the rows to be shown faintly.
  func lines(dimmed: [Bool]) -> [String] {
    var lines = [line(columns.map(\.title))]
    for (row, isDim) in zip(rows, dimmed) {
      lines.append(isDim ? "\u{1B}[2m" + line(row) + "\u{1B}[0m" : line(row))
    }
    return lines
  }

  private func line(_ cells: [String]) -> String {
    var text = ""
    for (index, cell) in cells.enumerated() {
      let fill = String(repeating: " ", count: widths[index] - cell.count)
      text += (index == 0 ? "" : "  ") + (columns[index].alignsLeft ? cell + fill : fill + cell)
    }
    while text.last == " " { text.removeLast() }
    return text
  }
}

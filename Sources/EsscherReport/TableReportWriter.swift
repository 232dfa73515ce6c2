// SPDX-License-Identifier: Apache-2.0
// The report as an aligned table for people, at most 100 columns wide where that can be done: it
// shortens the numbers first and leaves out derived columns after that. Notes are footnotes.

public import EsscherCore

/// Writes a report as text to be read on a terminal or in a log.
public struct TableReportWriter: ReportWriter {
  /// Whether lines that are not to be trusted are dimmed, for a terminal with colours.
  public var dimsUntrusted: Bool

  /// Widest line that is aimed for.
  static let width = 100

  /// - Parameter dimsUntrusted: whether untrusted lines are dimmed.
  public init(dimsUntrusted: Bool = false) {
    self.dimsUntrusted = dimsUntrusted
  }

  /// The whole text; see ``ReportWriter``.
  public func text(of report: Report) -> String {
    let notes = Footnotes(report.points)
    var text = Self.header(report.provenance) + "\n"
    for line in lines(report, notes) { text += line + "\n" }
    if !notes.texts.isEmpty { text += "\n" }
    for (index, note) in notes.texts.enumerated() {
      text += Self.wrapped(note, mark: "[\(index + 1)] ")
    }
    return text
  }

  /// Tries less and less until the table fits.
  private func lines(_ report: Report, _ notes: Footnotes) -> [String] {
    let dimmed = report.points.map { dimsUntrusted && $0.trusted == false }
    var layout = TableLayout(columns: [], rows: [])
    for (digits, omitted) in [(5, []), (4, []), (3, []), (3, ["beta"]), (3, ["beta", "reward"])] {
      layout = Self.layout(report, notes, digits: digits, omitted: Set<String>(omitted))
      if layout.width <= Self.width { break }
    }
    return layout.lines(dimmed: dimmed)
  }

  private static func layout(
    _ report: Report, _ notes: Footnotes, digits: Int, omitted: Set<String>
  ) -> TableLayout {
    let columns = TableColumn.all(digits: digits).filter { column in
      !omitted.contains(column.title)
        && (column.isAlwaysShown || column.isWanted(for: report.points))
    }
    var titles = columns.map { (title: $0.title, alignsLeft: $0.alignsLeft) }
    if !notes.texts.isEmpty { titles.append((title: "note", alignsLeft: true)) }
    let rows = report.points.map { point in
      var cells = columns.map { $0.text(point) }
      if !notes.texts.isEmpty { cells.append(notes.mark(of: point)) }
      return cells
    }
    return TableLayout(columns: titles, rows: rows)
  }

  private static func header(_ provenance: Provenance) -> String {
    let samples =
      provenance.sampleCountMinimum == provenance.sampleCountMaximum
      ? "\(provenance.sampleCountMinimum)"
      : "\(provenance.sampleCountMinimum) to \(provenance.sampleCountMaximum)"
    var sentence =
      "\(provenance.promptCount) prompts x \(samples) samples, \(provenance.precision.rawValue) "
      + "precision, on \(provenance.device)."
    if provenance.resamples > 0 {
      let percent = NumberText.short(100 * provenance.confidence, digits: 4)
      sentence += " Intervals: \(percent) %. KL in nats."
    } else {
      sentence += " No intervals. KL in nats."
    }
    return wrapped(sentence, mark: "")
  }

  /// Lines of at most `width` columns, the first after a mark, the others indented as far.
  private static func wrapped(_ text: String, mark: String) -> String {
    let margin = String(repeating: " ", count: mark.count)
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append((lines.isEmpty ? mark : margin) + word)
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }
}

/// The distinct notes of a report, numbered from 1 in order of appearance.
struct Footnotes {
  private(set) var texts: [String] = []
  private var numbers: [String: Int] = [:]

  init(_ points: [FrontierPoint]) {
    for point in points where !point.note.isEmpty && numbers[point.note] == nil {
      texts.append(point.note)
      numbers[point.note] = texts.count
    }
  }

  func mark(of point: FrontierPoint) -> String {
    numbers[point.note].map { "[\($0)]" } ?? ""
  }
}

// SPDX-License-Identifier: Apache-2.0
// A finished report behind `esscher_report`, its texts at fixed places.

internal import CEsscher
internal import EsscherCore
internal import EsscherReport
internal import Synchronization

/// What a column holds, as esscher.h numbers it.
enum ColumnKind: Int32 {
  case number, integer, flag, text

  /// The kind of a column of ``FrontierPoint``.
  init(of name: String) {
    self =
      switch name {
      case "curve", "label", "note": .text
      case "n", "n_prompts": .integer
      case "trusted": .flag
      default: .number
      }
  }
}

/// Points, warnings and rendered texts.
final class ReportHandle: Handle {
  static let kind = "report"
  private let report: Report
  private let warnings: [CText]
  /// Cells of text by row, in the order of the columns of text.
  private let texts: [[CText]]
  private let rendered = RenderedTexts()

  static let columns = FrontierPoint.columns
  static let names = columns.map { CText($0.name) }
  static let kinds = columns.map { ColumnKind(of: $0.name) }
  private static let textColumns = columns.indices.filter { kinds[$0] == .text }

  init(_ report: Report) {
    self.report = report
    // Set up here, for the functions that read a report (`Call.run`).
    withExtendedLifetime((Self.names, Self.kinds)) {}
    warnings = report.warnings.map(CText.init)
    // Labels and notes repeat from point to point.
    var known: [String: CText] = [:]
    texts = report.points.map { point in
      Self.textColumns.map { column in
        guard case .text(let text) = Self.columns[column].cell(point) else { return CText("") }
        if let same = known[text] { return same }
        let made = CText(text)
        known[text] = made
        return made
      }
    }
  }

  var pointCount: Int { report.points.count }
  var warningCount: Int { warnings.count }

  /// A column's number as an index, nil where there is none.
  static func column(_ number: Int64) -> Int? {
    Int(exactly: number).flatMap { columns.indices.contains($0) ? $0 : nil }
  }

  private func row(_ number: Int64) -> Int? {
    Int(exactly: number).flatMap { report.points.indices.contains($0) ? $0 : nil }
  }

  /// A cell of a column that is not text; nil where there is no such cell.
  func cell(_ row: Int64, _ column: Int64) -> FrontierPoint.Cell? {
    guard let row = self.row(row), let column = Self.column(column), Self.kinds[column] != .text
    else { return nil }
    return Self.columns[column].cell(report.points[row])
  }

  /// The number of a cell; nil where it is undefined, which a number that is not finite is too.
  static func number(_ cell: FrontierPoint.Cell) -> Double? {
    switch cell {
    case .number(let value): value.isFinite ? value : nil
    case .integer(let value): Double(value)
    case .flag(let value): value ? 1 : 0
    case .text, .undefined: nil
    }
  }

  func text(_ row: Int64, _ column: Int64) -> CText? {
    guard let row = self.row(row), let column = Self.column(column),
      let slot = Self.textColumns.firstIndex(of: column)
    else { return nil }
    return texts[row][slot]
  }

  func warning(_ index: Int64) -> CText? {
    Int(exactly: index).flatMap { warnings.indices.contains($0) ? warnings[$0] : nil }
  }

  /// The whole report, rendered once a format.
  func text(_ format: OutputFormat) -> CText {
    rendered.text(format) { CText(format.writer.text(of: report)) }
  }
}

/// Texts that are made when they are first asked for. Without a lock, so that a child made by fork finds none taken: of
/// two threads that make the same text at once, one's is thrown away.
private final class RenderedTexts: Sendable {
  private let table = Atomic<UInt>(0)
  private let csv = Atomic<UInt>(0)
  private let json = Atomic<UInt>(0)
  private let jsonLines = Atomic<UInt>(0)

  func text(_ format: OutputFormat, _ make: () -> CText) -> CText {
    switch format {
    case .table: Self.text(table, make)
    case .csv: Self.text(csv, make)
    case .json: Self.text(json, make)
    case .jsonl: Self.text(jsonLines, make)
    }
  }

  private static func text(_ slot: borrowing Atomic<UInt>, _ make: () -> CText) -> CText {
    if let known = object(slot.load(ordering: .acquiring)) { return known }
    let made = make()
    let reference = unsafe Unmanaged.passRetained(made)
    let address = unsafe UInt(bitPattern: reference.toOpaque())
    let (exchanged, first) = slot.compareExchange(
      expected: 0, desired: address, ordering: .acquiringAndReleasing)
    if exchanged { return made }
    unsafe reference.release()
    return object(first) ?? made
  }

  private static func object(_ address: UInt) -> CText? {
    guard let pointer = unsafe UnsafeRawPointer(bitPattern: address) else { return nil }
    return unsafe Unmanaged<CText>.fromOpaque(pointer).takeUnretainedValue()
  }

  deinit {
    let addresses = [
      table.load(ordering: .relaxed), csv.load(ordering: .relaxed), json.load(ordering: .relaxed),
      jsonLines.load(ordering: .relaxed),
    ]
    for address in addresses {
      guard let pointer = unsafe UnsafeRawPointer(bitPattern: address) else { continue }
      unsafe Unmanaged<CText>.fromOpaque(pointer).release()
    }
  }
}

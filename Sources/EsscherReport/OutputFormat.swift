// SPDX-License-Identifier: Apache-2.0
// The formats a report can be written in, and the writer of each.

/// A format of a report.
public enum OutputFormat: String, Sendable, CaseIterable {
  /// Aligned text for people.
  case table
  case csv
  case json
  /// A JSON object a line, one a point.
  case jsonl

  /// The format that a file's ending stands for, or nil where it stands for none.
  public init?(endingOf path: String) {
    guard let ending = path.split(separator: "/").last?.split(separator: ".").dropFirst().last
    else { return nil }
    switch ending.lowercased() {
    case "txt": self = .table
    case "csv": self = .csv
    case "json": self = .json
    case "jsonl": self = .jsonl
    default: return nil
    }
  }

  /// The writer of this format.
  public var writer: any ReportWriter {
    switch self {
    case .table: TableReportWriter()
    case .csv: CSVReportWriter()
    case .json: JSONReportWriter()
    case .jsonl: JSONLinesReportWriter()
    }
  }
}

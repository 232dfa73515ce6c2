// SPDX-License-Identifier: Apache-2.0
// The report as CSV: a header and a line for each point, columns as in FrontierPoint.columns.

public import EsscherCore

/// Writes the points of a report as CSV.
public struct CSVReportWriter: ReportWriter {
  /// A writer; it has no state of its own.
  public init() {}

  /// The whole text; see ``ReportWriter``.
  public func text(of report: Report) -> String {
    let columns = FrontierPoint.columns
    var text = columns.map(\.name).joined(separator: ",") + "\n"
    for point in report.points {
      text += columns.map { CSVText.cell($0.cell(point)) }.joined(separator: ",") + "\n"
    }
    return text
  }
}

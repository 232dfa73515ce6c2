// SPDX-License-Identifier: Apache-2.0
// The report as JSON Lines: one object a point, keys as the CSV columns, nothing else.

public import EsscherCore

/// Writes the points of a report, a JSON object a line.
public struct JSONLinesReportWriter: ReportWriter {
  /// A writer; it has no state of its own.
  public init() {}

  /// The whole text; see ``ReportWriter``.
  public func text(of report: Report) -> String {
    report.points.map { JSONValue($0).compact + "\n" }.joined()
  }
}

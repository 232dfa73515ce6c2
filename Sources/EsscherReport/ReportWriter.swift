// SPDX-License-Identifier: Apache-2.0
// What every output format does: a report in, text out. A pure function, so that a format can be
// tested byte by byte; where the text goes is not its business.

public import EsscherCore

/// Renders a report in one format.
public protocol ReportWriter: Sendable {
  /// The whole text, ending in a line feed.
  ///
  /// - Edge cases: a number that is not finite is written as an undefined cell.
  func text(of report: Report) -> String
}

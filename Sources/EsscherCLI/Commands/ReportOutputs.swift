// SPDX-License-Identifier: Apache-2.0
// The open outputs of a frontier run. Files are created before the work starts and take their names
// together at its end, after standard output has taken its part.

internal import Esscher
internal import EsscherIO

/// Every place the report goes to.
struct ReportOutputs {
  private var files: [(file: OutputFile, format: OutputFormat)] = []
  private var standardOutput: OutputFormat?

  init(opening targets: [OutputTarget]) throws(EsscherError) {
    for target in targets {
      if let path = target.path {
        files.append((try OutputFile(creating: path), target.format))
      } else {
        standardOutput = target.format
      }
    }
  }

  /// Writes the report everywhere.
  /// - Parameter companion: a file that was filled meanwhile and belongs to the same result.
  func write(
    _ report: Report, with companion: OutputFile?, _ session: Session
  ) throws(EsscherError) {
    for (file, format) in files {
      try file.write(format.writer.text(of: report))
      try file.finish()
    }
    try companion?.finish()
    try session.checkCancelled()
    if let format = standardOutput {
      try session.console.print(writer(of: format, session).text(of: report))
    }
    for (file, _) in files { try file.commit() }
    try companion?.commit()
  }

  private func writer(of format: OutputFormat, _ session: Session) -> any ReportWriter {
    guard format == .table else { return format.writer }
    let paints = session.diagnostics.allowsColor && session.console.outputIsTerminal
    return TableReportWriter(dimsUntrusted: paints)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Where the report goes and in which format, from -o and --format.

internal import Esscher
internal import EsscherIO

/// One place for the report.
struct OutputTarget: Equatable {
  /// nil is standard output.
  let path: String?
  let format: OutputFormat

  static func resolve(_ record: LowArguments) throws(EsscherError) -> [OutputTarget] {
    guard !record.outputs.isEmpty else {
      return [OutputTarget(path: nil, format: record.format ?? .table)]
    }
    var targets: [OutputTarget] = []
    var usesFormat = false
    for name in record.outputs {
      if name == "-" {
        guard !targets.contains(where: { $0.path == nil }) else {
          throw EsscherError(.usage, "-o - is given twice; standard output takes one format.")
        }
        targets.append(OutputTarget(path: nil, format: record.format ?? .table))
        usesFormat = true
      } else if let format = OutputFormat(endingOf: name) {
        targets.append(OutputTarget(path: name, format: format))
        usesFormat = usesFormat || format == record.format
      } else if let format = record.format {
        targets.append(OutputTarget(path: name, format: format))
        usesFormat = true
      } else {
        throw EsscherError(
          .usage,
          "The ending of '\(name)' names no format; use .csv, .json, .jsonl or .txt, or add "
            + "--format.")
      }
    }
    if let format = record.format, !usesFormat, let first = targets.first {
      throw EsscherError(
        .usage,
        "--format \(format.rawValue) contradicts the ending of '\(first.path ?? "-")', which means "
          + "\(first.format.rawValue); drop one of them, or add -o - for standard output.")
    }
    return targets
  }
}

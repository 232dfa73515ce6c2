// SPDX-License-Identifier: Apache-2.0

public import EsscherCore

/// A format that inputs are read in.
public enum InputFormat: String, Sendable, CaseIterable {
  case npy
  case npz
  /// A JSON object a line.
  case jsonl
  case csv
  case tsv

  /// Whether samples come as text with named columns.
  var isText: Bool { self == .jsonl || self == .csv || self == .tsv }

  /// The format that a file's ending stands for.
  ///
  /// - Throws: `.usage` where the ending stands for none, with what it could be.
  public init(endingOf path: String) throws(EsscherError) {
    let base = path.split(separator: "/").last.map(String.init) ?? path
    let ending = base.lastIndex(of: ".").map { base[base.index(after: $0)...].lowercased() } ?? ""
    switch ending {
    case "ndjson": self = .jsonl
    case "tab": self = .tsv
    case "gz", "zst", "xz", "bz2":
      throw EsscherError(
        .usage,
        "is compressed; pipe it in, for example zcat FILE | esscher frontier - --input-format "
          + "jsonl", at: EsscherError.Location(file: path))
    default:
      guard let format = InputFormat(rawValue: ending) else {
        let known = Self.allCases.map { "." + $0.rawValue }.joined(separator: ", ")
        throw EsscherError(
          .usage,
          "has no ending that names a format (\(known)); say which with --input-format",
          at: EsscherError.Location(file: path))
      }
      self = format
    }
  }
}

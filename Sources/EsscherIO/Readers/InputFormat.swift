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

  /// Whether a file's ending says that it is compressed, which no reader undoes.
  static func isCompressed(_ path: String) -> Bool {
    ["gz", "zst", "xz", "bz2"].contains(ending(path))
  }

  private static func ending(_ path: String) -> String {
    let base = path.split(separator: "/").last.map(String.init) ?? path
    return base.lastIndex(of: ".").map { base[base.index(after: $0)...].lowercased() } ?? ""
  }

  /// The format that a file's ending stands for.
  ///
  /// - Throws: `.usage` where the ending stands for none, with what it could be.
  public init(endingOf path: String) throws(EsscherError) {
    let ending = Self.ending(path)
    switch ending {
    case "ndjson": self = .jsonl
    case "tab": self = .tsv
    case _ where Self.isCompressed(path):
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

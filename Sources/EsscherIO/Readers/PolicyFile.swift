// SPDX-License-Identifier: Apache-2.0
// The table of trained policies: name,kl,reward[,gold], one policy a line.

public import EsscherCore

/// Reads the table of `--policies`.
public enum PolicyFile {
  private static let columns = ["name", "kl", "reward", "gold"]

  /// Reads a CSV file, or TSV where its name ends so; other columns are left alone.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - computeDigest: hash the bytes for provenance.
  /// - Returns: the policies in the order of the file, and the input's record.
  /// - Throws: `.badInput` with line and remedy: a column is missing or there twice, a number is missing,
  ///   malformed or not finite, a KL is negative, a name is empty or there twice, or there is no line.
  public static func read(
    _ path: String, computeDigest: Bool
  ) throws(EsscherError) -> (policies: [PolicyPoint], record: InputRecord) {
    let file = try InputFile(path: path, name: path)
    let isTabbed = path.hasSuffix(".tsv")
    let digest = computeDigest ? try FileDigest.sha256(of: file, observer: RunObserver()) : nil
    let map = try MappedFile(file)
    var records = unsafe DelimitedRecords(
      map.bytes, separator: UInt8(ascii: isTabbed ? "\t" : ","), name: path)
    guard try records.next() else {
      throw EsscherError(
        .badInput, "holds no lines; the first names the columns, name,kl,reward[,gold]",
        at: EsscherError.Location(file: path))
    }
    let fields = records.fields.indices.map { records.text($0) }
    var places: [String: Int] = [:]
    for name in columns {
      let count = fields.count { $0 == name }
      guard count <= 1 else {
        throw EsscherError(
          .badInput, "has \(count) columns '\(name)'; keep one", at: records.place)
      }
      guard count == 1 || name == "gold" else {
        throw EsscherError(
          .badInput,
          "has no column '\(name)'; a table of policies has name,kl,reward and, where measured, gold",
          at: records.place)
      }
      places[name] = fields.firstIndex(of: name)
    }
    var policies: [PolicyPoint] = []
    while try records.next() {
      guard records.fields.count == fields.count else {
        throw EsscherError(
          .badInput,
          "\(records.fields.count) fields, and the header has \(fields.count); quote fields that hold "
            + "the separator", at: records.place)
      }
      policies.append(try policy(records, places, known: policies))
    }
    guard !policies.isEmpty else {
      throw EsscherError(
        .badInput, "has a header and no policy; add a line name,kl,reward for each",
        at: EsscherError.Location(file: path))
    }
    let record = InputRecord(
      role: "policies", name: path, format: isTabbed ? "tsv" : "csv", elementType: "text",
      shape: [policies.count], path: path, sha256: digest)
    return (policies, record)
  }

  private static func policy(
    _ records: DelimitedRecords, _ places: [String: Int], known: [PolicyPoint]
  ) throws(EsscherError) -> PolicyPoint {
    let name = places["name"].map { records.text($0) } ?? ""
    guard !name.isEmpty else {
      throw EsscherError(.badInput, "the policy has no name; give it one", at: records.place)
    }
    guard !known.contains(where: { $0.name == name }) else {
      throw EsscherError(
        .badInput, "the policy '\(name)' is there twice; give each a name of its own",
        at: records.place)
    }
    guard let kl = try number(records, places, "kl"),
      let reward = try number(records, places, "reward")
    else {
      throw EsscherError(
        .badInput, "the policy '\(name)' needs a kl and a reward; fill them in or drop the line",
        at: records.place)
    }
    guard kl >= 0 else {
      throw EsscherError(
        .badInput,
        "the KL of '\(name)' is negative (\(kl)), which only a noisy estimate can be; report the mean "
          + "of log(policy/base) under the policy over more samples, or 0", at: records.place)
    }
    return PolicyPoint(
      name: name, kl: kl, reward: reward, gold: try number(records, places, "gold"))
  }

  /// A number, nil where the cell is empty or there is no such column.
  private static func number(
    _ records: DelimitedRecords, _ places: [String: Int], _ column: String
  ) throws(EsscherError) -> Double? {
    guard let index = places[column] else { return nil }
    switch unsafe records.withBytes(index, { unsafe DecimalNumber($0, $1) }) ?? .missing {
    case .missing: return nil
    case .number(let value) where value.isFinite: return value
    case .number, .malformed:
      throw EsscherError(
        .badInput,
        "'\(records.text(index).prefix(60))' in column '\(column)' is not a finite number; correct it",
        at: records.place)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// CSV and TSV: tidy, one sample (or one prompt's counts) a line, with a header.

internal import EsscherCore

enum DelimitedReader {
  /// Reads a whole file.
  ///
  /// - Complexity: one pass over the bytes; memory does not grow with the number of samples.
  static func read(
    _ file: borrowing InputFile, separator: UInt8, use: TextUse, missing: MissingPolicy,
    spoolDirectory: String?, observer: RunObserver
  ) throws(EsscherError) -> TextTable {
    let map = try MappedFile(file)
    var records = unsafe DelimitedRecords(map.bytes, separator: separator, name: file.name)
    let columns = try header(&records, use: use)
    var builder = try TextTableBuilder(
      name: file.name, columns: columns.names, missing: missing, spoolDirectory: spoolDirectory)
    var prompt = PromptCursor()
    var released = 0
    var count = 0
    while try records.next() {
      guard records.fields.count == columns.count else {
        throw EsscherError(
          .badInput,
          "\(records.fields.count) fields, and the header has \(columns.count); quote fields that "
            + "hold the separator", at: records.place)
      }
      if columns.count == 1, records.blankLines > 0 {
        // With one column a blank line is an empty field, unless nothing follows it.
        for line in records.line - records.blankLines..<records.line {
          try builder.add(TextSample(), row: builder.row(prompt: nil), line: line)
        }
      }
      try take(records, columns, into: &builder, &prompt)
      count += 1
      guard count.isMultiple(of: 1 << 16) else { continue }
      if observer.isCancelled() { throw EsscherError.interruption }
      observer.progress("reading text", Double(records.position) / Double(file.size))
      map.release(released..<records.position)
      released = records.position
    }
    return try builder.finish()
  }

  /// Where the roles are; fields and not a table, because every record asks.
  private struct Columns {
    let names: TextColumns
    let count: Int
    let isCounts: Bool
    let prompt: Int?
    let reward: Int?
    let gold: Int?
    let logWeight: Int?
    let logProbability: Int?
    let sampleCount: Int?
    let correctCount: Int?

    init(_ names: TextColumns, fields: [String]) {
      func index(_ role: ColumnRole) -> Int? { names[role].flatMap(fields.firstIndex(of:)) }
      self.names = names
      count = fields.count
      isCounts = names.isCounts
      prompt = index(.prompt)
      reward = index(.reward)
      gold = index(.gold)
      logWeight = index(.logWeight)
      logProbability = index(.logProbability)
      sampleCount = index(.sampleCount)
      correctCount = index(.correctCount)
    }
  }

  /// The row of the last prompt, so that neighbours need no look-up.
  private struct PromptCursor {
    var field: DelimitedRecords.Field?
    var row = 0
  }

  private static func header(
    _ records: inout DelimitedRecords, use: TextUse
  ) throws(EsscherError) -> Columns {
    guard try records.next() else {
      throw EsscherError(
        .badInput, "holds no lines; write the scores to it first", at: records.place)
    }
    let fields = records.fields.indices.map { records.text($0) }
    if fields.contains(where: { $0.utf8.contains(UInt8(ascii: "\r")) }) {
      throw EsscherError(
        .badInput, "ends its lines with bare carriage returns; convert it with tr '\\r' '\\n'",
        at: EsscherError.Location(file: records.place.file))
    }
    for index in fields.indices {
      let cell = unsafe records.withBytes(index) { unsafe DecimalNumber($0, $1) }
      guard case .number = cell else { continue }
      throw EsscherError(
        .badInput,
        "the header holds the number '\(fields[index])', so that it looks like a line of data; the "
          + "first line must name the columns, for example prompt_id,reward", at: records.place)
    }
    var first = records
    let hasData = try first.next()
    let names = try TextColumns(fields: fields, use: use, place: records.place) { name, _, _ in
      // A guess must at least hold a number, or nothing, on the first line.
      guard hasData, let index = fields.firstIndex(of: name), index < first.fields.count else {
        return true
      }
      return unsafe first.withBytes(index) { unsafe DecimalNumber($0, $1) } != .malformed
    }
    return Columns(names, fields: fields)
  }

  private static func take(
    _ records: DelimitedRecords, _ columns: Columns, into builder: inout TextTableBuilder,
    _ cursor: inout PromptCursor
  ) throws(EsscherError) {
    if columns.isCounts {
      let prompt = columns.prompt.map { records.content($0) }
      try builder.add(
        samples: try number(records, columns, columns.sampleCount, .sampleCount),
        correct: try number(records, columns, columns.correctCount, .correctCount),
        prompt: prompt, line: records.line)
      return
    }
    let sample = TextSample(
      reward: try number(records, columns, columns.reward, .reward),
      gold: try number(records, columns, columns.gold, .gold),
      logWeight: try number(records, columns, columns.logWeight, .logWeight),
      logProbability: try number(records, columns, columns.logProbability, .logProbability))
    if let index = columns.prompt {
      if let last = cursor.field, records.isEqual(index, last) {
        // The same prompt as on the line before.
      } else {
        cursor = PromptCursor(
          field: records.fields[index], row: builder.row(prompt: records.content(index)))
      }
    } else {
      cursor.row = builder.row(prompt: nil)
    }
    try builder.add(sample, row: cursor.row, line: records.line)
  }

  /// The number in field `index`, NaN where there is no such column.
  @inline(__always)
  private static func number(
    _ records: DelimitedRecords, _ columns: Columns, _ index: Int?, _ role: ColumnRole
  ) throws(EsscherError) -> Double {
    guard let index else { return .nan }
    switch unsafe records.withBytes(index, { unsafe DecimalNumber($0, $1) }) ?? .malformed {
    case .number(let value): return value
    case .missing: return .nan
    case .malformed:
      throw EsscherError(
        .badInput,
        "'\(records.text(index).prefix(60))' in column '\(columns.names[role] ?? role.name)' is not "
          + "a number; correct it, leave it empty with --missing drop, or name another column with "
          + "--column \(role.name)=NAME", at: records.place)
    }
  }
}

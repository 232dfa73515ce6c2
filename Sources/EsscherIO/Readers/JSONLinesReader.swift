// SPDX-License-Identifier: Apache-2.0
// JSON lines: an object a prompt with lists, or an object a sample with numbers, or a prompt's counts.

internal import CJSONLines
internal import EsscherCore
internal import Glibc

/// An open JSON-lines file.
@safe
struct JSONLinesReader: ~Copyable {
  private let reader: OpaquePointer
  private let name: String

  /// Reads a whole file.
  ///
  /// - Complexity: one pass over the bytes; memory holds one line and the prompts' identifiers.
  static func read(
    _ file: borrowing InputFile, use: TextUse, missing: MissingPolicy, spoolDirectory: String?,
    observer: RunObserver
  ) throws(EsscherError) -> TextTable {
    let columns = try columns(file, use: use)
    let reader = try JSONLinesReader(file)
    var builder = try TextTableBuilder(
      name: file.name, columns: columns, missing: missing, spoolDirectory: spoolDirectory)
    reader.setRoles(columns)
    unsafe cjl_set_member(reader.reader, columns.rewardColumns.isEmpty ? use.member : 0)
    var nested = NestedScores(name: file.name)
    var line = unsafe cjl_line()
    var cursor = PromptCursor()
    var count = 0
    while try unsafe reader.next(&line) {
      try unsafe nested.look(at: line)
      try unsafe reader.take(line, columns, into: &builder, &cursor)
      count += 1
      guard count.isMultiple(of: 1 << 10) else { continue }
      if observer.isCancelled() { throw EsscherError.interruption }
      observer.progress(
        "reading text", Double(lseek(file.descriptor, 0, SEEK_CUR)) / Double(file.size))
    }
    var table = try builder.finish()
    if let names = try nested.memberNames(columns) { table.memberNames = names }
    return table
  }

  private init(_ file: borrowing InputFile) throws(EsscherError) {
    guard lseek(file.descriptor, 0, SEEK_SET) == 0,
      let opened = unsafe cjl_open(file.descriptor)
    else {
      throw EsscherError(.internal, "no memory to read \(file.name)")
    }
    unsafe reader = opened
    name = file.name
  }

  deinit { unsafe cjl_close(reader) }

  private var place: EsscherError.Location {
    EsscherError.Location(file: name, line: unsafe Int(cjl_line_number(reader)))
  }

  /// Lines whose fields are looked at before columns are chosen: optional ones may come late.
  private static let previewLines = 64

  /// Matches the fields of the first lines with roles.
  private static func columns(
    _ file: borrowing InputFile, use: TextUse
  ) throws(EsscherError) -> TextColumns {
    let reader = try JSONLinesReader(file)
    var fields: [String] = []
    var line = unsafe cjl_line()
    var first: Int?
    for _ in 0..<previewLines where try unsafe reader.next(&line) {
      first = unsafe first ?? Int(line.number)
      let names = unsafe cjl_fields(reader.reader).map { unsafe String(cString: $0) } ?? ""
      for bytes in names.utf8.split(separator: UInt8(ascii: "\n")) {
        let name = String(decoding: bytes, as: UTF8.self)
        if !fields.contains(name) { fields.append(name) }
      }
    }
    let place = EsscherError.Location(file: file.name, line: first)
    guard !fields.isEmpty else { throw TextRows.nothing(in: file.name) }
    var failure: EsscherError?
    let columns = try TextColumns(fields: fields, use: use, place: place) { name, role, rewards in
      do throws(EsscherError) {
        return try isNumeric(name, role, rewards, file)
      } catch {
        failure = error
        return false
      }
    }
    if let failure { throw failure }
    return columns
  }

  /// Whether a field holds numbers on the first lines, and where `rewards` is given as many as that.
  private static func isNumeric(
    _ name: String, _ role: ColumnRole, _ rewards: String?, _ file: borrowing InputFile
  ) throws(EsscherError) -> Bool {
    let reader = try JSONLinesReader(file)
    unsafe cjl_set_role(reader.reader, role.rawValue, name)
    if let rewards { unsafe cjl_set_role(reader.reader, ColumnRole.reward.rawValue, rewards) }
    var line = unsafe cjl_line()
    for _ in 0..<previewLines {
      switch unsafe Int(cjl_next(reader.reader, &line)) {
      case CJL_OK:
        // The first line that has the field decides.
        let fields = unsafe Fields(line)
        guard fields.count(role) > 0 else { continue }
        return rewards == nil || fields.count(role) == fields.count(.reward)
      case CJL_NOT_NUMBER, CJL_NESTED: return false
      default: return true
      }
    }
    return true
  }

  private func setRoles(_ columns: TextColumns) {
    for role in ColumnRole.allCases {
      if let name = columns[role] { unsafe cjl_set_role(reader, role.rawValue, name) }
    }
  }

  /// Reads a line; false at the end.
  private func next(_ line: inout cjl_line) throws(EsscherError) -> Bool {
    let status = unsafe cjl_next(reader, &line)
    if Int(status) == CJL_OK { return true }
    if Int(status) == CJL_END { return false }
    let detail = unsafe cjl_message(reader).map { unsafe String(cString: $0) } ?? ""
    let sentence =
      switch Int(status) {
      case CJL_READ_FAILED: "cannot be read: \(detail)"
      case CJL_NOT_JSON:
        "the line is not JSON (\(detail)); write one object a line, and null where a score is "
          + "missing (NaN is not JSON)"
      case CJL_NOT_OBJECT: "the line is JSON but not an object, such as {\"rewards\": [0.5, 1]}"
      case CJL_NOT_NUMBER:
        "'\(detail)' is not a number; correct it, write null with --missing drop, or name another "
          + "field with --column"
      case CJL_NESTED:
        "a list where a number is expected; rewards are one number a sample, or one list a sample "
          + "with a score of each model, and everything else is one number a sample"
      case CJL_RAGGED: NestedScores.ragged(detail)
      default: "no memory is left to parse the line"
      }
    throw EsscherError(.badInput, sentence, at: place)
  }

  /// Roles of which a line has as many numbers as rewards.
  private static let companions: [ColumnRole] = [.gold, .logWeight, .logProbability]

  /// The row of the last prompt, so that neighbouring lines need no look-up.
  private struct PromptCursor {
    var prompt: PromptKey = []
    var row: Int?
  }

  private func take(
    _ line: cjl_line, _ columns: TextColumns, into builder: inout TextTableBuilder,
    _ cursor: inout PromptCursor
  ) throws(EsscherError) {
    let number = unsafe Int(line.number)
    var isSamePrompt = false
    var prompt: PromptKey?
    if let column = columns[.prompt] {
      guard let text = unsafe line.prompt else {
        throw EsscherError(
          .badInput,
          "has no '\(column)', which other lines have; add it to every line, or name another field "
            + "with --column prompt=NAME", at: place)
      }
      let bytes = unsafe UnsafeRawBufferPointer(start: text, count: line.prompt_length)
      isSamePrompt = unsafe cursor.row != nil && cursor.prompt.elementsEqual(bytes)
      prompt = isSamePrompt ? cursor.prompt : unsafe PromptKey(bytes)
    }
    let fields = unsafe Fields(line)
    if columns.isCounts {
      guard !fields.isList(.sampleCount), !fields.isList(.correctCount) else {
        throw EsscherError(
          .badInput,
          "a list of counts; write one number in '\(columns[.sampleCount] ?? "")' and one in "
            + "'\(columns[.correctCount] ?? "")' a prompt", at: place)
      }
      try builder.add(
        samples: fields.first(.sampleCount), correct: fields.first(.correctCount), prompt: prompt,
        line: number)
      return
    }
    let isList = fields.isList(.reward)
    for role in Self.companions
    where columns[role] != nil && fields.has(role) {
      guard fields.has(.reward), fields.count(role) == fields.count(.reward) else {
        throw EsscherError(
          .badInput,
          "\(fields.count(role)) values in '\(columns[role] ?? "")', but \(fields.count(.reward)) "
            + "in '\(columns[.reward] ?? "")'; both must hold the same samples", at: place)
      }
    }
    let row: Int
    if isSamePrompt, let last = cursor.row {
      row = last
    } else {
      row = prompt == nil && isList ? builder.newRow() : builder.row(prompt: prompt)
      if let prompt { cursor = PromptCursor(prompt: prompt, row: row) }
    }
    guard fields.has(.reward) else {
      return try builder.add(TextSample(), row: row, line: number)
    }
    if fields.count(.reward) == 0 { return try builder.checkEmpty(line: number) }
    guard let rewards = unsafe fields.values(.reward) else { return }
    let gold = unsafe fields.values(.gold)
    let weights = unsafe fields.values(.logWeight)
    let probabilities = unsafe fields.values(.logProbability)
    for index in 0..<fields.count(.reward) {
      var sample = TextSample(reward: unsafe rewards[index])
      if let gold = unsafe gold { sample.gold = unsafe gold[index] }
      if let weights = unsafe weights { sample.logWeight = unsafe weights[index] }
      if let probabilities = unsafe probabilities {
        sample.logProbability = unsafe probabilities[index]
      }
      try builder.add(sample, row: row, line: number)
    }
  }

  /// The numbers of a line by role.
  @safe
  private struct Fields {
    private let line: cjl_line

    init(_ line: cjl_line) { unsafe self.line = line }

    /// An entry of one of the line's tables by role.
    @inline(__always)
    private static func entry<Table, Entry: BitwiseCopyable>(
      _ table: Table, _ role: ColumnRole, _ type: Entry.Type
    ) -> Entry {
      unsafe withUnsafeBytes(of: table) {
        unsafe $0.load(
          fromByteOffset: Int(role.rawValue) * MemoryLayout<Entry>.stride, as: Entry.self)
      }
    }

    /// The role's numbers, nil where the line lacks the field.
    @inline(__always)
    func values(_ role: ColumnRole) -> UnsafePointer<Double>? {
      unsafe Self.entry(line.values, role, UnsafePointer<Double>?.self)
    }

    func has(_ role: ColumnRole) -> Bool { unsafe values(role) != nil }
    func isList(_ role: ColumnRole) -> Bool {
      unsafe Self.entry(line.is_list, role, type(of: line.is_list.0)) != 0
    }
    func count(_ role: ColumnRole) -> Int {
      unsafe Int(Self.entry(line.counts, role, type(of: line.counts.0)))
    }

    /// NaN where the line lacks the field, or has an empty list.
    func first(_ role: ColumnRole) -> Double {
      guard count(role) > 0, let values = unsafe values(role) else { return .nan }
      return unsafe values[0]
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// From the names a user gave to a table the engine can run on.

public import EsscherCore
internal import Glibc

/// Opens inputs.
public enum RewardLoader {
  /// Opens every input: headers of arrays are read and their cells mapped, text is parsed into a
  /// temporary file.
  ///
  /// Where rewards and gold (or log weights) both come from text with prompt identifiers, rows are
  /// matched by them; otherwise by order.
  ///
  /// - Parameter observer: told of progress; may cancel.
  /// - Throws: `.badInput` for anything that cannot be read, `.usage` for a request that names no
  ///   format that is known, `.interrupted`.
  /// - Complexity: O(1) for arrays, a pass over the bytes for text and for digests.
  public static func load(
    _ request: LoadRequest, observer: RunObserver = RunObserver()
  ) throws(EsscherError) -> RewardTable {
    guard let path = request.rewards.first else {
      throw EsscherError(.usage, "no rewards were named; pass a file, or - for standard input")
    }
    let loader = Loader(
      request: request, chosen: try TextUse.chosen(request.columns), observer: observer)
    let rewards = try loader.rewards(path)
    var table = RewardTable(
      label: rewards.column ?? label(path), rewards: rewards.rows, gold: rewards.gold,
      logWeights: rewards.logWeights, logProbabilities: rewards.logProbabilities,
      promptIDs: rewards.prompts?.map { String(decoding: $0, as: UTF8.self) },
      inputs: [rewards.record])
    let ensemble = try loader.ensemble(beginningWith: rewards)
    table.members = ensemble.members
    table.inputs += ensemble.records
    if rewards.impliesOnePrompt {
      table.notes.append(
        "No column names the prompts, so all samples count as one prompt; name it with --column "
          + "prompt=NAME.")
    }
    for name in rewards.textualGold {
      table.notes.append(
        "The column '\(name)' begins with text and was not read as gold rewards; if it is, name it with "
          + "--column gold=\(name).")
    }
    if let gold = request.gold {
      let opened = try loader.companion(gold, .gold, of: rewards)
      table.gold = opened.source
      table.inputs.append(opened.record)
    }
    if let weights = request.logWeights {
      let opened = try loader.companion(weights, .logWeight, of: rewards)
      table.logWeights = opened.source
      table.inputs.append(opened.record)
    }
    if let logProbabilities = request.logProbabilities {
      let opened = try loader.companion(logProbabilities, .logProbability, of: rewards)
      table.logProbabilities = opened.source
      table.inputs.append(opened.record)
    }
    return table
  }

  /// A file's name without folder and ending.
  static func label(_ path: String) -> String {
    if path == "-" { return "stdin" }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return name }
    return String(name[..<dot])
  }

  /// `FILE[:key]`; a file whose own name has the colon is that file.
  static func split(_ text: String) -> (path: String, key: String?) {
    guard unsafe access(text, F_OK) != 0, let colon = text.lastIndex(of: ":") else {
      return (text, nil)
    }
    return (String(text[..<colon]), String(text[text.index(after: colon)...]))
  }
}

/// One input as it was loaded.
struct LoadedInput {
  var rows: RewardRows
  var gold: (any RewardSource)?
  var logWeights: (any RewardSource)?
  var logProbabilities: (any RewardSource)?
  var prompts: [PromptKey]?
  var column: String?
  /// Every reward model where there are several, `rows` being the first.
  var members: [RewardMember] = []
  var impliesOnePrompt = false
  var textualGold: [String] = []
  var record: InputRecord
}

/// Opens the inputs of one request.
struct Loader {
  let request: LoadRequest
  let chosen: [ColumnRole: String]
  let observer: RunObserver

  func rewards(_ path: String) throws(EsscherError) -> LoadedInput {
    let use = TextUse.rewards(
      chosen: chosen, ownGold: request.gold == nil, ownWeights: request.logWeights == nil,
      ownProbabilities: request.logProbabilities == nil)
    return try load(path, key: request.key, format: request.inputFormat, role: "rewards", use: use)
  }

  /// Gold rewards, log weights or log-probabilities, in the row order of the rewards.
  func companion(
    _ text: String, _ role: ColumnRole, of rewards: LoadedInput
  ) throws(EsscherError) -> (source: any RewardSource, record: InputRecord) {
    let (path, key) = RewardLoader.split(text)
    guard path != "-" else {
      throw EsscherError(.usage, "only the rewards can come from standard input; name a file")
    }
    let loaded = try load(
      path, key: key, format: nil, role: role.inputName,
      use: .companion(role, key: key, chosen: chosen))
    guard loaded.members.isEmpty else {
      throw EsscherError(
        .badInput,
        "holds \(loaded.members.count) numbers a sample, and one is needed; pass one of them",
        at: EsscherError.Location(file: path))
    }
    return (try Self.matched(loaded.rows, loaded, to: rewards), loaded.record)
  }

  /// Cells of another input in the row order of the rewards.
  static func matched(
    _ rows: RewardRows, _ loaded: LoadedInput, to rewards: LoadedInput
  ) throws(EsscherError) -> any RewardSource {
    let name = loaded.record.name
    guard case .cells(let source) = rows else {
      throw EsscherError(
        .badInput, "holds counts, and one number a sample is needed",
        at: EsscherError.Location(file: name))
    }
    guard let prompts = rewards.prompts, let others = loaded.prompts, prompts != others,
      let spooled = source as? SpooledRows
    else { return source }
    return spooled.reordered(
      try order(prompts, in: others, file: name, rewards: rewards.record.name))
  }

  /// Where each prompt's row lies in another file.
  private static func order(
    _ prompts: [PromptKey], in others: [PromptKey], file: String, rewards: String
  ) throws(EsscherError) -> [Int] {
    let place = EsscherError.Location(file: file)
    let rows = Dictionary(zip(others, others.indices), uniquingKeysWith: { first, _ in first })
    var order: [Int] = []
    for prompt in prompts {
      guard let row = rows[prompt] else {
        throw EsscherError(
          .badInput,
          "has no prompt '\(String(decoding: prompt, as: UTF8.self))', which \(rewards) has; both must hold the same "
            + "samples", at: place)
      }
      order.append(row)
    }
    guard others.count == prompts.count else {
      let known = Set(prompts)
      let extra = String(
        decoding: others.first { !known.contains($0) } ?? [], as: UTF8.self)
      throw EsscherError(
        .badInput,
        "has the prompt '\(extra)', which \(rewards) lacks; both must hold the same "
          + "samples", at: place)
    }
    return order
  }

  func load(
    _ path: String, key: String?, format: InputFormat?, role: String, use: TextUse
  ) throws(EsscherError) -> LoadedInput {
    // A missing file or a folder is the likelier mistake than a format, and is named first.
    let input = try OpenedInput.open(
      path, computeDigest: request.computeDigests, spoolDirectory: request.spoolDirectory,
      observer: observer)
    let format = try self.format(of: path, asked: format)
    if key != nil, format == .npy || (format.isText && role == "rewards") {
      throw EsscherError(
        .usage,
        "a key names an array of an .npz, and '\(path)' is read as \(format.rawValue); leave it out"
          + (format.isText ? ", or name the column with --column reward=NAME" : ""))
    }
    if request.dtype != nil, role == "rewards", format.isText {
      throw EsscherError(
        .usage, "--dtype is for .npy and .npz; the numbers of '\(path)' are text")
    }
    if !request.columns.isEmpty, role == "rewards", !format.isText {
      throw EsscherError(
        .usage, "--column is for .jsonl, .csv and .tsv; the arrays of '\(path)' have no columns")
    }
    var record = InputRecord(
      role: role, name: key.map { "\(path):\($0)" } ?? path, format: format.rawValue,
      elementType: "text", shape: [], path: path == "-" ? nil : path, sha256: input.sha256)
    if format.isText {
      let table = try text(input, format, use)
      record.shape = table.shape
      var members: [RewardMember] = []
      for (index, name) in table.memberNames.enumerated() {
        let own = index == 0 ? table : try text(input, format, use.member(index))
        guard case .cells(let source) = own.rewards else { continue }
        members.append(RewardMember(name: name, source: source))
      }
      return LoadedInput(
        rows: table.rewards, gold: table.gold, logWeights: table.logWeights,
        logProbabilities: table.logProbabilities, prompts: table.prompts,
        column: table.rewardColumn, members: members, impliesOnePrompt: table.impliesOnePrompt,
        textualGold: table.textualGold,
        record: record)
    }
    let source = try array(input, format, key: key, role: role)
    record.elementType = source.header.descr
    record.shape = source.header.shape
    guard source.memberCount > 1 else { return LoadedInput(rows: .cells(source), record: record) }
    let members = (0..<source.memberCount).map { index in
      RewardMember(
        name: "\(RewardLoader.label(path))[\(index)]", source: source.member(index))
    }
    return LoadedInput(rows: .cells(members[0].source), members: members, record: record)
  }

  /// The format that was asked for, or the ending's, or for a file beside the rewards theirs.
  private func format(
    of path: String, asked: InputFormat?
  ) throws(EsscherError) -> InputFormat {
    if let asked { return asked }
    do throws(EsscherError) {
      return try InputFormat(endingOf: path)
    } catch {
      guard let format = request.inputFormat, !InputFormat.isCompressed(path) else { throw error }
      return format
    }
  }

  private func array(
    _ input: borrowing OpenedInput, _ format: InputFormat, key: String?, role: String
  ) throws(EsscherError) -> NPYSource {
    let isMain = role == "rewards"
    // Beside the rewards --dtype only says what two opaque bytes are, if there are any.
    let dtype = NPYDType(name: request.dtype, mustMatch: isMain)
    guard format == .npz else { return try NPYSource(input.file, dtype: dtype) }
    let archive = try NPZArchive(
      path: input.path, name: input.file.name, keyRemedy: isMain ? "--key NAME" : "FILE:NAME")
    let member = try archive.unpack(
      key: key, directory: request.spoolDirectory, dtype: dtype, observer: observer)
    return try NPYSource(member, dtype: dtype)
  }

  private func text(
    _ input: borrowing OpenedInput, _ format: InputFormat, _ use: TextUse
  ) throws(EsscherError) -> TextTable {
    if format == .jsonl {
      return try JSONLinesReader.read(
        input.file, use: use, missing: request.missing, spoolDirectory: request.spoolDirectory,
        observer: observer)
    }
    let separator = format == .csv ? UInt8(ascii: ",") : UInt8(ascii: "\t")
    return try DelimitedReader.read(
      input.file, separator: separator, use: use, missing: request.missing,
      spoolDirectory: request.spoolDirectory, observer: observer)
  }
}

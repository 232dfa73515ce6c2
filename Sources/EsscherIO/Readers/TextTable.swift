// SPDX-License-Identifier: Apache-2.0
// What a text file holds, however it was written, and the checks that every sample passes on its way.

internal import EsscherCore

/// The samples or counts of a text file.
struct TextTable {
  /// Rewards as cells or counts.
  var rewards: RewardRows
  var gold: SpooledRows?
  var logWeights: SpooledRows?
  var logProbabilities: SpooledRows?
  /// Identifiers in row order, nil without a column of them.
  var prompts: [PromptKey]?
  /// Name of the column the rewards came from; nil for counts.
  var rewardColumn: String?
  /// Whether samples were taken as one prompt because nothing says otherwise.
  var impliesOnePrompt = false
  /// Columns that are named like gold rewards and were not read, because they hold text.
  var textualGold: [String] = []
  /// Names of several reward models, empty where there is one; `rewards` has the one that was read.
  var memberNames: [String] = []

  /// `[prompts, samples]`, with 0 samples where prompts differ.
  var shape: [Int] {
    switch rewards {
    case .counts(let counts): return Self.shape(counts.sampleCounts)
    case .cells(let source):
      return Self.shape((0..<source.rowCount).map { source.sampleCount(row: $0) })
    }
  }

  private static func shape(_ samples: [Int]) -> [Int] {
    [samples.count, Set(samples).count == 1 ? samples[0] : 0]
  }
}

/// Takes the lines of a text file in.
struct TextTableBuilder: ~Copyable {
  private let name: String
  private let columns: TextColumns
  // Asked for every sample, so not looked up.
  private let hasGold: Bool
  private let hasWeights: Bool
  private let hasProbabilities: Bool
  private let missing: MissingPolicy
  private var rows: TextRows
  /// Row of samples without identifier, which are one prompt together.
  private var onlyRow: Int?
  private var sampleCounts: [Int] = []
  private var correctCounts: [Int] = []

  init(
    name: String, columns: TextColumns, missing: MissingPolicy, spoolDirectory: String?
  ) throws(EsscherError) {
    let rows = try TextRows(
      name: name, hasPrompts: columns[.prompt] != nil, hasGold: columns[.gold] != nil,
      hasWeights: columns[.logWeight] != nil, hasProbabilities: columns[.logProbability] != nil,
      directory: spoolDirectory)
    self.name = name
    self.columns = columns
    hasGold = columns[.gold] != nil
    hasWeights = columns[.logWeight] != nil
    hasProbabilities = columns[.logProbability] != nil
    self.missing = missing
    self.rows = rows
  }

  /// Row of a prompt, or of the samples without one.
  mutating func row(prompt: PromptKey?) -> Int {
    if prompt != nil { return rows.row(prompt: prompt) }
    if let onlyRow { return onlyRow }
    let row = rows.row(prompt: nil)
    onlyRow = row
    return row
  }

  /// A row of its own.
  mutating func newRow() -> Int { rows.row(prompt: nil) }

  /// Adds a sample.
  ///
  /// - Throws: `.badInput` for a number that is infinite, and for a missing one unless such samples
  ///   are dropped.
  mutating func add(_ sample: TextSample, row: Int, line: Int) throws(EsscherError) {
    try check(sample.reward, .reward, line)
    if hasGold { try check(sample.gold, .gold, line) }
    if hasWeights { try check(sample.logWeight, .logWeight, line) }
    if hasProbabilities { try check(sample.logProbability, .logProbability, line) }
    try rows.add(sample, row: row)
  }

  @inline(__always)
  private func check(_ value: Double, _ role: ColumnRole, _ line: Int) throws(EsscherError) {
    guard !value.isFinite else { return }
    try refuse(value, role, line)
  }

  private func refuse(_ value: Double, _ role: ColumnRole, _ line: Int) throws(EsscherError) {
    let column = columns[role] ?? role.name
    if value.isNaN {
      guard missing == .error else { return }
      throw EsscherError(
        .badInput,
        "'\(column)' is missing; fill it in, or leave such samples out with --missing drop",
        at: EsscherError.Location(file: name, line: line))
    }
    throw EsscherError(
      .badInput,
      "'\(column)' is infinite or too large for a double; replace it by a finite number, or leave "
        + "it empty and add --missing drop", at: EsscherError.Location(file: name, line: line))
  }

  /// Notes a prompt that has no samples.
  ///
  /// - Throws: `.badInput` unless such prompts are dropped.
  func checkEmpty(line: Int) throws(EsscherError) {
    guard missing == .error else { return }
    throw EsscherError(
      .badInput,
      "the prompt has no samples; score some, or leave such prompts out with --missing drop",
      at: EsscherError.Location(file: name, line: line))
  }

  /// Adds a prompt's counts; NaN where one is missing.
  mutating func add(
    samples: Double, correct: Double, prompt: PromptKey?, line: Int
  ) throws(EsscherError) {
    let place = EsscherError.Location(file: name, line: line)
    let row = prompt == nil ? rows.row(prompt: nil) : rows.row(prompt: prompt)
    guard row == sampleCounts.count else {
      throw EsscherError(
        .badInput,
        "the prompt '\(String(decoding: prompt ?? [], as: UTF8.self))' was counted on an earlier line; add its counts up",
        at: place)
    }
    if samples.isNaN || correct.isNaN || samples == 0 {
      try checkEmpty(line: line)
      sampleCounts.append(0)
      correctCounts.append(0)
      return
    }
    guard let total = Int(exactly: samples), let right = Int(exactly: correct), total > 0,
      total <= 1 << 52, (0...total).contains(right)
    else {
      throw EsscherError(
        .badInput,
        "\(correct) correct of \(samples) samples is not possible; counts are whole numbers, and "
          + "no more can be correct than there are", at: place)
    }
    sampleCounts.append(total)
    correctCounts.append(right)
  }

  /// The whole table.
  ///
  /// - Throws: `.badInput` for a file without samples.
  consuming func finish() throws(EsscherError) -> TextTable {
    let (columns, name, impliesOnePrompt) = (columns, name, onlyRow != nil)
    let textualGold = columns.textualGold
    if columns.isCounts {
      guard !sampleCounts.isEmpty else { throw TextRows.nothing(in: name) }
      let counts = CountsTable(
        name: name, sampleCounts: sampleCounts, correctCounts: correctCounts)
      return TextTable(
        rewards: .counts(counts), prompts: columns[.prompt] == nil ? nil : rows.prompts,
        textualGold: textualGold)
    }
    let tables = try rows.finish()
    return TextTable(
      rewards: .cells(tables.rewards), gold: tables.gold, logWeights: tables.weights,
      logProbabilities: tables.probabilities, prompts: tables.prompts,
      rewardColumn: columns[.reward], impliesOnePrompt: impliesOnePrompt,
      textualGold: textualGold, memberNames: columns.rewardColumns)
  }
}

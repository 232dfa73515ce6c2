// SPDX-License-Identifier: Apache-2.0
// Collects the samples of a text file: grouped by prompt in order of first appearance, samples in file
// order, numbers spooled to disk and never held.

internal import EsscherCore
internal import Glibc

/// A prompt's identifier as the file spells it.
typealias PromptKey = [UInt8]

/// One sample's numbers; NaN where a cell is missing.
struct TextSample {
  var reward = Double.nan
  var gold = Double.nan
  var logWeight = Double.nan
  var logProbability = Double.nan
}

/// Builds ragged tables from samples that may come in any order of prompts.
struct TextRows: ~Copyable {
  let name: String
  private let directory: String?
  private let hasGold: Bool
  private let hasWeights: Bool
  private let hasProbabilities: Bool
  private let hasPrompts: Bool
  private var rewards: SpoolFile
  private var gold: SpoolFile
  private var weights: SpoolFile
  private var probabilities: SpoolFile
  /// Row of each run of neighbouring samples, and the run's length: pairs of doubles, on disk because
  /// there may be as many runs as samples.
  private var runs: SpoolFile
  private var runRow = -1
  private var runLength = 0
  private var isInterleaved = false
  /// By the identifier's bytes: equality of strings would merge spellings that Unicode calls the same.
  private var rowOfPrompt: [PromptKey: Int] = [:]
  private(set) var prompts: [PromptKey] = []
  private var counts: [Int] = []

  init(
    name: String, hasPrompts: Bool, hasGold: Bool, hasWeights: Bool, hasProbabilities: Bool,
    directory: String?
  ) throws(EsscherError) {
    // Everything that may throw comes before the first stored field.
    let rewards = try SpoolFile(directory: directory, purpose: name)
    let gold = try SpoolFile(directory: directory, purpose: name)
    let weights = try SpoolFile(directory: directory, purpose: name)
    let probabilities = try SpoolFile(directory: directory, purpose: name)
    let runs = try SpoolFile(directory: directory, purpose: name)
    self.name = name
    self.directory = directory
    self.hasPrompts = hasPrompts
    self.hasGold = hasGold
    self.hasWeights = hasWeights
    self.hasProbabilities = hasProbabilities
    self.rewards = rewards
    self.gold = gold
    self.weights = weights
    self.probabilities = probabilities
    self.runs = runs
  }

  /// Row of a prompt, a new one where it has not been seen. Without identifiers every call is a new
  /// row.
  mutating func row(prompt: PromptKey?) -> Int {
    guard hasPrompts, let prompt else {
      counts.append(0)
      return counts.count - 1
    }
    if let row = rowOfPrompt[prompt] { return row }
    rowOfPrompt[prompt] = counts.count
    prompts.append(prompt)
    counts.append(0)
    return counts.count - 1
  }

  /// Adds a sample to a row.
  mutating func add(_ sample: TextSample, row: Int) throws(EsscherError) {
    if row != runRow {
      try endRun()
      if counts[row] > 0 || row < runRow { isInterleaved = true }
      runRow = row
    }
    runLength += 1
    counts[row] += 1
    try rewards.append(sample.reward)
    if hasGold { try gold.append(sample.gold) }
    if hasWeights { try weights.append(sample.logWeight) }
    if hasProbabilities { try probabilities.append(sample.logProbability) }
  }

  static func nothing(in name: String) -> EsscherError {
    EsscherError(
      .badInput, "holds no samples; check that it is the file of scores",
      at: EsscherError.Location(file: name))
  }

  private mutating func endRun() throws(EsscherError) {
    guard runLength > 0 else { return }
    try runs.append(Double(runRow))
    try runs.append(Double(runLength))
    runLength = 0
  }

  /// The tables of rewards, gold, log weights and log-probabilities, with the prompts' identifiers.
  consuming func finish() throws(EsscherError) -> (
    rewards: SpooledRows, gold: SpooledRows?, weights: SpooledRows?, probabilities: SpooledRows?,
    prompts: [PromptKey]?
  ) {
    try endRun()
    guard rewards.size > 0 else { throw Self.nothing(in: name) }
    var offsets = [0]
    offsets.reserveCapacity(counts.count + 1)
    for count in counts { offsets.append(offsets[offsets.count - 1] + count) }
    let (name, directory, prompts) = (name, directory, hasPrompts ? prompts : nil)
    let order = isInterleaved ? try MappedFile(try runs.finish(name: name)) : nil
    let (hasGold, hasWeights, hasProbabilities) = (hasGold, hasWeights, hasProbabilities)
    let goldFile = hasGold ? try gold.finish(name: name) : nil
    let weightFile = hasWeights ? try weights.finish(name: name) : nil
    let probabilityFile = hasProbabilities ? try probabilities.finish(name: name) : nil
    let rewardFile = try rewards.finish(name: name)
    return (
      try Self.table(rewardFile, offsets, order, name, directory),
      try Self.optional(goldFile, offsets, order, name, directory),
      try Self.optional(weightFile, offsets, order, name, directory),
      try Self.optional(probabilityFile, offsets, order, name, directory), prompts
    )
  }

  private static func optional(
    _ file: consuming InputFile?, _ offsets: [Int], _ runs: MappedFile?, _ name: String,
    _ directory: String?
  ) throws(EsscherError) -> SpooledRows? {
    switch consume file {
    case .some(let file): try table(file, offsets, runs, name, directory)
    case .none: nil
    }
  }

  /// Maps a spool; where prompts were interleaved, its samples first go to their rows' places.
  private static func table(
    _ file: consuming InputFile, _ offsets: [Int], _ runs: MappedFile?, _ name: String,
    _ directory: String?
  ) throws(EsscherError) -> SpooledRows {
    let stored = try MappedFile(file)
    guard let runs else { return SpooledRows(name: name, offsets: offsets, file: stored) }
    let grouped = try GroupedSpool.scatter(
      stored, runs: runs, offsets: offsets, directory: directory, name: name)
    return SpooledRows(name: name, offsets: offsets, file: grouped)
  }
}

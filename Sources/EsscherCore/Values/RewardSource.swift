// SPDX-License-Identifier: Apache-2.0
// What the engine asks of an input: rows of numbers, read in any order, as often as a plan needs.
// Readers live in EsscherIO; the engine knows only these protocols and values.

/// How the cells of a source are stored, as far as the numbers care.
public enum CellStorage: Sendable, Equatable {
  /// Every cell is exactly a `Float`: f2, bf16, f4, integers up to 16 bits, booleans.
  case float32
  /// Cells need a `Double`: f8, integers of 32 bits and more, numbers from text.
  case float64
}

/// A prompt × sample table whose rows may differ in length.
///
/// Rows are prompts, columns are samples. A missing cell is a quiet NaN. Sources are immutable and
/// may be read from several threads at once.
public protocol RewardSource: Sendable {
  /// Name for messages and reports, as the user gave it.
  var name: String { get }
  /// P, the number of prompts.
  var rowCount: Int { get }
  /// How cells are stored; decides whether `copyFloats` may be called.
  var storage: CellStorage { get }
  /// Rows that are best read together (1 for row-major storage; more where neighbouring rows share
  /// pages, as in Fortran order). A hint for the tile plan.
  var preferredRowsPerRead: Int { get }
  /// Stored samples of one prompt, missing ones included.
  func sampleCount(row: Int) -> Int
  /// Stored samples of the longest prompt; known without a look at every row.
  var longestSampleCount: Int { get }

  /// Copies cells into `destination`, rows back to back.
  ///
  /// `columns` is a sub-range of the row when `rows` holds one row; it is `nil` for whole rows.
  /// `destination.count` equals the number of cells asked for. Memory that the source had to map for
  /// this read is released before it returns.
  /// - Precondition: `storage == .float32`.
  func copyFloats(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Float>
  ) throws(EsscherError)

  /// The cells of whole rows where they lie in memory, back to back, as long as the source lives; nil where they have
  /// to be copied.
  /// - Precondition: `storage == .float32`.
  func heldFloats(rows: Range<Int>) -> UnsafePointer<Float>?

  /// As `copyFloats`, converted to `Double`. Defined for either storage.
  func copyDoubles(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Double>
  ) throws(EsscherError)

  /// Where a cell came from, for messages.
  func location(row: Int, column: Int) -> EsscherError.Location
}

extension RewardSource {
  /// Of sources whose cells need doubles, which nobody may ask for floats.
  public func copyFloats(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Float>
  ) throws(EsscherError) {
    preconditionFailure("these cells need doubles")
  }

  /// Of sources that do not hold floats.
  public func heldFloats(rows: Range<Int>) -> UnsafePointer<Float>? { nil }
}

/// Correct-answer counts: prompt `p` is a row of `sampleCounts[p]` rewards of which
/// `correctCounts[p]` are 1 and the rest 0, never expanded.
public struct CountsTable: Sendable, Equatable {
  /// Name for messages.
  public var name: String
  /// M of each prompt.
  public var sampleCounts: [Int]
  /// Number of ones of each prompt.
  public var correctCounts: [Int]

  /// A table of counts; one correct count a sample count.
  public init(name: String, sampleCounts: [Int], correctCounts: [Int]) {
    precondition(sampleCounts.count == correctCounts.count, "one correct count a sample count")
    self.name = name
    self.sampleCounts = sampleCounts
    self.correctCounts = correctCounts
  }
}

/// The rewards of a run: cells, or counts that stand for cells.
public enum RewardRows: Sendable {
  case cells(any RewardSource)
  case counts(CountsTable)
}

/// What becomes of a missing cell (NaN, null, an empty field).
public enum MissingPolicy: String, Sendable, CaseIterable {
  /// The run stops and names the cell.
  case error
  /// The sample is dropped if any of its inputs lacks it, and a prompt left empty is dropped too.
  case drop
}

/// One input file as provenance reports it.
public struct InputRecord: Sendable, Equatable {
  /// What it was used as: `rewards`, `gold`, `log-weights`, `logprobs`.
  public var role: String
  /// The name the user gave, with `:key` where one was given.
  public var name: String
  /// Container format: `npy`, `npz`, `jsonl`, `csv`, `tsv`.
  public var format: String
  /// Element type as stored, for example `<f4`, or `text`.
  public var elementType: String
  /// Array shape as stored; `[prompts, samples]` for text, with 0 samples where prompts differ.
  public var shape: [Int]
  /// Path that can be opened to hash the bytes, or nil where the bytes are gone (a pipe is hashed
  /// while it is spooled).
  public var path: String?
  /// Lower-case hexadecimal SHA-256 of the bytes, once known.
  public var sha256: String?

  /// A record from its parts.
  public init(
    role: String, name: String, format: String, elementType: String, shape: [Int], path: String?,
    sha256: String? = nil
  ) {
    self.role = role
    self.name = name
    self.format = format
    self.elementType = elementType
    self.shape = shape
    self.path = path
    self.sha256 = sha256
  }
}

/// Everything a run reads: rewards, what goes with them, and where they came from.
public struct RewardTable: Sendable {
  /// Name of the reward: a column's name, or the file's without folder and ending.
  public var label: String
  /// The reward to tilt and to select by.
  public var rewards: RewardRows
  /// The reward models of an ensemble, in order; empty where there is one reward. Where there are several,
  /// `rewards` is the first and a run goes by `FrontierRequest.ensemble`.
  public var members: [RewardMember] = []
  /// Gold reward of the same samples; same row lengths as `rewards`.
  public var gold: (any RewardSource)?
  /// Log importance weights of the same samples; same row lengths as `rewards`.
  public var logWeights: (any RewardSource)?
  /// Log-probability under the base policy of the same samples, natural logarithms; same row lengths as
  /// `rewards`.
  public var logProbabilities: (any RewardSource)?
  /// Prompt identifiers in row order, or nil where the input has none.
  public var promptIDs: [String]?
  /// Files the table was read from.
  public var inputs: [InputRecord]
  /// Sentences about the input that the user should see.
  public var notes: [String] = []

  /// A table from its parts.
  public init(
    label: String, rewards: RewardRows, gold: (any RewardSource)? = nil,
    logWeights: (any RewardSource)? = nil, logProbabilities: (any RewardSource)? = nil,
    promptIDs: [String]? = nil, inputs: [InputRecord] = []
  ) {
    self.label = label
    self.rewards = rewards
    self.gold = gold
    self.logWeights = logWeights
    self.logProbabilities = logProbabilities
    self.promptIDs = promptIDs
    self.inputs = inputs
  }
  /// A table of several reward models.
  ///
  /// - Parameters:
  ///   - label: name of the input.
  ///   - members: at least two, of the same rows.
  ///   - gold: gold reward of the same samples.
  ///   - logWeights: log importance weights of the same samples.
  ///   - promptIDs: prompt identifiers in row order.
  ///   - inputs: files the table was read from.
  public init(
    label: String, members: [RewardMember], gold: (any RewardSource)? = nil,
    logWeights: (any RewardSource)? = nil, promptIDs: [String]? = nil, inputs: [InputRecord] = []
  ) {
    precondition(members.count > 1, "one reward is no ensemble")
    self.init(
      label: label, rewards: .cells(members[0].source), gold: gold, logWeights: logWeights,
      promptIDs: promptIDs, inputs: inputs)
    self.members = members
  }
}

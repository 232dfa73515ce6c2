// SPDX-License-Identifier: Apache-2.0

public import EsscherCore

/// What to read, as the user asked for it.
public struct LoadRequest: Sendable {
  /// The rewards: paths, or `-` for standard input; several are an ensemble.
  public var rewards: [String]
  /// Container format; nil to go by the file's ending.
  public var inputFormat: InputFormat?
  /// Member of a `.npz`.
  public var key: String?
  /// Gold reward of the same samples, `FILE[:key]`.
  public var gold: String?
  /// Log importance weights of the same samples, `FILE[:key]`.
  public var logWeights: String?
  /// Log-probabilities of the same samples, `FILE[:key]`.
  public var logProbabilities: String?
  /// Column names by role, from `--column role=name`.
  public var columns: [String: String]
  /// `bf16` where two opaque bytes a cell are bfloat16.
  public var dtype: String?
  /// What becomes of missing cells in text.
  public var missing: MissingPolicy
  /// Folder for temporary files; nil for TMPDIR, or /var/tmp where that is unset.
  public var spoolDirectory: String?
  /// Whether inputs are hashed for provenance.
  public var computeDigests: Bool

  /// A request; everything but the rewards has a default.
  public init(
    rewards: [String], inputFormat: InputFormat? = nil, key: String? = nil, gold: String? = nil,
    logWeights: String? = nil, logProbabilities: String? = nil, columns: [String: String] = [:],
    dtype: String? = nil, missing: MissingPolicy = .error, spoolDirectory: String? = nil,
    computeDigests: Bool = false
  ) {
    self.rewards = rewards
    self.inputFormat = inputFormat
    self.key = key
    self.gold = gold
    self.logWeights = logWeights
    self.logProbabilities = logProbabilities
    self.columns = columns
    self.dtype = dtype
    self.missing = missing
    self.spoolDirectory = spoolDirectory
    self.computeDigests = computeDigests
  }

  /// Every name that may be a file's, with and without a `:key`.
  public var possiblePaths: [String] {
    let names = rewards + [gold, logWeights, logProbabilities].compactMap(\.self)
    return names.flatMap { name in
      [name] + (name.lastIndex(of: ":").map { [String(name[..<$0])] } ?? [])
    }
  }
}

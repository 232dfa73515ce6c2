// SPDX-License-Identifier: Apache-2.0
// Passes whose prompts are spread over many runs. The pipeline is the same code in a whole run, in a shard and in a
// merge; only where a pass gets its result from differs.

internal import EsscherCore

/// One pass over the prompts: what is asked of each, so that answers of different shards belong together.
struct PassKey: Hashable {
  var name: String
  var parameters: [Double]
}

/// The passes of a sweep that are answered, and those that this process adds.
///
/// A shard answers the first passes that nobody has answered for all prompts and stops there, because what comes next
/// depends on all of them. A merge puts the shards' answers together and goes on until one is missing.
final class Sweep {
  /// Results over all prompts, by pass.
  private(set) var known: [PassKey: [UInt8]]
  /// What this process found of passes over its own prompts.
  private(set) var produced: [PassKey: [UInt8]] = [:]
  /// The shards' results, to be merged.
  private let offered: [PassKey: [[UInt8]]]
  /// Passes that a merge went without.
  private(set) var missing: Set<PassKey> = []
  /// Whether there are prompts to run passes over.
  let isShard: Bool
  /// Whether a shard's table holds the other prompts too: then a look at some is everybody's own.
  let readsEverything: Bool
  /// Whether grids are given, so that the main pass does not depend on the first one.
  private let hasGivenGrids: Bool
  private let hasGivenScale: Bool

  /// Curves whose default n depend on the shortest prompt.
  private static let curvesOfN: Set<Curve> = [
    .bestOfN, .bestOfPoisson, .rewindAndRepeat, .softBestOfN, .equalKL,
  ]

  private init(
    known: [PassKey: [UInt8]], offered: [PassKey: [[UInt8]]], isShard: Bool,
    readsEverything: Bool, request: FrontierRequest
  ) {
    self.known = known
    self.readsEverything = readsEverything
    self.offered = offered
    self.isShard = isShard
    hasGivenGrids =
      (request.lambdas != nil || !request.curves.contains(.tilt))
      && (request.bestOf != nil || request.curves.isDisjoint(with: Self.curvesOfN))
      && request.klBudgets.isEmpty && request.policies.isEmpty
    hasGivenScale = request.standardize != nil && request.standardize != .model
  }

  /// Passes over a shard's prompts, behind those that are known.
  static func shard(
    after known: [PassKey: [UInt8]], readsEverything: Bool, _ request: FrontierRequest
  ) -> Sweep {
    Sweep(
      known: known, offered: [:], isShard: true, readsEverything: readsEverything,
      request: request)
  }

  /// What the shards say, and what was known before.
  static func merge(
    after known: [PassKey: [UInt8]], _ offered: [PassKey: [[UInt8]]], readsEverything: Bool,
    _ request: FrontierRequest
  ) -> Sweep {
    Sweep(
      known: known, offered: offered, isShard: false, readsEverything: readsEverything,
      request: request)
  }

  /// What a pass throws whose result has to wait for other shards.
  static let suspension = EsscherError(
    .anotherRound, "the sweep needs another round: run its shards again after this merge")

  /// The result of a pass over all prompts, or over the shard's own where the next pass can be asked for without the
  /// others.
  func result<Partial: PartialResult>(
    of key: PassKey, _ empty: Partial,
    _ run: (inout Partial) throws(EsscherError) -> Void
  ) throws(EsscherError) -> Partial {
    if let bytes = known[key] { return try Self.read(bytes, empty) }
    guard isShard else {
      guard let parts = offered[key], let first = parts.first else {
        missing.insert(key)
        throw Self.suspension
      }
      var merged = try Self.read(first, empty)
      for part in parts.dropFirst() { merged.merge(try Self.read(part, empty)) }
      known[key] = try Self.bytes(of: merged)
      return merged
    }
    var partial = empty
    if let bytes = produced[key] {
      partial = try Self.read(bytes, empty)
    } else {
      try run(&partial)
      partial.releaseScratch()
      produced[key] = try Self.bytes(of: partial)
    }
    guard goesOn(after: key) else { throw Self.suspension }
    return partial
  }

  private func goesOn(after key: PassKey) -> Bool {
    let path = key.name.split(separator: "/").map(String.init)
    return switch path.last {
    case MatrixScan.logProbabilityPass: true
    case MatrixOverview.pass:
      hasGivenGrids && known.isEmpty && !path.contains(GoldFrontier.scope)
    case EnsembleScale.pass: hasGivenScale
    case GridProbes.pass: true
    default: false
    }
  }

  private static func read<Partial: PartialResult>(
    _ bytes: [UInt8], _ empty: Partial
  ) throws(EsscherError) -> Partial {
    var coder = StateCoder(reading: bytes)
    var partial = empty
    try coder.code(&partial)
    guard coder.isAtEnd else { throw StateCoder.damaged }
    return partial
  }

  private static func bytes(of partial: some PartialResult) throws(EsscherError) -> [UInt8] {
    var coder = StateCoder()
    var partial = partial
    try coder.code(&partial)
    return coder.bytes
  }
}

extension MatrixScan {
  /// Runs a pass over the prompts of the scan, or takes its result from elsewhere.
  ///
  /// - Parameters:
  ///   - name: what the pass does.
  ///   - parameters: everything that its result depends on beside the table and the request.
  ///   - empty: the result over no prompts.
  ///   - run: adds the scan's own prompts.
  func pass<Partial: PartialResult>(
    _ name: String, by parameters: [Double] = [], from empty: consuming Partial,
    _ run: (inout Partial) throws(EsscherError) -> Void
  ) throws(EsscherError) -> Partial {
    guard let sweep else {
      var partial = empty
      try run(&partial)
      partial.releaseScratch()
      return partial
    }
    let key = PassKey(name: scope + name, parameters: parameters)
    return try sweep.result(of: key, empty, run)
  }

  /// Does what does not depend on what comes next, so that its passes share a round with the next ones'; nil where it
  /// waits for other shards.
  func attempt<Result>(
    _ body: () throws(EsscherError) -> Result
  ) throws(EsscherError) -> Result? {
    do throws(EsscherError) {
      return try body()
    } catch {
      guard sweep != nil, error.code == .anotherRound else { throw error }
      return nil
    }
  }

  /// Prompts whose samples can be looked at: none in a merge.
  var rowsAtHand: Range<Int> { sweep.map { $0.isShard ? rows : 0..<0 } ?? rows }

  /// Whether every process of the sweep can read any row, so that a look at some needs no round.
  var canLookAnywhere: Bool { sweep?.readsEverything ?? true }

  /// Whether results are of some prompts only.
  var isShard: Bool { sweep?.isShard ?? false }
}

// MARK: Results of the simplest passes

/// Something that is so where any part says so.
struct AnyFlag: PartialResult {
  var isSet = false

  mutating func merge(_ other: AnyFlag) { isSet = isSet || other.isSet }

  mutating func code(_ coder: inout StateCoder) throws(EsscherError) { try coder.code(&isSet) }
}

/// Sums over prompts, and how many prompts there were.
struct PromptSums: PartialResult {
  var sums: [ExactSum]
  var promptCount = 0

  init(count: Int) { sums = Array(repeating: ExactSum(), count: count) }

  /// Means over the prompts; of none, 0.
  var means: [Double] { sums.map { $0.value / Double(max(1, promptCount)) } }

  mutating func merge(_ other: PromptSums) {
    sums.merge(other.sums)
    promptCount += other.promptCount
  }

  mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.code(&sums)
    try coder.code(&promptCount)
  }
}

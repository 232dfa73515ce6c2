// SPDX-License-Identifier: Apache-2.0
// Sweeps whose prompts are spread over many runs: a shard of one, and the merge of all.

internal import EsscherCPU
public import EsscherCore

/// Which prompts a shard takes.
public struct Shard: Sendable, Equatable {
  /// Number of the shard, from 1.
  public let index: Int
  /// Shards of the sweep.
  public let count: Int

  /// Most shards of a sweep.
  public static let most = 1_000_000

  /// Shard `index` of `count`; nil unless 1 ≤ index ≤ count ≤ ``most``.
  public init?(index: Int, count: Int) {
    guard (1...Self.most).contains(count), (1...count).contains(index) else { return nil }
    self.index = index
    self.count = count
  }

  /// Neighbouring prompts, as even as they go; none where there are more shards than prompts.
  ///
  /// - Parameter promptCount: P over all shards.
  public func rows(of promptCount: Int) -> Range<Int> {
    // ⌊P·i/N⌋, with the product of the rest alone: both are below N.
    let (quotient, rest) = promptCount.quotientAndRemainder(dividingBy: count)
    func end(_ index: Int) -> Int {
      quotient * index + count.dividingFullWidth(rest.multipliedFullWidth(by: index)).quotient
    }
    return end(index - 1)..<end(index)
  }
}

/// What a merge comes to.
public enum SweepOutcome: Sendable {
  /// The report of the whole sweep, and the state that says so.
  case report(Report, SweepState)
  /// The shards have to run again, by this state.
  case nextRound(SweepState)
}

extension Engine {
  /// Runs the passes of one round over a shard's prompts.
  ///
  /// Everything that is not about the shard's own prompts comes from the merge before: so every shard takes the same
  /// decisions, and the merged report has the bits of one run over all prompts, on the same kind of device.
  ///
  /// - Parameters:
  ///   - table: of all P prompts, of which only the shard's, and a few for the default grid, are read.
  ///   - request: as ``frontier(_:_:observer:commandLine:)``; the same for every shard and round.
  ///   - shard: which prompts.
  ///   - previous: the merge of the round before; nil in the first round.
  ///   - observer: told of progress; lines of single prompts are not offered.
  /// - Returns: the partial result; nil where `previous` is the finished sweep of this question.
  /// - Throws: as ``frontier(_:_:observer:commandLine:)``, and `.badInput` where `previous` is of another question or
  ///   version, or a shard's.
  /// - Complexity: a pass or two of the whole run's over the shard's prompts.
  public func shard(
    _ table: RewardTable, _ request: FrontierRequest, shard: Shard, after previous: SweepState?,
    observer: RunObserver = RunObserver()
  ) throws(EsscherError) -> SweepState? {
    try self.shard(
      table, request, shard: shard,
      rows: shard.rows(of: SweepQuestion(request, table).promptCount), readsEverything: true,
      after: previous, observer: observer)
  }

  /// As above, of a table that holds the shard's prompts alone. With a default grid the look at a few prompts takes
  /// some rounds more, in which most shards have nothing to do.
  ///
  /// - Parameters:
  ///   - part: of the shard's prompts.
  ///   - request: the same for every shard and round.
  ///   - shard: which shard it is.
  ///   - rows: the places of its prompts among all; shards in order hold every prompt once.
  ///   - promptCount: P over all shards.
  ///   - previous: the merge of the round before; nil in the first round.
  ///   - observer: told of progress; lines of single prompts are not offered.
  /// - Returns: as above.
  /// - Throws: as above, and `.usage` where the part has another number of prompts, or none are where it is said.
  public func shard(
    part: RewardTable, _ request: FrontierRequest, shard: Shard, rows: Range<Int>,
    of promptCount: Int, after previous: SweepState?, observer: RunObserver = RunObserver()
  ) throws(EsscherError) -> SweepState? {
    let held = SweepQuestion(request, part).promptCount
    guard held == rows.count, rows.lowerBound >= 0, rows.upperBound <= promptCount else {
      throw EsscherError(
        .usage,
        "the part has \(held) prompts, and was said to be prompts \(rows.lowerBound) to "
          + "\(rows.upperBound) of \(promptCount); say which prompts it holds")
    }
    return try self.shard(
      part.window(rows, of: promptCount), request, shard: shard, rows: rows,
      readsEverything: false, after: previous, observer: observer)
  }

  /// Both of the above.
  ///
  /// - Parameter readsEverything: whether every shard's table holds all prompts.
  private func shard(
    _ table: RewardTable, _ request: FrontierRequest, shard: Shard, rows: Range<Int>,
    readsEverything: Bool, after previous: SweepState?, observer: RunObserver
  ) throws(EsscherError) -> SweepState? {
    let question = SweepQuestion(request, table)
    if let previous {
      try Self.check(previous, question)
      try Self.check(previous, table.inputs, readsEverything: readsEverything)
      guard !previous.isFinished else { return nil }
    }
    var observer = observer
    observer.promptPoints = nil
    var choice = try DeviceChoice.resolve(request, table: table)
    let sweep = Sweep.shard(
      after: Sweep.results(previous?.passes ?? []), readsEverything: readsEverything, request)
    func run(_ backend: any Backend, _ sweep: Sweep) throws(EsscherError) {
      var clock = StageClock()
      let scan = MatrixScan(
        table: table, backend: backend, observer: observer, rows: rows, sweep: sweep)
      do throws(EsscherError) {
        _ = try Self.run(scan, request, &clock)
      } catch {
        guard error.code == .anotherRound else { throw error }
      }
    }
    var finished = sweep
    do throws(EsscherError) {
      try run(choice.backend, sweep)
    } catch {
      guard error.code == .deviceUnavailable, choice.mayFallBack else { throw error }
      choice.backend = CPUBackend(
        threads: request.threads, memoryBudgetBytes: request.memoryBudgetBytes)
      finished = Sweep.shard(
        after: Sweep.results(previous?.passes ?? []), readsEverything: readsEverything, request)
      try run(choice.backend, finished)
    }
    let keys = Set(finished.produced.keys)
    guard (previous?.pending ?? []).allSatisfy({ keys.contains(PassKey($0)) }) else {
      throw EsscherError(
        .badInput,
        "this machine's arithmetic places points differently from the one that merged; merge on a "
          + "machine of the same kind as the shards'")
    }
    return SweepState(
      version: Self.version, part: .shard(index: shard.index, count: shard.count, rows: rows),
      round: previous?.round ?? 0, isFinished: false, readsEverything: readsEverything,
      devices: [choice.backend.name],
      question: question, inputs: table.inputs, notes: table.notes,
      passes: Sweep.passes(finished.produced), predecessor: previous?.checksum ?? 0)
  }

  /// A shard goes by the merge of its own question only.
  private static func check(
    _ previous: SweepState, _ question: SweepQuestion
  ) throws(EsscherError) {
    guard previous.part == .merged else {
      throw EsscherError(
        .badInput, "is the state of a shard; a shard goes on after what esscher merge wrote")
    }
    guard previous.version == version else { throw otherVersion(previous.version) }
    if let (name, own, others) = question.difference(from: previous.question) {
      throw EsscherError(
        .badInput,
        "asks another question: \(name) is \(others) there and \(own) here; repeat the options of "
          + "the first round")
    }
  }

  /// A shard reads what the shards before read.
  private static func check(
    _ previous: SweepState, _ inputs: [InputRecord], readsEverything: Bool
  ) throws(EsscherError) {
    guard previous.readsEverything == readsEverything else {
      throw EsscherError(
        .badInput,
        "is of a sweep whose shards were given \(previous.readsEverything ? "all" : "their own") prompts, and this "
          + "one is given \(readsEverything ? "all" : "its own"); make every shard in one way")
    }
    guard !readsEverything || SweepRound.areAlike(inputs, previous.inputs) else {
      throw EsscherError(
        .badInput,
        "is of a sweep over another table (\(previous.inputs.map(\.name).joined(separator: ", "))), not of the "
          + "same kind or shape; give every shard and round the same files")
    }
  }

  private static func otherVersion(_ version: String) -> EsscherError {
    EsscherError(
      .badInput,
      "was made by Esscher \(version), and this is \(Self.version); use one version for a whole sweep"
    )
  }

  // MARK: Merge

  /// Puts the shards of a round together.
  ///
  /// The order of the states changes nothing.
  ///
  /// - Parameters:
  ///   - states: one of every shard, and from the second round on the merged state that they went by; each with a
  ///     name for messages. A merged state that is finished gives its report again, whatever is beside it.
  ///   - commandLine: for the report.
  /// - Throws: `.badInput` for states of different questions, versions or rounds, and for repeated or missing
  ///   shards.
  /// - Complexity: O(states × size of a state).
  public func merge(
    _ states: [(name: String, state: SweepState)], commandLine: [String] = []
  ) throws(EsscherError) -> SweepOutcome {
    let finished = states.first {
      $0.state.part == .merged && $0.state.isFinished && $0.state.version == Self.version
    }
    let round: SweepRound
    if let finished {
      for other in states {
        try SweepRound.checkQuestion(other, finished)
      }
      round = SweepRound(finished: finished.state)
    } else {
      round = try SweepRound(states, version: Self.version)
    }
    let question = round.question
    let request = question.request
    var clock = StageClock()
    let backend = CPUBackend(threads: 1, memoryBudgetBytes: request.memoryBudgetBytes)
    let sweep = Sweep.merge(
      after: round.known, round.offered, readsEverything: round.readsEverything, request)
    var table = question.table
    table.notes = round.notes
    table.inputs = round.inputs
    let scan = MatrixScan(
      table: table, backend: backend, observer: RunObserver(), sweep: sweep)
    var result: FrontierResult?
    do throws(EsscherError) {
      result = try clock.time("merging") { () throws(EsscherError) in
        var clock = StageClock()
        return try Self.run(scan, request, &clock)
      }
    } catch {
      guard error.code == .anotherRound else { throw error }
    }
    let pending = sweep.missing.map {
      SweepState.Pass(name: $0.name, parameters: $0.parameters, result: [])
    }
    guard result != nil || sweep.known.count > round.known.count else {
      throw EsscherError(
        .badInput,
        "the shards do not answer what comes next: they were run on machines whose arithmetic differs "
          + "from this one's; merge on a machine of the same kind")
    }
    let merged = SweepState(
      version: Self.version, part: .merged,
      round: round.number + (round.offered.isEmpty ? 0 : 1), isFinished: result != nil,
      readsEverything: round.readsEverything, devices: round.devices, question: question,
      inputs: round.inputs, notes: round.notes,
      passes: Sweep.passes(sweep.known), pending: pending)
    guard let result else { return .nextRound(merged) }
    var provenance = Provenance(
      version: Self.version, commandLine: commandLine, inputs: round.inputs,
      promptCount: result.overview.promptCount, sampleCountMinimum: result.overview.shortest,
      sampleCountMaximum: result.overview.longest, droppedSamples: result.overview.droppedSamples,
      droppedPrompts: result.overview.droppedPrompts,
      device: round.devices.joined(separator: "; "), driver: nil, fallbacks: [],
      precision: request.precision ?? table.defaultPrecision, threads: backend.threads,
      memoryBudgetBytes: request.memoryBudgetBytes, seed: request.seed,
      resamples: request.resamples, confidence: request.confidence, stages: clock.stages)
    provenance.tilts = result.tilts
    var warnings = result.warnings
    if round.devices.count > 1 {
      warnings.append(
        "The shards ran on different devices (\(round.devices.joined(separator: "; "))), so that the "
          + "last digits may differ from those of one run.")
    }
    return .report(
      Report(points: result.points, provenance: provenance, warnings: warnings), merged)
  }
}

// SPDX-License-Identifier: Apache-2.0
// The first look at an ensemble: whether every cell is there, and how far the models' scores spread.

internal import EsscherCPU
internal import EsscherCore

/// The common scale of an ensemble's members.
struct EnsembleScale {
  /// The members on that scale.
  let cells: MemberCells
  private(set) var notes: [String] = []

  /// Standard deviations may differ by this factor before a scale has to be chosen.
  static let largestRatio = 2.0

  /// - Throws: `.badInput` for an infinite score, and for a missing one unless such samples are dropped,
  ///   naming the member's own cell; `.usage` where nobody chose a scale and the spreads ask for a choice.
  init(
    _ members: [RewardMember], request: FrontierRequest, threads: Int, observer: RunObserver
  ) throws(EsscherError) {
    let scan = MemberScan(
      members: members, missing: request.missing, threads: threads, observer: observer)
    let (moments, missing) = try scan.moments()
    for (member, moments) in zip(members, moments) where !moments.standardDeviation.isFinite {
      throw EsscherError(
        .badInput, "the scores of this model spread too far for a double; rescale them",
        at: EsscherError.Location(file: member.source.name))
    }
    if request.standardize == nil { try Self.refuseUnlikeSpreads(members, moments) }
    let scaling: MemberScaling =
      switch request.standardize ?? .none {
      case .none: .none
      case .model:
        .model(
          centres: moments.map(\.mean),
          factors: moments.map { MemberCells.factor($0.standardDeviation) })
      case .prompt: .prompt
      }
    cells = MemberCells(members: members, scaling: scaling, mayMiss: missing > 0)
    guard scaling != .none else { return }
    for (member, moments) in zip(members, moments) where moments.standardDeviation == 0 {
      notes.append("The scores of \(member.name) are all equal; standardised they are all 0.")
    }
  }

  /// One member on the common scale; the others are read beside it only where they may lack samples.
  func source(of index: Int) -> any RewardSource {
    if cells.scaling == .none, !cells.mayMiss { return cells.members[index].source }
    guard !cells.mayMiss else { return MemberSource(cells: cells, index: index) }
    let scaling: MemberScaling =
      switch cells.scaling {
      case .model(let centres, let factors):
        .model(centres: [centres[index]], factors: [factors[index]])
      case .none: .none
      case .prompt: .prompt
      }
    return MemberSource(
      cells: MemberCells(members: [cells.members[index]], scaling: scaling, mayMiss: false),
      index: 0
    )
  }

  private static func refuseUnlikeSpreads(
    _ members: [RewardMember], _ moments: [ShiftedMoments]
  ) throws(EsscherError) {
    let deviations = moments.map(\.standardDeviation)
    let (lowest, highest) = (deviations.min() ?? 0, deviations.max() ?? 0)
    guard highest > largestRatio * lowest else { return }
    let list = zip(members, deviations).map { "\($0.name) \(rounded($1))" }
    let ratio = lowest > 0 ? "\(rounded(highest / lowest)) times apart" : "one of them 0"
    throw EsscherError(
      .usage,
      "the reward models' standard deviations are \(ratio) (\(list.joined(separator: ", "))), so that "
        + "the widest would decide alone; choose --standardize model, or prompt, or none to take the "
        + "scores as they are")
  }

  /// Four digits, for sentences.
  private static func rounded(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return value }
    let places = 3 - Int(Elementary.log10(value).rounded(.down))
    // Powers up to 10^22 are exact, so that one division gives the nearest double.
    guard places.magnitude <= 22 else { return value }
    var power = 1.0
    for _ in 0..<places.magnitude { power *= 10 }
    return places >= 0 ? (value * power).rounded() / power : (value / power).rounded() * power
  }
}

/// One pass over every member's scores.
struct MemberScan {
  let members: [RewardMember]
  let missing: MissingPolicy
  let threads: Int
  let observer: RunObserver

  /// Cells that one worker takes at a time. Chunks decide the order of sums and so depend on nothing else.
  private static let cellsPerChunk = 1 << 16
  /// Chunks between two looks at whether the run was cancelled.
  private static let chunksPerTile = 64

  private struct Part: Sendable {
    var moments: [ShiftedMoments]
    var missing = 0
  }

  /// Moments of each member over the samples that all of them scored, and how many samples some lack.
  func moments() throws(EsscherError) -> (moments: [ShiftedMoments], missing: Int) {
    let source = members[0].source
    let rows = source.rowCount
    let cells = MemberCells(members: members, scaling: .none)
    var total = Part(moments: try shifts(cells).map { ShiftedMoments(shift: $0) })
    let empty = total
    // Not the whole scan: its observer's callbacks belong to this thread.
    let worker = Worker(cells: cells, missing: missing)
    let chunk = max(
      cells.preferredRowsPerRead, 1, Self.cellsPerChunk / max(1, source.longestSampleCount))
    var start = 0
    while start < rows {
      if observer.isCancelled() { throw EsscherError.interruption }
      let tile = start..<min(rows, start + chunk * Self.chunksPerTile)
      let chunks = (tile.count + chunk - 1) / chunk
      var parts = [Part](repeating: empty, count: chunks)
      var failure: EsscherError?
      unsafe parts.withUnsafeMutableBufferPointer { buffer in
        let slots = unsafe DisjointSlots(buffer)
        do throws(EsscherError) {
          try ParallelTiles.forEach(
            count: tile.count, chunk: chunk, threads: threads, makeScratch: {},
            body: { (offsets: Range<Int>, _: Void) throws(EsscherError) in
              var part = empty
              let rows =
                tile.lowerBound + offsets.lowerBound..<tile.lowerBound + offsets.upperBound
              try worker.add(rows, to: &part)
              slots.set(offsets.lowerBound / chunk, part)
            })
        } catch { failure = error }
      }
      if let failure { throw failure }
      for part in parts {
        total.missing += part.missing
        for index in members.indices { total.moments[index].merge(part.moments[index]) }
      }
      start = tile.upperBound
      observer.progress("comparing models", Double(start) / Double(rows))
    }
    return (total.moments, total.missing)
  }

  /// A score of each member near the others: those of the first sample that all of them scored.
  private func shifts(_ cells: MemberCells) throws(EsscherError) -> [Double] {
    for row in 0..<members[0].source.rowCount {
      var found: [Double]?
      try cells.forEachSegment(rows: row..<row + 1) { segment in
        guard found == nil else { return }
        for index in 0..<segment.columns.count where segment.isPresent(index) {
          found = members.indices.map { segment.score($0, index) }
          return
        }
      }
      if let found, found.allSatisfy(\.isFinite) { return found }
    }
    return members.map { _ in 0 }
  }

  /// What a worker needs to look at some rows.
  private struct Worker: Sendable {
    let cells: MemberCells
    let missing: MissingPolicy

    func add(_ rows: Range<Int>, to part: inout Part) throws(EsscherError) {
      let members = cells.members.indices
      try cells.forEachSegment(rows: rows, raw: true) { (segment) throws(EsscherError) in
        for index in 0..<segment.columns.count {
          var sum = 0.0
          for member in members { sum += segment.score(member, index) }
          if !sum.isFinite, try isMissing(segment, index) {
            part.missing += 1
            continue
          }
          for member in members { part.moments[member].add(segment.score(member, index)) }
        }
      }
    }

    /// Whether a sample lacks a score; refuses infinite ones.
    private func isMissing(
      _ segment: MemberCells.Segment, _ index: Int
    ) throws(EsscherError) -> Bool {
      var isMissing = false
      for (offset, member) in cells.members.enumerated() {
        let score = segment.score(offset, index)
        guard !score.isFinite else { continue }
        let place = member.source.location(
          row: segment.row, column: segment.columns.lowerBound + index)
        guard score.isNaN else { throw EsscherError.infiniteCell(score, "reward", at: place) }
        guard missing == .drop else { throw EsscherError.missingCell(at: place) }
        isMissing = true
      }
      return isMissing
    }
  }
}

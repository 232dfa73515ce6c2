// SPDX-License-Identifier: Apache-2.0
// The pass over every score of an ensemble: is it there, and how far do the models' scores spread.

internal import EsscherCPU
internal import EsscherCore

/// Moments of each member over the samples that all of them scored.
///
/// - Precision: of a row a few ulps of its spread; rows are put together to 107 bits.
/// - Source: Chan, Golub and LeVeque (1983), for moments of parts.
struct MemberMoments: PartialResult {
  /// One member's.
  struct Member: PartialResult {
    fileprivate(set) var count = 0
    /// Σ n·mean, Σ n·mean² and Σ (x − mean)² over rows.
    private var sums = ExactSum()
    private var squares = ExactSum()
    private var spreads = ExactSum()

    mutating func add(_ row: ShiftedMoments) {
      guard row.weight > 0 else { return }
      count += Int(row.weight)
      let (n, mean) = (row.weight, row.mean)
      sums.add(n * mean)
      sums.add((-(n * mean)).addingProduct(n, mean))
      let square = mean * mean
      let rest = (-square).addingProduct(mean, mean)
      squares.add(n * square)
      squares.add((-(n * square)).addingProduct(n, square))
      squares.add(n * rest)
      spreads.add(n * row.variance)
    }

    /// Population mean; 0 of nothing.
    var mean: Double { count > 0 ? sums.value / Double(count) : 0 }

    /// √((Σ(x − row's mean)² + Σ n·mean² − (Σ n·mean)²/N)/N); 0 of nothing.
    var standardDeviation: Double {
      guard count > 0 else { return 0 }
      let between = ExactSum.squaredDeviations(sum: sums, squares: squares, count: count)
      return ((spreads.value + between) / Double(count)).squareRoot()
    }

    mutating func merge(_ other: Member) {
      count += other.count
      sums.merge(other.sums)
      squares.merge(other.squares)
      spreads.merge(other.spreads)
    }

    mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
      try coder.code(&count)
      try coder.code(&sums)
      try coder.code(&squares)
      try coder.code(&spreads)
    }
  }

  private(set) var members: [Member]
  /// Samples that some member lacks.
  var missing = 0

  init(count: Int) { members = Array(repeating: Member(), count: count) }

  /// Adds a row's moments, one a member; none where it has no sample.
  mutating func add(_ row: [ShiftedMoments]) {
    for (index, moments) in row.enumerated() { members[index].add(moments) }
  }

  mutating func merge(_ other: MemberMoments) {
    members.merge(other.members)
    missing += other.missing
  }

  mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.code(&members)
    try coder.code(&missing)
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

  /// Adds the scores of some prompts.
  func add(_ rows: Range<Int>, to total: inout MemberMoments) throws(EsscherError) {
    let source = members[0].source
    let cells = MemberCells(members: members, scaling: .none)
    let empty = MemberMoments(count: members.count)
    // Not the whole scan: its observer's callbacks belong to this thread.
    let worker = Worker(cells: cells, missing: missing)
    let chunk = max(
      cells.preferredRowsPerRead, 1, Self.cellsPerChunk / max(1, source.longestSampleCount))
    var start = rows.lowerBound
    while start < rows.upperBound {
      if observer.isCancelled() { throw EsscherError.interruption }
      let tile = start..<min(rows.upperBound, start + chunk * Self.chunksPerTile)
      let chunks = (tile.count + chunk - 1) / chunk
      var parts = [MemberMoments](repeating: empty, count: chunks)
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
      for part in parts { total.merge(part) }
      start = tile.upperBound
      observer.progress(
        "comparing models", Double(start - rows.lowerBound) / Double(rows.count))
    }
  }

  /// What a worker needs to look at some rows.
  private struct Worker: Sendable {
    let cells: MemberCells
    let missing: MissingPolicy

    func add(_ rows: Range<Int>, to part: inout MemberMoments) throws(EsscherError) {
      let members = cells.members.indices
      var row = rows.lowerBound
      // Of one row, about its first score.
      var moments: [ShiftedMoments] = []
      try cells.forEachSegment(rows: rows, raw: true) { (segment) throws(EsscherError) in
        if segment.row != row {
          part.add(moments)
          moments = []
          row = segment.row
        }
        for index in 0..<segment.columns.count {
          var sum = 0.0
          for member in members { sum += segment.score(member, index) }
          if !sum.isFinite, try isMissing(segment, index) {
            part.missing += 1
            continue
          }
          if moments.isEmpty {
            moments = members.map { ShiftedMoments(shift: segment.score($0, index)) }
          }
          for member in members { moments[member].add(segment.score(member, index)) }
        }
      }
      part.add(moments)
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

// SPDX-License-Identifier: Apache-2.0
// The scores of every member of an ensemble, block by block: standardised, and with a sample that any
// member lacks missing in all, so that every curve of a run rests on the same samples.

/// How scores become standardised scores.
package enum MemberScaling: Sendable, Equatable {
  /// Scores as they are.
  case none
  /// (score − centre)·factor of each member; factor 0 for a constant one.
  case model(centres: [Double], factors: [Double])
  /// As `model`, with centres and factors of each prompt.
  case prompt
}

/// The members of an ensemble on one scale.
package struct MemberCells: Sendable {
  package let members: [RewardMember]
  package let scaling: MemberScaling
  /// Whether a sample may lack a score; where none does, nothing has to be joined.
  package let mayMiss: Bool

  package init(members: [RewardMember], scaling: MemberScaling, mayMiss: Bool = true) {
    precondition(!members.isEmpty, "an ensemble has a member")
    self.members = members
    self.scaling = scaling
    self.mayMiss = mayMiss
  }

  /// A run of one row's samples in memory: member k's score of the sample `columns.lowerBound + i` is
  /// `cells[k·stride + i]`.
  @safe
  package struct Segment {
    package let row: Int
    package let columns: Range<Int>
    package let cells: UnsafeMutablePointer<Double>
    package let stride: Int

    /// A member's score of the sample `columns.lowerBound + index`.
    @inline(__always)
    package func score(_ member: Int, _ index: Int) -> Double {
      unsafe cells[member * stride + index]
    }

    /// Whether every member has the sample, once missing ones are joined.
    @inline(__always)
    package func isPresent(_ index: Int) -> Bool { !score(0, index).isNaN }
  }

  /// Scores held at once, all members together: 1 MiB of doubles.
  private static let blockCells = 1 << 17
  /// The same where neighbouring rows share pages, so that each page is seldom read twice.
  private static let sharedBlockCells = 1 << 20

  /// Reads cells and hands them out a row, or a piece of a long row, at a time, in order.
  ///
  /// - Parameters:
  ///   - rows: which prompts.
  ///   - columns: a sub-range where `rows` holds one row; nil for whole rows.
  ///   - raw: scores as the sources hold them, neither joined nor standardised.
  ///   - body: takes the segments; it may change their cells.
  package func forEachSegment(
    rows: Range<Int>, columns: Range<Int>? = nil, raw: Bool = false,
    _ body: (Segment) throws(EsscherError) -> Void
  ) throws(EsscherError) {
    let first = members[0].source
    let preferred = members.map(\.source.preferredRowsPerRead).max() ?? 1
    let limit = (preferred > 1 ? Self.sharedBlockCells : Self.blockCells) / members.count
    var wanted = 0
    for row in rows {
      wanted += columns?.count ?? first.sampleCount(row: row)
      if wanted >= limit { break }
    }
    let capacity = max(1, min(limit, wanted))
    let cells = UnsafeMutablePointer<Double>.allocate(capacity: capacity * members.count)
    defer { unsafe cells.deallocate() }
    var row = rows.lowerBound
    while row < rows.upperBound {
      let stored = first.sampleCount(row: row)
      let range = columns ?? 0..<stored
      if range.count > capacity || range.count < stored {
        let scale = raw ? nil : try promptScale(row: row, stored: stored)
        var start = range.lowerBound
        while start < range.upperBound {
          let end = min(range.upperBound, start + capacity)
          try unsafe read(row..<row + 1, start..<end, end - start, into: cells, capacity)
          let segment = unsafe Segment(
            row: row, columns: start..<end, cells: cells, stride: capacity)
          if !raw { finish(segment, scale) }
          try body(segment)
          start = end
        }
        row += 1
        continue
      }
      var (end, count) = (row, 0)
      while end < rows.upperBound, count + first.sampleCount(row: end) <= capacity {
        count += first.sampleCount(row: end)
        end += 1
      }
      try unsafe read(row..<end, nil, count, into: cells, capacity)
      var offset = 0
      while row < end {
        let length = first.sampleCount(row: row)
        let segment = unsafe Segment(
          row: row, columns: 0..<length, cells: cells + offset, stride: capacity)
        if !raw { finish(segment, nil) }
        try body(segment)
        offset += length
        row += 1
      }
    }
  }

  private func read(
    _ rows: Range<Int>, _ columns: Range<Int>?, _ count: Int,
    into cells: UnsafeMutablePointer<Double>, _ stride: Int
  ) throws(EsscherError) {
    for (index, member) in members.enumerated() {
      let buffer = unsafe UnsafeMutableBufferPointer(start: cells + index * stride, count: count)
      try unsafe member.source.copyDoubles(rows: rows, columns: columns, to: buffer)
    }
  }

  /// Joins missing cells and standardises.
  private func finish(_ segment: Segment, _ promptScale: [Scale]?) {
    if mayMiss { join(segment) }
    switch scaling {
    case .none: return
    case .model(let centres, let factors):
      for index in members.indices {
        apply(Scale(centre: centres[index], factor: factors[index]), segment, index)
      }
    case .prompt:
      for index in members.indices {
        var moments: ShiftedMoments?
        if promptScale == nil { Self.add(segment, index, to: &moments) }
        apply(promptScale?[index] ?? Scale(moments), segment, index)
      }
    }
  }

  private func join(_ segment: Segment) {
    for index in 0..<segment.columns.count {
      var sum = 0.0
      for member in members.indices { sum += segment.score(member, index) }
      // Sums of opposite infinities are NaN as well, but no run that finds one goes on.
      guard sum.isNaN else { continue }
      for member in members.indices {
        unsafe segment.cells[member * segment.stride + index] = .nan
      }
    }
  }

  /// Centre and factor of one member.
  private struct Scale {
    var centre: Double
    var factor: Double

    init(centre: Double, factor: Double) {
      self.centre = centre
      self.factor = factor
    }

    init(_ moments: ShiftedMoments?) {
      centre = moments?.mean ?? 0
      factor = MemberCells.factor(moments?.standardDeviation ?? 0)
    }
  }

  /// 1/σ, and 0 for a constant model, whose scores all become 0.
  package static func factor(_ standardDeviation: Double) -> Double {
    standardDeviation > 0 ? 1 / standardDeviation : 0
  }

  private func apply(_ scale: Scale, _ segment: Segment, _ member: Int) {
    let cells = unsafe segment.cells + member * segment.stride
    for index in 0..<segment.columns.count {
      unsafe cells[index] = (cells[index] - scale.centre) * scale.factor
    }
  }

  /// Adds a member's present scores to a stream that begins with the first of them.
  private static func add(_ segment: Segment, _ member: Int, to moments: inout ShiftedMoments?) {
    for index in 0..<segment.columns.count where segment.isPresent(index) {
      let score = segment.score(member, index)
      if moments == nil { moments = ShiftedMoments(shift: score) }
      moments?.add(score)
    }
  }

  /// The scales of a row that is read in pieces; nil where scaling does not ask for them.
  private func promptScale(row: Int, stored: Int) throws(EsscherError) -> [Scale]? {
    guard scaling == .prompt else { return nil }
    var moments = [ShiftedMoments?](repeating: nil, count: members.count)
    let joined = MemberCells(members: members, scaling: .none, mayMiss: mayMiss)
    try joined.forEachSegment(rows: row..<row + 1) { segment in
      for index in members.indices { Self.add(segment, index, to: &moments[index]) }
    }
    return moments.map { Scale($0) }
  }
}

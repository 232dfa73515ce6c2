// SPDX-License-Identifier: Apache-2.0
// How far each reward model, and their aggregate, is from gold; and how far the models are from one another.

internal import EsscherCPU
internal import EsscherCore

/// Mean over prompts of Var₀(g − s), for every member s and for the aggregate: rewards are defined up to a
/// constant a prompt, which the variance leaves out.
///
/// For the mean of the members the decomposition is exact (theory §2.3 (ii), centred within prompts):
/// mean_k Var₀(g − s_k) = Var₀(g − s̄) + (1/R)·Σ_k Var₀(s_k − s̄).
///
/// - Precision: a few ulps of the spreads, from one pass with a shift.
/// - Complexity: a pass over the sources, two with log weights; memory does not grow with P or M.
struct EnsembleError {
  let scan: MatrixScan
  let request: FrontierRequest
  let cells: MemberCells
  let aggregator: EnsembleAggregator
  let label: String

  private static let rowsPerTile = 256

  /// One prompt's values; entry R of the lists is the aggregate's.
  private struct Row {
    var isEmpty = true
    var errors: [Double] = []
    var means: [Double] = []
    var gold = 0.0
    var ambiguity = 0.0
  }

  /// The aggregate's line and then one a member.
  func points() throws(EsscherError) -> [FrontierPoint] {
    let count = cells.members.count + 1
    let empty = ErrorSums(count: count, request: request)
    let sums = try scan.pass("squared errors", from: empty) { (sums) throws(EsscherError) in
      var start = scan.rows.lowerBound
      while start < scan.rows.upperBound {
        if scan.observer.isCancelled() { throw EsscherError.interruption }
        let tile = start..<min(scan.rows.upperBound, start + Self.rowsPerTile)
        let rows = try self.rows(tile)
        let kept = rows.indices.filter { !rows[$0].isEmpty }
        for row in kept.map({ rows[$0] }) {
          sums.promptCount += 1
          for index in 0..<count {
            sums.errors[index].add(row.errors[index])
            sums.means[index].add(row.means[index])
          }
          sums.gold.add(row.gold)
          sums.ambiguity.add(row.ambiguity)
        }
        if request.resamples > 0 {
          try scan.backend.accumulate(
            &sums.bootstrap, indices: kept.map { tile.lowerBound + $0 },
            values: kept.flatMap { rows[$0].errors })
        }
        start = tile.upperBound
        scan.observer.progress(
          "distance from gold", Double(start - scan.rows.lowerBound) / Double(scan.rows.count))
      }
    }
    let total = Double(max(1, sums.promptCount))
    return ([count - 1] + Array(0..<count - 1)).map { index in
      let isAggregate = index == count - 1
      var point = FrontierPoint(
        curve: .ensembleError, label: isAggregate ? label : cells.members[index].name,
        promptCount: sums.promptCount)
      point.reward = sums.means[index].value / total
      point.gold = sums.gold.value / total
      point.extras[.squaredError] = sums.errors[index].value / total
      if isAggregate { point.extras[.ambiguity] = sums.ambiguity.value / total }
      if cells.scaling != .none {
        point.annotate("scores are standardised, and gold is in its own units")
      }
      addInterval(&point, sums.bootstrap, column: index)
      return point
    }
  }

  private func addInterval(
    _ point: inout FrontierPoint, _ bootstrap: ReplicateSums, column: Int
  ) {
    guard request.resamples > 0 else {
      point.annotate("no intervals with --resamples 0")
      return
    }
    guard point.promptCount > 1 else {
      point.annotate("no interval of squared_error from one prompt")
      return
    }
    guard let interval = bootstrap.interval(column: column, confidence: request.confidence)
    else { return }
    point.extras[.squaredErrorLow] = interval.low
    point.extras[.squaredErrorHigh] = interval.high
  }

  /// The prompts of a tile, in order, each computed by one worker.
  private func rows(_ tile: Range<Int>) throws(EsscherError) -> [Row] {
    var rows = [Row](repeating: Row(), count: tile.count)
    var failure: EsscherError?
    let threads = scan.backend.threads
    unsafe rows.withUnsafeMutableBufferPointer { buffer in
      let slots = unsafe DisjointSlots(buffer)
      // Not the whole scan: its observer's callbacks belong to this thread.
      let reader = GoldReader(cells: cells, gold: scan.table.gold, weights: scan.table.logWeights)
      let aggregator = aggregator
      do throws(EsscherError) {
        try ParallelTiles.forEach(
          count: tile.count, chunk: 1, threads: threads, makeScratch: {},
          body: { (offsets: Range<Int>, _: Void) throws(EsscherError) in
            for offset in offsets {
              slots.set(offset, try Self.row(tile.lowerBound + offset, reader, aggregator))
            }
          })
      } catch { failure = error }
    }
    if let failure { throw failure }
    return rows
  }

  private static func row(
    _ row: Int, _ reader: GoldReader, _ aggregator: EnsembleAggregator
  ) throws(EsscherError) -> Row {
    let count = reader.cells.members.count
    let scores = UnsafeMutablePointer<Double>.allocate(capacity: count)
    defer { unsafe scores.deallocate() }
    // Streams 0..<R of the members, R of the aggregate; gold is the last level.
    var levels: [ShiftedMoments] = []
    var errors: [ShiftedMoments] = []
    var spreads: [ShiftedMoments] = []
    try reader.forEachSample(row: row) { sample in
      var mean = 0.0
      for member in 0..<count {
        let score = sample.score(member)
        unsafe scores[member] = score
        mean += score
      }
      mean /= Double(count)
      let aggregate = unsafe aggregator.value(scrambling: scores, count: count)
      let isFirst = levels.isEmpty
      func add(_ value: Double, _ streams: inout [ShiftedMoments], _ place: Int) {
        if isFirst { streams.append(ShiftedMoments(shift: value)) }
        streams[place].add(value, weight: sample.weight)
      }
      for member in 0..<count {
        let score = sample.score(member)
        add(score, &levels, member)
        add(sample.gold - score, &errors, member)
        add(score - mean, &spreads, member)
      }
      add(aggregate, &levels, count)
      add(sample.gold, &levels, count + 1)
      add(sample.gold - aggregate, &errors, count)
    }
    guard !levels.isEmpty else { return Row() }
    return Row(
      isEmpty: false, errors: errors.map(\.variance), means: levels[0...count].map(\.mean),
      gold: levels[count + 1].mean,
      ambiguity: spreads.reduce(0) { $0 + $1.variance } / Double(count))
  }
}

/// Sums over prompts; entry R of the lists is the aggregate's.
private struct ErrorSums: PartialResult {
  var errors: [ExactSum]
  var means: [ExactSum]
  var gold = ExactSum()
  var ambiguity = ExactSum()
  var promptCount = 0
  var bootstrap: ReplicateSums

  init(count: Int, request: FrontierRequest) {
    errors = Array(repeating: ExactSum(), count: count)
    means = errors
    bootstrap = ReplicateSums(
      replicateCount: request.resamples, columnCount: count, seed: request.seed)
  }

  mutating func merge(_ other: ErrorSums) {
    errors.merge(other.errors)
    means.merge(other.means)
    gold.merge(other.gold)
    ambiguity.merge(other.ambiguity)
    promptCount += other.promptCount
    bootstrap.merge(other.bootstrap)
  }

  mutating func releaseScratch() { bootstrap.releaseScratch() }

  mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.code(&errors)
    try coder.code(&means)
    try coder.code(&gold)
    try coder.code(&ambiguity)
    try coder.code(&promptCount)
    try coder.code(&bootstrap)
  }
}

/// One sample with everything that is known of it.
private struct GoldSample {
  let segment: MemberCells.Segment
  let index: Int
  let gold: Double
  /// Log weight as it is read; the weight, 1 without log weights, once it is handed out.
  var weight: Double

  func score(_ member: Int) -> Double { segment.score(member, index) }
}

/// Scores, gold and weights of one row, sample by sample; samples that lack any of them are left out.
private struct GoldReader: Sendable {
  let cells: MemberCells
  let gold: (any RewardSource)?
  let weights: (any RewardSource)?

  /// Calls `body` with each sample of a prompt.
  func forEachSample(row: Int, _ body: (GoldSample) -> Void) throws(EsscherError) {
    guard weights != nil else {
      return try forEachPresent(row: row) { sample in
        var sample = sample
        sample.weight = 1
        body(sample)
      }
    }
    // Σ e^w about the largest so far.
    var (top, sum) = (-Double.infinity, 0.0)
    try forEachPresent(row: row) { sample in
      if sample.weight > top {
        sum = sum * Elementary.exp(top - sample.weight) + 1
        top = sample.weight
      } else {
        sum += Elementary.exp(sample.weight - top)
      }
    }
    try forEachPresent(row: row) { sample in
      var sample = sample
      sample.weight = Elementary.exp(sample.weight - top) / sum
      // A weight that vanishes beside the largest leaves the sample out of every other line as well.
      if sample.weight > 0 { body(sample) }
    }
  }

  private func forEachPresent(
    row: Int, _ body: (GoldSample) -> Void
  ) throws(EsscherError) {
    var goldCells: [Double] = []
    var weightCells: [Double] = []
    try cells.forEachSegment(rows: row..<row + 1) { (segment) throws(EsscherError) in
      try read(gold, segment, into: &goldCells)
      try read(weights, segment, into: &weightCells)
      for index in 0..<segment.columns.count where segment.isPresent(index) {
        let (gold, weight) = (goldCells[index], weightCells[index])
        guard !gold.isNaN, !weight.isNaN else { continue }
        body(GoldSample(segment: segment, index: index, gold: gold, weight: weight))
      }
    }
  }

  /// A segment's cells of another source, zeros where there is none.
  private func read(
    _ source: (any RewardSource)?, _ segment: MemberCells.Segment, into cells: inout [Double]
  ) throws(EsscherError) {
    let count = segment.columns.count
    if cells.count != count { cells = [Double](repeating: 0, count: count) }
    guard let source else { return }
    var failure: EsscherError?
    unsafe cells.withUnsafeMutableBufferPointer { buffer in
      do throws(EsscherError) {
        try unsafe source.copyDoubles(
          rows: segment.row..<segment.row + 1, columns: segment.columns, to: buffer)
      } catch { failure = error }
    }
    if let failure { throw failure }
  }
}

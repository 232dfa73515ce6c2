// SPDX-License-Identifier: Apache-2.0
// Streams prompts into means, histograms and bootstrap sums; holds nothing a prompt.

internal import EsscherCPU
internal import EsscherCore

/// What a bootstrap column holds.
enum BootstrapQuantity: CaseIterable {
  case kl, reward, gain, gold
  /// Gain and KL of best-of-n with replacement.
  case replacementGain, replacementKL
  /// Mean reward of the base policy, which all lines share.
  case base
}

/// Where a report line's values come from: an entry of the prompt rows, and for budgets the beta by
/// which gain and reward are held at fixed KL.
struct BootstrapLine {
  var entry: Int
  var heldBeta: Double?
  var quantities: [BootstrapQuantity]

  init(entry: Int, heldBeta: Double? = nil, quantities: [BootstrapQuantity]) {
    self.entry = entry
    self.heldBeta = heldBeta
    self.quantities = quantities
  }

  /// What tells the line from others of its round.
  var key: [Double] {
    [Double(entry), heldBeta ?? -1, Double(quantities.count)]
      + quantities.map { Double(BootstrapQuantity.allCases.firstIndex(of: $0) ?? 0) }
  }

  /// Quantities with a column of the line's own.
  var stored: [BootstrapQuantity] { quantities.filter { $0 != .reward } }

  /// Columns of some lines, in their order. Rewards are the gains and the mean of the base policy, which has a column
  /// at the end: three tenths fewer.
  static func columns(_ lines: [BootstrapLine]) -> [BootstrapColumn] {
    let own = lines.flatMap { line in
      line.stored.map {
        BootstrapColumn(entry: line.entry, heldBeta: line.heldBeta, quantity: $0)
      }
    }
    guard lines.contains(where: { $0.quantities.contains(.reward) }) else { return own }
    precondition(
      lines.allSatisfy { !$0.quantities.contains(.reward) || $0.quantities.contains(.gain) },
      "rewards are made of gains")
    // Every entry has it; with importance weights the first, lambda = 0, is always there.
    return own + [BootstrapColumn(entry: 0, heldBeta: nil, quantity: .base)]
  }
}

/// One number that a prompt gives the replicates; it owns nothing, so that workers may share many.
struct BootstrapColumn {
  let entry: Int
  let heldBeta: Double?
  let quantity: BootstrapQuantity

  func value(_ values: PromptValues) -> Double {
    let held = heldBeta.map { $0 * values.kl } ?? 0
    return switch quantity {
    case .kl: values.kl
    case .reward: values.reward - held
    case .gain: values.gain - held
    case .gold: values.gold
    case .replacementGain: values.spread
    case .replacementKL: values.replacementKL
    case .base: values.base
    }
  }
}

/// Accumulates the main round.
struct FrontierAccumulator: PartialResult {
  let grid: PointGrid
  let bootstrapLines: [BootstrapLine]
  /// First column of each line.
  private let offsets: [Int]
  /// What each prompt gives the replicates.
  private let plan: [BootstrapColumn]
  private(set) var points: [PointMeans]
  private(set) var bootstrap: ReplicateSums
  /// Prompts in which tied and untied samples mix.
  private(set) var mixedPrompts = 0
  private(set) var promptCount = 0
  /// How the tilts were summed.
  private(set) var methods: TiltMethods? = TiltMethods()
  /// Standard errors over samples of the last prompt that had them.
  private(set) var sampleErrors: [SampleErrors] = []

  init(
    grid: PointGrid, bootstrapLines: [BootstrapLine], replicates: Int, seed: UInt64
  ) {
    self.grid = grid
    self.bootstrapLines = bootstrapLines
    offsets = bootstrapLines.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.stored.count) }
    points = Array(repeating: PointMeans(), count: grid.planned.count + grid.selections.count)
    plan = BootstrapLine.columns(bootstrapLines)
    bootstrap = ReplicateSums(
      replicateCount: replicates, columnCount: plan.count, seed: seed)
  }

  /// Adds how a tile's tilts were summed; unknown of one is unknown of all.
  mutating func add(_ part: TiltMethods?) {
    if let part { methods? += part } else { methods = nil }
  }

  /// Whether there are replicates to add to.
  var hasReplicates: Bool { bootstrap.replicateCount > 0 && bootstrap.columnCount > 0 }

  /// Adds prompts to the means, in row order; their replicates come later, with ``add(columns:indices:backend:)``.
  ///
  /// Each point sees the prompts in order, whichever thread it falls to.
  ///
  /// - Parameter columns: what the replicates are kept of is appended, prompt by prompt, where there are any.
  mutating func add(_ rows: [PromptRow], columns: inout [Double], threads: Int) {
    for row in rows {
      promptCount += 1
      if row.summary.tiedCount > 0 && row.summary.tiedCount < row.summary.sampleCount {
        mixedPrompts += 1
      }
      if !row.errors.isEmpty { sampleErrors = row.errors }
    }
    // With importance weights no law that selects by rank has values.
    let evaluated = rows.first?.values.count ?? 0
    let plan = hasReplicates ? plan : []
    // The loop below checks no index of a row.
    let entries = 1 + (plan.map(\.entry).max() ?? -1)
    precondition(rows.allSatisfy { $0.values.count >= entries }, "a value for every line")
    let start = columns.count
    columns.append(contentsOf: repeatElement(0, count: rows.count * plan.count))
    unsafe points.withUnsafeMutableBufferPointer { pointBuffer in
      unsafe columns.withUnsafeMutableBufferPointer { columnBuffer in
        let points = unsafe DisjointSlots(pointBuffer)
        let cells = unsafe DisjointSlots(columnBuffer)
        // One loop over points and then rows: threads wait for each other once.
        let count = evaluated + (plan.isEmpty ? 0 : rows.count)
        ParallelTiles.forEach(count: count, threads: threads) { index in
          guard index >= evaluated else {
            guard let point = unsafe points.pointer(at: index) else { return }
            for row in rows { unsafe point.pointee.add(row.values[index]) }
            return
          }
          let row = index - evaluated
          guard let cells = unsafe cells.pointer(at: start + row * plan.count) else { return }
          // Pointers: workers that count their uses of one array wait for each other.
          unsafe rows[row].values.withUnsafeBufferPointer { values in
            unsafe plan.withUnsafeBufferPointer { plan in
              for slot in plan.indices {
                unsafe cells[slot] = plan[slot].value(values[plan[slot].entry])
              }
            }
          }
        }
      }
    }
  }

  /// Adds prompts to the replicates.
  ///
  /// - Parameters:
  ///   - columns: of ``add(_:columns:threads:)``.
  ///   - indices: the prompts' rows.
  ///   - backend: adds them.
  mutating func add(
    columns: [Double], indices: [Int], backend: any Backend
  ) throws(EsscherError) {
    guard hasReplicates, !indices.isEmpty else { return }
    try backend.accumulate(&bootstrap, indices: indices, values: columns)
  }

  mutating func merge(_ other: FrontierAccumulator) {
    points.merge(other.points)
    bootstrap.merge(other.bootstrap)
    mixedPrompts += other.mixedPrompts
    promptCount += other.promptCount
    add(other.methods)
    if sampleErrors.isEmpty { sampleErrors = other.sampleErrors }
  }

  mutating func releaseScratch() { bootstrap.releaseScratch() }

  mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.code(&points)
    try coder.code(&bootstrap)
    try coder.code(&mixedPrompts)
    try coder.code(&promptCount)
    try coder.code(&methods, empty: TiltMethods()) { (coder, methods) throws(EsscherError) in
      try coder.code(&methods)
    }
    // Of one prompt alone.
    try coder.code(&sampleErrors, empty: SampleErrors()) { (coder, errors) throws(EsscherError) in
      try errors.code(&coder)
    }
  }

  /// Percentile interval of a quantity of bootstrap line `line`, nil without replicates.
  func interval(
    line: Int, _ quantity: BootstrapQuantity, confidence: Double
  ) -> (low: Double, high: Double)? {
    PoissonBootstrap.interval(of: replicates(line: line, quantity), confidence: confidence)
  }

  /// A quantity's value in each replicate that holds a prompt; empty where it has no column.
  func replicates(line: Int, _ quantity: BootstrapQuantity) -> [Double] {
    guard quantity == .reward else {
      return column(line: line, quantity).map { bootstrap.replicates(column: $0) } ?? []
    }
    guard bootstrapLines[line].quantities.contains(.reward) else { return [] }
    return zip(
      replicates(line: line, .gain), bootstrap.replicates(column: offsets[offsets.count - 1])
    ).map(+)
  }

  /// Change of gold a nat of mean KL along the tilt.
  func goldExchange(line: Int, lambda: Double) -> Double {
    let means = points[bootstrapLines[line].entry].means
    return means.spread > 0 ? means.goldSlope / (lambda * means.spread) : 0
  }

  /// Gold of each replicate at a held mean KL: a replicate that spends more at this lambda would go back along
  /// its own tilt, where gold changes by goldSlope/(lambda·v) a nat (D' = lambda·v).
  func heldGolds(line: Int, lambda: Double, kl: Double) -> [Double] {
    let slope = goldExchange(line: line, lambda: lambda)
    return zip(replicates(line: line, .gold), replicates(line: line, .kl)).map { gold, spent in
      gold + slope * (kl - spent)
    }
  }

  private func column(line: Int, _ quantity: BootstrapQuantity) -> Int? {
    bootstrapLines[line].stored.firstIndex(of: quantity).map { offsets[line] + $0 }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Means and bootstrap sums of the lines that a round of its own makes.

internal import EsscherCore

/// Accumulates lines whose prompts come as values, one a line; holds nothing a prompt.
struct LineAccumulator: PartialResult {
  private let quantities: [BootstrapQuantity]
  private let confidence: Double
  private(set) var points: [PointMeans]
  private var bootstrap: ReplicateSums
  private(set) var promptCount = 0

  init(lineCount: Int, hasGold: Bool, request: FrontierRequest) {
    quantities = [.kl, .reward, .gain] + (hasGold ? [.gold] : [])
    confidence = request.confidence
    points = Array(repeating: PointMeans(), count: lineCount)
    bootstrap = ReplicateSums(
      replicateCount: request.resamples, columnCount: lineCount * quantities.count,
      seed: request.seed)
  }

  /// Adds a tile's prompts.
  ///
  /// - Parameters:
  ///   - values: a prompt's values, one a line, prompts in row order.
  ///   - indices: the prompts' rows.
  ///   - backend: adds them to the bootstrap.
  mutating func add(
    _ values: [[PromptValues]], indices: [Int], backend: any Backend
  ) throws(EsscherError) {
    promptCount += values.count
    for prompt in values {
      for (line, value) in prompt.enumerated() { points[line].add(value) }
    }
    guard bootstrap.replicateCount > 0, !points.isEmpty else { return }
    var columns: [Double] = []
    columns.reserveCapacity(values.count * bootstrap.columnCount)
    for prompt in values {
      for (line, value) in prompt.enumerated() {
        for quantity in quantities {
          columns.append(
            BootstrapColumn(entry: line, heldBeta: nil, quantity: quantity).value(value))
        }
      }
    }
    try backend.accumulate(&bootstrap, indices: indices, values: columns)
  }

  mutating func merge(_ other: LineAccumulator) {
    points.merge(other.points)
    bootstrap.merge(other.bootstrap)
    promptCount += other.promptCount
  }

  mutating func releaseScratch() { bootstrap.releaseScratch() }

  mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.code(&points)
    try coder.code(&bootstrap)
    try coder.code(&promptCount)
  }

  /// Sets a point's intervals from those of a line, or says why it has none.
  func addIntervals(_ point: inout FrontierPoint, line: Int) {
    guard bootstrap.replicateCount > 0 else {
      point.annotate("no intervals with --resamples 0")
      return
    }
    guard promptCount > 1 else {
      point.annotate("no intervals from one prompt")
      return
    }
    for (offset, quantity) in quantities.enumerated() {
      let interval = bootstrap.interval(
        column: line * quantities.count + offset, confidence: confidence)
      guard let ends = quantity.ends else { continue }
      point[keyPath: ends.low] = interval?.low
      point[keyPath: ends.high] = interval?.high
    }
  }
}

extension BootstrapQuantity {
  /// Where a point keeps the ends of the interval; nil of what is no cell of its own.
  fileprivate var ends:
    (
      low: WritableKeyPath<FrontierPoint, Double?>, high: WritableKeyPath<FrontierPoint, Double?>
    )?
  {
    switch self {
    case .kl: (\.klLow, \.klHigh)
    case .reward: (\.rewardLow, \.rewardHigh)
    case .gain: (\.gainLow, \.gainHigh)
    case .gold: (\.goldLow, \.goldHigh)
    default: nil
    }
  }
}

extension [FrontierPoint] {
  /// The points curve by curve as ``Curve`` lists them, each curve's in the order it has here.
  var inCurveOrder: [FrontierPoint] {
    Curve.allCases.flatMap { curve in filter { $0.curve == curve } }
  }
}

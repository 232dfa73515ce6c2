// SPDX-License-Identifier: Apache-2.0
// Several reward models through the engine: lines, identities, scales, missing cells, and gold that stays
// with its sample.

import Esscher
import EsscherTestSupport
import Testing

@Suite("Ensembles")
struct EnsembleTests {
  private func request(
    _ aggregator: EnsembleAggregator? = .mean,
    _ standardize: Standardization? = Standardization.none,
    lambdas: [Double]? = [0, 0.4, 1.5], device: String = "cpu", resamples: Int = 0,
    missing: MissingPolicy = .error
  ) -> FrontierRequest {
    var request = FrontierRequest(
      lambdas: lambdas, bestOf: [1, 3], missing: missing, resamples: resamples, device: device)
    request.ensemble = aggregator
    request.standardize = standardize
    return request
  }

  private func run(_ table: RewardTable, _ request: FrontierRequest) throws -> [FrontierPoint] {
    try Engine().frontier(table, request).points
  }

  private func refusal(_ table: RewardTable, _ request: FrontierRequest) -> EsscherError? {
    do {
      _ = try run(table, request)
      return nil
    } catch { return error as? EsscherError }
  }

  /// Two runs of the same formulas on values that differ by rounding: the accuracy contract, twice.
  private let tolerance = 2e-10

  private func expectSame(
    _ got: [FrontierPoint], _ want: [FrontierPoint], scale: Double,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(got.count == want.count, sourceLocation: sourceLocation)
    for (a, b) in zip(got, want) {
      for (column, value) in [
        ("kl", \FrontierPoint.kl), ("reverse_kl", \.reverseKL), ("reward", \.reward),
        ("gain", \.gain), ("gold", \.gold), ("win_rate", \.winRate), ("efficiency", \.efficiency),
      ] {
        let (x, y) = (a[keyPath: value], b[keyPath: value])
        guard let x, let y else {
          #expect(x == nil && y == nil, "\(column)", sourceLocation: sourceLocation)
          continue
        }
        // Levels against the spread of the rewards; a gain of 0 (lambda = 0, n = 1) likewise.
        #expect(
          (x - y).magnitude <= tolerance * max(x.magnitude, y.magnitude, scale),
          "\(a.curve) \(a.label) \(column): \(x) and \(y)", sourceLocation: sourceLocation)
      }
    }
  }

  @Test(
    "the aggregate's and every member's lines are those of runs on hand-made rewards",
    arguments: [
      EnsembleAggregator.mean, .median, .minimum, .uncertaintyWeighted(0.7), .entropic(0.5),
    ], [false, true])
  func lines(aggregator: EnsembleAggregator, weighted: Bool) throws {
    let made = EnsembleRows(models: 3, prompts: 5, samples: 40, seed: 3)
    let points = try run(made.table(weights: weighted), request(aggregator))
    func alone(_ rows: [[Double]]) throws -> [FrontierPoint] {
      var table = made.table(weights: weighted)
      table.members = []
      table.rewards = .cells(MemorySource(name: "alone", rows: rows))
      return try run(table, request(nil, nil))
    }
    // The definitions, as plainly as they can be written.
    let combined = made.combined { scores in
      let mean = scores.reduce(0, +) / 3
      switch aggregator {
      case .mean: return mean
      case .median: return scores.sorted()[1]
      case .minimum: return scores.min() ?? 0
      case .uncertaintyWeighted(let c):
        return mean - c * scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 3
      case .entropic(let b):
        return -b * Elementary.log(scores.reduce(0) { $0 + Elementary.exp(-$1 / b) } / 3)
      }
    }
    expectSame(
      points.filter { $0.label == "\(aggregator)(3)" && $0.curve != .ensembleError },
      try alone(combined), scale: 1)
    for (index, rows) in made.scores.enumerated() {
      expectSame(
        points.filter { $0.label == "model \(index)" && $0.curve != .ensembleError },
        try alone(rows), scale: 1)
    }
  }

  @Test("lines are grouped by curve, the aggregate first")
  func order() throws {
    let made = EnsembleRows(models: 2, prompts: 4, samples: 30, seed: 1)
    var request = request(lambdas: [1])
    request.bestOf = [2]
    request.klBudgets = [0.2]
    let points = try run(made.table(), request)
    #expect(
      points.map { "\($0.curve.rawValue) \($0.label)" }
        == ["tilt", "budget", "best_of_n", "ensemble_error"].flatMap { curve in
          ["mean(2)", "model 0", "model 1"].map { "\(curve) \($0)" }
        })
    let withoutGold = try run(made.table(gold: false), request)
    #expect(!withoutGold.contains { $0.curve == .ensembleError })
    // The default grid is each one's own.
    request.lambdas = nil
    let grids = try run(made.table(), request).filter { $0.curve == .tilt }
    let starts = ["mean(2)", "model 0", "model 1"].map { label in
      grids.first { $0.label == label }?.lambda ?? 0
    }
    #expect(Set(starts).count == 3 && !starts.contains(0))
    // A line a prompt of the aggregate alone.
    var curves: [PromptPoint] = []
    _ = try Engine().frontier(
      made.table(), self.request(lambdas: [1]),
      observer: RunObserver(promptPoints: { curves += $0 }))
    #expect(curves.count == 4 * 3)
  }

  @Test("ambiguity is what averaging saves in reverse KL", arguments: [false, true])
  func ambiguity(weighted: Bool) throws {
    let made = EnsembleRows(models: 4, prompts: 6, samples: 50, seed: 8)
    let lambdas = [0, 1e-3, 0.1, 1, 8]
    let points = try run(made.table(weights: weighted), request(lambdas: lambdas))
      .filter { $0.curve == .tilt }
    for (index, lambda) in lambdas.enumerated() {
      let lines = points.filter { $0.lambda == lambda }
      #expect(lines.count == 5)
      let ambiguity = try #require(lines[0].extras[.ambiguity])
      let members = lines.dropFirst().compactMap(\.reverseKL)
      let expected = members.reduce(0, +) / 4 - (try #require(lines[0].reverseKL))
      // A difference of numbers that are each within 1e-10.
      #expect((ambiguity - expected).magnitude <= 1e-10 * (members.max() ?? 0), "lambda \(lambda)")
      #expect(index == 0 ? ambiguity == 0 : ambiguity > 0)
      #expect(lines.dropFirst().allSatisfy { $0.extras[.ambiguity] == nil })
    }
    let minimum = try run(made.table(), request(.minimum))
    #expect(!minimum.contains { $0.curve == .tilt && $0.extras[.ambiguity] != nil })
  }

  @Test(
    "mean error of the members = error of the mean + ambiguity",
    arguments: [Standardization.none, .model, .prompt], [false, true])
  func decomposition(standardize: Standardization, weighted: Bool) throws {
    let made = EnsembleRows(models: 3, prompts: 7, samples: 40, seed: 12)
    let lines = try run(
      made.table(weights: weighted), request(.mean, standardize, resamples: 200)
    ).filter { $0.curve == .ensembleError }
    #expect(lines.map(\.label) == ["mean(3)", "model 0", "model 1", "model 2"])
    let errors = lines.compactMap { $0.extras[.squaredError] }
    let ambiguity = try #require(lines[0].extras[.ambiguity])
    let mean = errors.dropFirst().reduce(0, +) / 3
    #expect((mean - errors[0] - ambiguity).magnitude <= 1e-10 * mean)
    #expect(ambiguity > 0.01 * mean)
    for line in lines {
      let low = try #require(line.extras[.squaredErrorLow])
      let high = try #require(line.extras[.squaredErrorHigh])
      #expect(low < high && low <= (line.extras[.squaredError] ?? 0))
      #expect((line.extras[.squaredError] ?? 0) <= high && line.promptCount == 7)
    }
    guard standardize == .none, !weighted else { return }
    // By hand: variance of gold less score, prompt by prompt.
    for (index, rows) in made.scores.enumerated() {
      var total = 0.0
      for (scores, gold) in zip(rows, made.gold) {
        let differences = zip(gold, scores).map { $0 - $1 }
        let mean = differences.reduce(0, +) / Double(differences.count)
        total += differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(scores.count)
      }
      #expect((errors[index + 1] - total / 7).magnitude <= 1e-12 * total)
    }
    let base = try run(made.table(), request()).first { $0.label == "model 0" }
    #expect(((lines[1].reward ?? .nan) - (base?.reward ?? .nan)).magnitude <= tolerance)
  }

  @Test("the interval of the error is the bootstrap's over prompts")
  func errorInterval() throws {
    let made = EnsembleRows(models: 2, prompts: 9, samples: 12, seed: 4)
    var request = request(.minimum, resamples: 300)
    request.seed = 17
    let line = try #require(
      try run(made.table(), request).first { $0.curve == .ensembleError && $0.label == "model 1" })
    var bootstrap = PoissonBootstrap(replicateCount: 300, columnCount: 1, seed: 17)
    let errors = zip(made.scores[1], made.gold).map { scores, gold in
      let differences = zip(gold, scores).map { $0 - $1 }
      let mean = differences.reduce(0, +) / Double(differences.count)
      return differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(scores.count)
    }
    for replicate in 0..<300 {
      let counts = errors.indices.map {
        Double(PoissonBootstrap.count(index: UInt64($0), replicate: UInt32(replicate), seed: 17))
      }
      bootstrap.set(
        replicate: replicate, sums: [zip(counts, errors).reduce(0) { $0 + $1.0 * $1.1 }],
        total: counts.reduce(0, +))
    }
    let expected = try #require(bootstrap.interval(column: 0, confidence: 0.95))
    #expect(((line.extras[.squaredErrorLow] ?? 0) - expected.low).magnitude <= 1e-12 * expected.low)
    #expect(
      ((line.extras[.squaredErrorHigh] ?? 0) - expected.high).magnitude <= 1e-12 * expected.high)
  }

  @Test("one prompt and no replicates leave the interval empty, with the reason")
  func noInterval() throws {
    let made = EnsembleRows(models: 2, prompts: 1, samples: 12, seed: 4)
    let one = try run(made.table(), request(resamples: 50)).filter { $0.curve == .ensembleError }
    #expect(one.allSatisfy { $0.extras[.squaredErrorLow] == nil && $0.note.contains("one prompt") })
    let none = try run(made.table(), request()).filter { $0.curve == .ensembleError }
    #expect(none.allSatisfy { $0.note.contains("--resamples 0") })
  }

  // MARK: Gold stays with its sample

  @Test("permuting samples together changes nothing", arguments: ["cpu", "opencl"], [false, true])
  func permutation(device: String, weighted: Bool) throws {
    let made = EnsembleRows(models: 3, prompts: 6, samples: 45, seed: 21)
    let settings = request(.entropic(1), .prompt, device: device)
    let before = try run(made.table(weights: weighted), settings)
    let after = try run(made.permuted(seed: 22).table(weights: weighted), settings)
    expectSame(after, before, scale: 1)
  }

  @Test("each curve's winner brings its own gold", arguments: ["cpu", "opencl"])
  func payload(device: String) throws {
    let made = EnsembleRows(models: 3, prompts: 6, samples: 45, seed: 33, ragged: false)
    var settings = request(.mean, device: device)
    // The best of as many as there are is the maximum.
    settings.bestOf = [45]
    let lines = try run(made.table(), settings).filter { $0.curve == .bestOfN }
    #expect(lines.count == 4)
    let mean = made.combined { $0.reduce(0, +) / 3 }
    var seen: [Double] = []
    for (line, rewards) in zip(lines, [mean] + made.scores) {
      let winners = zip(rewards, made.gold).map { rewards, gold in
        gold[rewards.indices.max { rewards[$0] < rewards[$1] } ?? 0]
      }
      let expected = winners.reduce(0, +) / 6
      #expect(((line.gold ?? .nan) - expected).magnitude <= tolerance, "\(line.label)")
      seen.append(expected)
    }
    // The models disagree about the winner, so that gold in another model's order would be seen.
    #expect(Set(seen).count == 4)
  }

  // MARK: Errors that do not depend on gold

  @Test(
    "an error independent of gold costs KL and no gold",
    arguments: [EnsembleAggregator.mean, .minimum, .median])
  func independentError(aggregator: EnsembleAggregator) throws {
    let (promptCount, samples, lambda) = (60, 3000, 0.7)
    var random = SeededGenerator(seed: 77)
    let gold = (0..<promptCount).map { _ in (0..<samples).map { _ in random.normal() } }
    var errors: [[[Double]]] = []
    for _ in 0..<3 {
      errors.append(
        (0..<promptCount).map { _ in (0..<samples).map { _ in 1.2 * (random.uniform() - 0.5) } })
    }
    let members = errors.enumerated().map { index, rows in
      RewardMember(
        name: "model \(index)",
        source: MemorySource(
          name: "file", rows: zip(gold, rows).map { zip($0, $1).map { $0 + $1 } }))
    }
    let table = RewardTable(
      label: "made", members: members, gold: MemorySource(name: "gold", rows: gold))
    let noise = RewardTable(
      label: "noise",
      members: errors.map {
        RewardMember(name: "noise", source: MemorySource(name: "noise", rows: $0))
      })
    func prompts(_ table: RewardTable) throws -> [(gain: Double, kl: Double)] {
      var points: [PromptPoint] = []
      var request = request(aggregator, lambdas: [0, lambda])
      request.bestOf = [1]
      _ = try Engine().frontier(
        table, request, observer: RunObserver(promptPoints: { points += $0 }))
      return stride(from: 0, to: points.count, by: 3).map { index in
        ((points[index + 1].gold ?? 0) - (points[index].gold ?? 0), points[index + 1].kl ?? 0)
      }
    }
    let (proxy, wasted) = (try prompts(table), try prompts(noise))
    // Aggregates commute with gold, which is the same for every member: s = g + η. For g ~ N(0, 1) the ideal
    // gain is lambda and the KL of g's tilt lambda²/2.
    expectMean(proxy.map(\.gain), lambda)
    expectMean(zip(proxy, wasted).map { $0.kl - $1.kl }, lambda * lambda / 2)
  }

  /// A mean over prompts within 4 standard errors; the estimators' bias is of order e^(2 KL)/M, less than a
  /// quarter of one here.
  private func expectMean(
    _ values: [Double], _ expected: Double, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
    let error = (variance / count).squareRoot()
    #expect(
      (mean - expected).magnitude <= 4 * error && error < 0.02 * expected,
      "\(mean) ± \(error), want \(expected)", sourceLocation: sourceLocation)
  }
}

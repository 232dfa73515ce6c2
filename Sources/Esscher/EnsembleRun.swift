// SPDX-License-Identifier: Apache-2.0
// A run over several reward models: their aggregate as one reward, then each model by itself, then what
// aggregating them changes. Each is an ordinary run of the pipeline on a table of its own.

internal import EsscherCPU
internal import EsscherCore

struct EnsembleRun {
  /// The table of several members, on the device of the run.
  let scan: MatrixScan
  let request: FrontierRequest
  let aggregator: EnsembleAggregator

  /// What the run over a table is; nil where there is one reward.
  ///
  /// - Throws: `.usage` where several rewards come without an aggregator, or one reward with one.
  init?(_ scan: MatrixScan, _ request: FrontierRequest) throws(EsscherError) {
    let count = scan.table.members.count
    guard count > 1 else {
      guard request.ensemble == nil, request.standardize == nil else {
        let option = request.ensemble == nil ? "--standardize" : "--ensemble"
        throw EsscherError(
          .usage,
          "\(option) is for several reward models, and the input holds one; leave it out, or pass the "
            + "other models' scores too")
      }
      return nil
    }
    guard let aggregator = request.ensemble else {
      throw EsscherError(
        .usage,
        "the input holds \(count) reward models (\(Self.names(scan.table))); say how they become one "
          + "reward with --ensemble \(EnsembleAggregator.choices), or pass the scores of one")
    }
    self.scan = request.missing == .drop ? Self.masked(scan) : scan
    self.request = request
    self.aggregator = aggregator
  }

  /// Members lack what the log-probabilities lack, so that every curve and comparison has the same samples. Tables
  /// of other shapes are refused later, by name.
  private static func masked(_ scan: MatrixScan) -> MatrixScan {
    guard let mask = scan.table.logProbabilities else { return scan }
    var table = scan.table
    table.members = table.members.map { member in
      let source = member.source
      let fits =
        source.rowCount == mask.rowCount
        && scan.rowsAtHand.allSatisfy {
          source.sampleCount(row: $0) == mask.sampleCount(row: $0)
        }
      return fits
        ? RewardMember(name: member.name, source: MaskedSource(base: source, mask: mask)) : member
    }
    return scan.with(table, scope: "masked")
  }

  private static func names(_ table: RewardTable) -> String {
    let names = table.members.map(\.name)
    return names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", ..." : "")
  }

  /// Name of the aggregate in the report: the aggregator and how many models it takes.
  var label: String { "\(aggregator)(\(scan.table.members.count))" }

  /// Runs the aggregate, every member, and the comparison with gold.
  func run(clock: inout StageClock) throws(EsscherError) -> FrontierResult {
    let table = scan.table
    try checkShapes(table.members)
    let scale = try clock.time("scaling") { () throws(EsscherError) in
      try EnsembleScale(
        table.members, request: request, scan: scan)
    }
    let ensemble = scan(
      EnsembleSource(name: table.label, cells: scale.cells, aggregator: aggregator), label: label)
    let own = try scan.attempt { () throws(EsscherError) in
      let pipeline = FrontierPipeline(scan: ensemble, request: request)
      return try pipeline.run(clock: &clock)
    }
    let members = table.members.indices.map { index in
      scan(scale.source(of: index), label: table.members[index].name, watched: false)
    }
    var ambiguities: [Int: Double]?
    if let own {
      ambiguities = try clock.time("ambiguity") { () throws(EsscherError) in
        try scan.attempt { () throws(EsscherError) in
          try self.ambiguities(ensemble, members, of: own.points)
        }
      }
    }
    var others: [FrontierResult] = []
    var isWaiting = own == nil || ambiguities == nil
    try clock.time("members") { () throws(EsscherError) in
      for member in members {
        if let result = try scan.attempt({ () throws(EsscherError) in try run(member) }) {
          others.append(result)
        } else {
          isWaiting = true
        }
      }
    }
    var errorPoints: [FrontierPoint]? = []
    if table.gold != nil {
      let errors = EnsembleError(
        scan: scan, request: request, cells: scale.cells, aggregator: aggregator, label: label)
      errorPoints = try clock.time("distance from gold") { () throws(EsscherError) in
        try scan.attempt { () throws(EsscherError) in try errors.points() }
      }
    }
    guard var result = own, let ambiguities, let errorPoints, !isWaiting else {
      throw Sweep.suspension
    }
    result.warnings += scale.notes
    for (line, ambiguity) in ambiguities { result.points[line].extras[.ambiguity] = ambiguity }
    var curves = [result.points]
    for (member, other) in zip(members, others) {
      // What all of them share, such as dropped samples, was said of the aggregate.
      for warning in other.warnings where !result.warnings.contains(warning) {
        result.warnings.append("\(member.table.label): \(warning)")
      }
      curves.append(other.points)
    }
    curves.append(errorPoints)
    result.points = Curve.allCases.flatMap { curve in
      curves.flatMap { $0.filter { $0.curve == curve } }
    }
    return result
  }

  /// The same gold and log weights beside another reward.
  private func scan(
    _ source: any RewardSource, label: String, watched: Bool = true
  ) -> MatrixScan {
    var table = scan.table
    table.label = label
    table.rewards = .cells(source)
    table.members = []
    if !watched { table.notes = [] }
    // Lines of prompts are the aggregate's: a file of them has no column that tells models apart.
    return scan.with(table, scope: watched ? "aggregate" : "model \(label)", isWatched: watched)
  }

  /// A member's own lines.
  private func run(_ member: MatrixScan) throws(EsscherError) -> FrontierResult {
    var request = request
    // Policies are placed once, against the aggregate.
    request.policies = []
    var clock = StageClock()
    let pipeline = FrontierPipeline(scan: member, request: request)
    return try pipeline.run(clock: &clock)
  }

  /// A(λ) = mean over members of K_k − K of their mean, ≥ 0 by convexity: how much nearer, in KL from any
  /// gold policy, the mean's tilt is than the members' tilts on average (theory §2.3 (i)).
  ///
  /// The members' mean rewards average to the mean's, so that reverse KL = K − λμ gives the same difference.
  ///
  /// - Returns: the values, by index of their point.
  private func ambiguities(
    _ ensemble: MatrixScan, _ members: [MatrixScan], of points: [FrontierPoint]
  ) throws(EsscherError) -> [Int: Double] {
    guard aggregator == .mean else { return [:] }
    let lines = points.indices.filter { points[$0].curve == .tilt }
    let lambdas = lines.compactMap { points[$0].lambda }
    guard !lambdas.isEmpty, lambdas.count == lines.count else { return [:] }
    var evaluated: [[Double]] = []
    for scan in [ensemble] + members {
      let values = try scan.attempt { () throws(EsscherError) in
        try scan.evaluate(lambdas, missing: request.missing, stage: "comparing models")
      }
      if let values { evaluated.append(values.map(\.reverseKL)) }
    }
    guard evaluated.count == members.count + 1 else { throw Sweep.suspension }
    let own = evaluated[0]
    var sums = lambdas.map { _ in CompensatedSum() }
    for member in evaluated.dropFirst() {
      for (index, value) in member.enumerated() { sums[index].add(value) }
    }
    return Dictionary(
      uniqueKeysWithValues: lines.enumerated().map { index, line in
        // Rounding alone can bring it below 0, where the members agree.
        (line, max(0, sums[index].value / Double(members.count) - own[index]))
      })
  }

  private func checkShapes(_ members: [RewardMember]) throws(EsscherError) {
    let first = members[0]
    for member in members.dropFirst() {
      let source = member.source
      guard source.rowCount == first.source.rowCount else {
        throw EsscherError(
          .badInput,
          "\(source.rowCount) prompts of \(member.name), but \(first.name) has "
            + "\(first.source.rowCount); all models must have scored the same samples",
          at: EsscherError.Location(file: source.name))
      }
      for row in 0..<source.rowCount
      where source.sampleCount(row: row) != first.source.sampleCount(row: row) {
        throw EsscherError(
          .badInput,
          "\(source.sampleCount(row: row)) samples of \(member.name), but \(first.name) has "
            + "\(first.source.sampleCount(row: row)) there; all models must have scored the same samples",
          at: EsscherError.Location(file: source.name, row: row))
      }
    }
  }
}

extension KLBudgetSolver.Evaluation {
  /// Mean KL(base ‖ tilt), nats: the Jeffreys divergence lambda·gain less the KL.
  var reverseKL: Double { max(0, lambda * gain - kl) }
}

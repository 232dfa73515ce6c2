// SPDX-License-Identifier: Apache-2.0
// The KL of best-of-n from the samples' log-probabilities.

internal import EsscherCore

extension MatrixScan {
  /// Name of the look at every log-probability.
  static let logProbabilityPass = "log-probabilities"

  /// The same scan with samples missing that lack their log-probability, after a look at every one.
  ///
  /// - Throws: `.badInput` at the first log-probability above 0 or infinite, and at the first missing one
  ///   unless such samples are dropped.
  func checkingLogProbabilities(missing: MissingPolicy) throws(EsscherError) -> MatrixScan {
    guard let source = table.logProbabilities, case .cells(let rewards) = table.rewards else {
      return self
    }
    let observer = observer
    let rows = rows
    let isMasked = try pass(Self.logProbabilityPass, from: AnyFlag()) {
      (flag) throws(EsscherError) in
      try source.look(rows: rows) { (cells, row, column) throws(EsscherError) in
        if row.isMultiple(of: 1024) || column > 0 {
          if observer.isCancelled() { throw EsscherError.interruption }
          observer.progress(
            "checking log-probabilities", Double(row - rows.lowerBound) / Double(rows.count))
        }
        for (index, cell) in cells.enumerated() where !(cell.isFinite && cell <= 0) {
          let place = source.location(row: row, column: column + index)
          if cell.isNaN {
            guard missing == .error else {
              flag.isSet = true
              continue
            }
            throw EsscherError(
              .badInput,
              "the log-probability is missing (NaN or null); fill it in, or leave such samples out with "
                + "--missing drop", at: place)
          }
          throw EsscherError(
            .badInput,
            cell > 0
              ? "the log-probability is \(cell), and a probability is at most 1; give natural logarithms "
                + "of whole samples' probabilities, or rename the column if it holds something else"
              : "the log-probability is infinite, and a sample that was drawn has a probability above 0; "
                + "give a finite number, or NaN together with --missing drop", at: place)
        }
      }
    }.isSet
    guard isMasked else { return self }
    var table = table
    table.rewards = .cells(MaskedSource(base: rewards, mask: source))
    return with(table, scope: "masked")
  }

  /// Mean over prompts of Σ u_i d_n(ε_i), u the tie-averaged weights of best of n and ε_i the sample's
  /// probability under the base policy; by n.
  ///
  /// The divergences ride through the sort as the payload of one pass for each n.
  ///
  /// - Parameters:
  ///   - laws: those of the plan; only best of n has an estimate.
  ///   - missing: what becomes of missing cells.
  /// - Source: 2401.01879, §4; theory §3.3.
  func klEstimates(
    _ laws: [SelectionLaw], missing: MissingPolicy
  ) throws(EsscherError) -> [Int: Double] {
    guard let source = table.logProbabilities, table.logWeights == nil,
      case .cells(let rewards) = table.rewards
    else { return [:] }
    var estimates: [Int: Double] = [:]
    var isWaiting = false
    var derived = table
    // The payload takes gold's place, and what gold lacks stays left out.
    if missing == .drop, let gold = table.gold {
      derived.rewards = .cells(MaskedSource(base: rewards, mask: gold))
    }
    for case .bestOf(let n) in laws {
      guard n > 1 else {
        estimates[n] = 0
        continue
      }
      derived.gold = DivergenceSource(base: source, n: n)
      let scan = with(derived, scope: "divergence \(n)")
      let plan = StatisticsPlan(bestOf: [n], sorted: true, missing: missing)
      let mean = try attempt { () throws(EsscherError) in
        try scan.pass("selected mean", from: PromptSums(count: 1)) { (mean) throws(EsscherError) in
          try scan.run(plan, stage: "KL from log-probabilities") { part in
            for (offset, summary) in part.summaries.enumerated() where summary.sampleCount > 0 {
              mean.promptCount += 1
              mean.sums[0].add(part.bestOf[offset].gold)
            }
          }
        }.means[0]
      }
      if let mean { estimates[n] = mean } else { isWaiting = true }
    }
    if isWaiting { throw Sweep.suspension }
    return estimates
  }
}

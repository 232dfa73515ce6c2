// SPDX-License-Identifier: Apache-2.0
// What a user asks of a run, option by option, checked for form: the part of the command line that has nothing
// to do with files. Whoever takes the same words from elsewhere fills the same record.

package import EsscherCore

/// The validated, unresolved request.
package struct RequestArguments: Sendable {
  package var missing = MissingPolicy.error

  // Grids
  package var betas: GridSpec?
  package var lambdas: GridSpec?
  package var klBudgets: GridSpec?
  package var ns: IntegerGridSpec?
  package var curves: Set<Curve> = [.tilt, .bestOfN]

  // Estimation
  package var resamples = 1000
  package var confidence = 0.95
  package var seed: UInt64 = 0
  package var precision: Precision?
  package var biasCorrect = false
  package var ensemble: EnsembleAggregator?
  package var standardize: Standardization?

  // Machine
  package var device = "auto"
  package var threads: Int?
  package var memoryBudgetBytes = 2 << 30

  package init() {}

  /// The union of `--lambdas` and 1/`--betas`, ascending and distinct; nil where neither was given.
  package var lambdaGrid: [Double]? {
    guard betas != nil || lambdas != nil else { return nil }
    let inverse = (betas?.values ?? []).map { 1 / $0 }
    return ((lambdas?.values ?? []) + inverse).ascendingDistinct()
  }

  /// The request, without policies.
  package var request: FrontierRequest {
    var bestOf: [Int]?
    if case .list(let numbers) = ns { bestOf = numbers.ascendingDistinct() }
    var request = FrontierRequest(
      lambdas: lambdaGrid, klBudgets: klBudgets?.values.ascendingDistinct() ?? [],
      bestOf: bestOf, missing: missing, resamples: resamples, confidence: confidence, seed: seed,
      device: device, threads: threads, memoryBudgetBytes: memoryBudgetBytes,
      precision: precision)
    request.biasCorrect = biasCorrect
    request.curves = curves
    request.ensemble = ensemble
    request.standardize = standardize
    return request
  }
}

// SPDX-License-Identifier: Apache-2.0
// The frontier command's options resolved: the input, the request and the outputs, with every
// contradiction between options found before anything is opened.

internal import Esscher
internal import EsscherIO
internal import EsscherOptions

/// A frontier run, ready to start.
struct FrontierPlan {
  let input: LoadRequest
  private(set) var request: FrontierRequest
  let policies: String?
  let outputs: [OutputTarget]
  let perPrompt: String?
  let plots: [String]
  let plotAxis: PlotAxis

  init(resolving record: LowArguments) throws(EsscherError) {
    outputs = try OutputTarget.resolve(record)
    perPrompt = record.perPrompt
    plots = record.plots
    plotAxis = record.plotAxis
    policies = record.policies
    input = try Self.input(record, needsDigests: outputs.contains { $0.format == .json })
    request = record.request
    try checkNamesAreDistinct()
  }

  /// Reads the table of policies into the request.
  ///
  /// - Returns: its record for the report, nil without one.
  mutating func loadPolicies() throws(EsscherError) -> InputRecord? {
    guard let policies else { return nil }
    let read = try PolicyFile.read(policies, computeDigest: input.computeDigests)
    request.policies = read.policies
    return read.record
  }

  private static func input(
    _ record: LowArguments, needsDigests: Bool
  ) throws(EsscherError) -> LoadRequest {
    guard !record.positionals.isEmpty else {
      throw EsscherError(
        .usage,
        "frontier needs the rewards: name a file, or - for standard input with --input-format.")
    }
    guard record.inputFormat != nil || !record.positionals.contains("-") else {
      throw EsscherError(
        .usage, "Standard input has no ending that says its format; add --input-format.")
    }
    return LoadRequest(
      rewards: record.positionals, inputFormat: record.inputFormat, key: record.key,
      gold: record.gold, logWeights: record.logWeights,
      logProbabilities: record.logProbabilities, columns: record.columns, dtype: record.dtype,
      missing: record.missing, computeDigests: needsDigests)
  }

  /// Two outputs in one place, or an output over an input, would destroy one of them.
  private func checkNamesAreDistinct() throws(EsscherError) {
    let written =
      outputs.compactMap(\.path) + (perPrompt.map { [$0] } ?? []) + plots.filter { $0 != "-" }
    for (index, path) in written.enumerated() {
      for other in written[..<index] where FileIdentity.isSame(path, other) {
        throw EsscherError(.usage, "Two outputs go to '\(path)'; give each a name of its own.")
      }
      for read in input.possiblePaths + (policies.map { [$0] } ?? [])
      where FileIdentity.isSame(path, read) {
        throw EsscherError(
          .usage, "Output '\(path)' would replace the input '\(read)'; choose another name.")
      }
    }
  }
}

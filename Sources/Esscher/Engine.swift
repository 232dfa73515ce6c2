// SPDX-License-Identifier: Apache-2.0
// The public entry point: a table and a request in, a report out.

@_exported public import EsscherCore

/// The estimator engine.
public struct Engine: Sendable {
  public init() {}

  /// Runs a frontier request on a table.
  public func frontier(
    _ table: RewardTable, _ request: FrontierRequest, observer: RunObserver = RunObserver()
  ) throws(EsscherError) -> Report {
    throw EsscherError(.internal, "the pipeline is not connected yet")
  }
}

// SPDX-License-Identifier: Apache-2.0
// The public entry point: a table and a request in, a report out.

internal import EsscherCPU
@_exported public import EsscherCore

/// The estimator engine.
public struct Engine: Sendable {
  /// Version of the library and the program.
  public static let version = "0.1.0"

  /// An engine with no state; devices are opened by each run.
  public init() {}

  /// Estimates the KL-reward frontier and best-of-n curve of a table.
  ///
  /// - Shape: `table` is P prompts × M samples, M may differ; the report has a point a grid value.
  /// - Units: KL in nats, rewards as given.
  /// - Throws: ``EsscherError``: `.badInput` for cells no estimator is defined on and n > M,
  ///   `.deviceUnavailable` for a device that cannot be used, `.interrupted` when the observer says so.
  /// - Precision: as `docs/accuracy.md` states. The same table, request and seed give the same points,
  ///   bit for bit, whatever the threads and memory budget.
  /// - Complexity: a sort of each row, O(P·M·lambdas) exponentials, and one more pass a solver round.
  public func frontier(
    _ table: RewardTable, _ request: FrontierRequest, observer: RunObserver = RunObserver(),
    commandLine: [String] = []
  ) throws(EsscherError) -> Report {
    let backend = try Self.backend(for: request)
    var clock = StageClock()
    let scan = MatrixScan(table: table, backend: backend, observer: observer)
    let result = try FrontierPipeline(scan: scan, request: request).run(clock: &clock)
    let overview = result.overview
    let provenance = Provenance(
      version: Self.version, commandLine: commandLine, inputs: table.inputs,
      promptCount: overview.promptCount, sampleCountMinimum: overview.shortest,
      sampleCountMaximum: overview.longest, droppedSamples: overview.droppedSamples,
      droppedPrompts: overview.droppedPrompts, device: backend.name, driver: backend.driver,
      fallbacks: [], precision: request.precision ?? table.defaultPrecision,
      threads: backend.threads, memoryBudgetBytes: request.memoryBudgetBytes, seed: request.seed,
      resamples: request.resamples, confidence: request.confidence, stages: clock.stages)
    return Report(points: result.points, provenance: provenance, warnings: result.warnings)
  }

  /// The devices of this machine that a run can use.
  public static var devices: [DeviceDescription] { [Processor.description] }

  /// The backend a request asks for.
  private static func backend(for request: FrontierRequest) throws(EsscherError) -> any Backend {
    guard ["auto", "cpu"].contains(request.device) else {
      throw EsscherError(
        .deviceUnavailable,
        "device '\(request.device)' is not available: this version computes on the CPU only; use "
          + "--device cpu or --device auto")
    }
    return CPUBackend(threads: request.threads, memoryBudgetBytes: request.memoryBudgetBytes)
  }
}

extension RewardTable {
  /// `double` where cells need a double, else `mixed`.
  var defaultPrecision: Precision {
    switch rewards {
    case .counts: .double
    case .cells(let source): source.storage == .float64 ? .double : .mixed
    }
  }
}

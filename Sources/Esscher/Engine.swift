// SPDX-License-Identifier: Apache-2.0
// The public entry point: a table and a request in, a report out.

internal import EsscherCPU
@_exported public import EsscherCore
internal import EsscherOpenCL

/// The estimator engine.
public struct Engine: Sendable {
  /// Version of the library and the program.
  public static let version = "0.1.0"

  /// An engine with no state; devices are opened by each run.
  public init() {}

  /// Estimates the KL-reward frontier and best-of-n curve of a table; where it has several reward models,
  /// of their aggregate and then of each.
  ///
  /// - Shape: `table` is P prompts × M samples, M may differ; the report has a point a grid value.
  /// - Units: KL in nats, rewards as given.
  /// - Throws: `EsscherError`: `.badInput` for cells no estimator is defined on and n > M,
  ///   `.usage` where several reward models come without `request.ensemble`, or with spreads that differ
  ///   more than twofold and no `request.standardize`,
  ///   `.deviceUnavailable` for a device that cannot be used, `.interrupted` when the observer says so.
  /// - Precision: as `docs/accuracy.md` states. The same table, request and seed give the same points,
  ///   bit for bit, whatever the threads and memory budget.
  /// - Complexity: a sort of each row, O(P·M·lambdas) exponentials, and one more pass a solver round.
  public func frontier(
    _ table: RewardTable, _ request: FrontierRequest, observer: RunObserver = RunObserver(),
    commandLine: [String] = []
  ) throws(EsscherError) -> Report {
    var clock = StageClock()
    let choice = try clock.time("devices") { () throws(EsscherError) in
      try DeviceChoice.resolve(request, table: table)
    }
    return try frontier(
      table, request, choice: choice, observer: observer, commandLine: commandLine, clock: clock)
  }

  /// The run on the chosen device, and again on the processor where it fails and may be replaced.
  func frontier(
    _ table: RewardTable, _ request: FrontierRequest, choice: DeviceChoice, observer: RunObserver,
    commandLine: [String] = [], clock: StageClock = StageClock()
  ) throws(EsscherError) -> Report {
    var (choice, clock) = (choice, clock)
    let result: FrontierResult
    do throws(EsscherError) {
      result = try Self.run(table, request, choice.backend, observer, &clock)
    } catch {
      guard error.code == .deviceUnavailable, choice.mayFallBack else { throw error }
      // From the start: half a run of one backend and half of another would be neither's numbers.
      choice.fallbacks.append(
        DeviceFallback(
          device: choice.backend.name,
          reason: "it failed in the middle of the run: \(error.message)",
          remedy: "the run was done again on the processor"))
      choice.backend = CPUBackend(
        threads: request.threads, memoryBudgetBytes: request.memoryBudgetBytes)
      try observer.restarted()
      result = try Self.run(table, request, choice.backend, observer, &clock)
    }
    let backend = choice.backend
    let overview = result.overview
    var provenance = Provenance(
      version: Self.version, commandLine: commandLine, inputs: table.inputs,
      promptCount: overview.promptCount, sampleCountMinimum: overview.shortest,
      sampleCountMaximum: overview.longest, droppedSamples: overview.droppedSamples,
      droppedPrompts: overview.droppedPrompts, device: backend.name, driver: backend.driver,
      fallbacks: choice.fallbacks, precision: request.precision ?? table.defaultPrecision,
      threads: backend.threads, memoryBudgetBytes: request.memoryBudgetBytes, seed: request.seed,
      resamples: request.resamples, confidence: request.confidence, stages: clock.stages)
    provenance.tilts = result.tilts
    return Report(points: result.points, provenance: provenance, warnings: result.warnings)
  }

  private static func run(
    _ table: RewardTable, _ request: FrontierRequest, _ backend: any Backend,
    _ observer: RunObserver, _ clock: inout StageClock
  ) throws(EsscherError) -> FrontierResult {
    try run(
      MatrixScan(table: table, backend: backend, observer: observer), request, &clock)
  }

  /// A run over the prompts of a scan.
  static func run(
    _ scan: MatrixScan, _ request: FrontierRequest, _ clock: inout StageClock
  ) throws(EsscherError) -> FrontierResult {
    if let ensemble = try EnsembleRun(scan, request) { return try ensemble.run(clock: &clock) }
    let pipeline = FrontierPipeline(scan: scan, request: request)
    return try pipeline.run(clock: &clock)
  }

  /// The processor, which every run can use.
  public static var processor: DeviceDescription { Processor.description }

  /// The devices of this machine: those that a run can use, the automatic choice marked, and those that
  /// it cannot, each with reason and remedy.
  ///
  /// Drivers are tried in child processes (see ``DeviceProbeChild``); a platform takes up to 20 s.
  public static func devices() -> (usable: [DeviceDescription], rejected: [DeviceFallback]) {
    let result = DeviceProbe.result()
    var usable = [Processor.description] + result.usable.map(\.description)
    // A GPU is picked without being timed; other drivers only where they win a run's calibration.
    if let gpu = result.usable.firstIndex(where: \.isGPU) {
      usable[0].isAutomaticChoice = false
      usable[gpu + 1].isAutomaticChoice = true
    }
    return (usable, result.rejected)
  }
}

/// The child process of the device probe, for programs that offer it: such a program calls ``offer()``, and
/// where its first argument is ``argument``, ``run(_:print:)`` with the rest, and ends.
public enum DeviceProbeChild {
  /// First argument of the child process.
  public static let argument = DeviceProbe.argument

  /// Most words of a command that is offered.
  public static let mostWords = DeviceProbe.mostWords

  /// Says that this program can be started as the child.
  public static func offer() { DeviceProbe.offerThisProgram() }

  /// Says which command starts the child; ``argument`` and more words follow it.
  ///
  /// - Parameter command: at most ``mostWords`` words, the first an absolute path.
  public static func offer(_ command: [String]) { DeviceProbe.offer(command) }

  /// What the child does; `print` takes each line for standard output as soon as there is one.
  public static func run(_ arguments: [String], print: (_ line: String) -> Void) {
    ProbeChild.run(arguments, print: print)
  }
}

extension RewardTable {
  /// `double` where cells need a double, else `mixed`.
  var defaultPrecision: Precision {
    // Aggregates and standardised scores are doubles, whatever the scores are.
    guard members.isEmpty else { return .double }
    return switch rewards {
    case .counts: .double
    case .cells(let source): source.storage == .float64 ? .double : .mixed
    }
  }
}

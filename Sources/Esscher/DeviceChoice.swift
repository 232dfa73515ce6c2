// SPDX-License-Identifier: Apache-2.0
// Which device a run uses. `auto` may end on the processor and says why; a device asked for by name is
// used or the run fails.

internal import EsscherCPU
internal import EsscherCore
internal import EsscherOpenCL
internal import Glibc

/// A backend, why others were passed over, and whether the processor may take over.
struct DeviceChoice {
  var backend: any Backend
  var fallbacks: [DeviceFallback] = []
  /// Whether the run may start again on the processor if the device fails.
  var mayFallBack = false

  /// Terms of the tilt below which no device is looked for: about a second on two cores, most of which a
  /// device has to spend too (reading, replicates), and opening one takes a fifth to half a second.
  static let smallJob = 4e9

  /// `ESSCHER_AUTO=first`: `auto` takes the first usable device without asking whether it pays. For
  /// trials of devices and of their failures.
  private static var takesFirst: Bool {
    unsafe getenv("ESSCHER_AUTO").map { unsafe String(cString: $0) == "first" } ?? false
  }

  /// Chooses for a run.
  ///
  /// - Throws: `.deviceUnavailable` where a device asked for by name cannot be used.
  static func resolve(
    _ request: FrontierRequest, table: RewardTable, probe: () -> ProbeResult = DeviceProbe.result
  ) throws(EsscherError) -> DeviceChoice {
    let processor = CPUBackend(
      threads: request.threads, memoryBudgetBytes: request.memoryBudgetBytes)
    let wanted = request.device.lowercased()
    if wanted == "cpu" { return DeviceChoice(backend: processor) }
    let names = try list(request.device)
    guard case .cells(let source) = table.rewards else {
      // A name that stands for nothing is a mistake all the same.
      if wanted != "auto" { _ = try devices(names, probe) }
      return DeviceChoice(
        backend: processor,
        fallbacks: [
          DeviceFallback(
            device: wanted == "auto" ? "OpenCL" : request.device,
            reason: "counts of correct samples are evaluated in closed form, on the processor",
            remedy: "none is needed")
        ])
    }
    if wanted == "auto" {
      return try automatic(request, source, runs: 1 + table.members.count, processor, probe)
    }
    let devices = try devices(names, probe)
    var backends: [any Backend] = []
    for device in devices {
      backends.append(try open(device, request, share: devices.count))
    }
    return DeviceChoice(
      backend: backends.count == 1 ? backends[0] : SeveralBackends(backends))
  }

  // MARK: Devices by name

  /// The one device that a name stands for, apart from any rewards; nil where it stands for several.
  static func single(_ name: String) throws(EsscherError) -> (any Backend)? {
    let request = FrontierRequest(device: name)
    if name.lowercased() == "cpu" { return try open(nil, request, share: 1) }
    let devices = try devices(try list(name), DeviceProbe.result)
    return devices.count == 1 ? try open(devices[0], request, share: 1) : nil
  }

  /// The names of a list, or the one name.
  private static func list(_ names: String) throws(EsscherError) -> [String] {
    guard names.contains(",") else { return [names] }
    let list = names.split(separator: ",", omittingEmptySubsequences: false).map { part in
      let words = part.split { $0.isWhitespace }
      return words.joined(separator: " ")
    }
    for name in list where name.isEmpty || name.lowercased() == "auto" {
      throw EsscherError(
        .usage,
        "--device \(names): a list names devices, as cpu,opencl:0.0 does; "
          + (name.isEmpty ? "an entry is empty." : "auto cannot be one of them."))
    }
    return list
  }

  /// The devices that names stand for, each once, in order; nil stands for the processor.
  private static func devices(
    _ names: [String], _ probe: () -> ProbeResult
  ) throws(EsscherError) -> [ProbedDevice?] {
    var devices: [ProbedDevice?] = []
    let result = probe()
    for name in names {
      let found: [ProbedDevice?] =
        switch name.lowercased() {
        case "cpu": [nil]
        case "opencl:all": try all(result)
        default: [try named(name, result)]
        }
      for device in found {
        guard !devices.contains(device) else {
          throw EsscherError(
            .usage,
            "--device names \(device?.description.name ?? "cpu") twice; name each device once.")
        }
        devices.append(device)
      }
    }
    return devices
  }

  /// Every usable device of the kind that `opencl` would take: GPUs where there are any.
  private static func all(_ result: ProbeResult) throws(EsscherError) -> [ProbedDevice] {
    let first = try named("opencl", result)
    return result.usable.filter { $0.isGPU == first.isGPU }
  }

  /// Opens one of `share` devices; each may take its part of the memory.
  private static func open(
    _ device: ProbedDevice?, _ request: FrontierRequest, share: Int
  ) throws(EsscherError) -> any Backend {
    let budget = request.memoryBudgetBytes / share
    return try device?.open(memoryBudgetBytes: budget)
      ?? CPUBackend(threads: request.threads, memoryBudgetBytes: budget)
  }

  private static func automatic(
    _ request: FrontierRequest, _ source: any RewardSource, runs: Int, _ processor: CPUBackend,
    _ probe: () -> ProbeResult
  ) throws(EsscherError) -> DeviceChoice {
    let cells = Double(runs) * Double(source.rowCount) * Double(source.longestSampleCount)
    let lambdas = Double(request.lambdas?.count ?? PointGrid.defaultCount)
    guard takesFirst || cells * (lambdas + 16) > smallJob else {
      return DeviceChoice(
        backend: processor,
        fallbacks: [
          DeviceFallback(
            device: "OpenCL",
            reason: "not looked for: opening a device would take longer than this job",
            remedy: "--device opencl uses one all the same")
        ])
    }
    let result = probe()
    var choice = DeviceChoice(backend: processor, fallbacks: result.rejected)
    // GPUs first; a processor's driver has to be faster than we are.
    for device in result.usable.filter(\.isGPU) + result.usable.filter({ !$0.isGPU }) {
      do throws(EsscherError) {
        let backend = try device.open(memoryBudgetBytes: request.memoryBudgetBytes)
        if !device.isGPU, !takesFirst, let slower = try calibrate(backend, against: processor) {
          choice.fallbacks.append(
            DeviceFallback(
              device: "\(device.description.name) (\(device.description.model))", reason: slower,
              remedy: "--device \(device.description.name) uses it all the same"))
          continue
        }
        return DeviceChoice(backend: backend, fallbacks: choice.fallbacks, mayFallBack: true)
      } catch {
        choice.fallbacks.append(
          DeviceFallback(
            device: "\(device.description.name) (\(device.description.model))",
            reason: error.message, remedy: "use --device cpu"))
      }
    }
    return choice
  }

  /// The device a name stands for.
  private static func named(
    _ name: String, _ result: ProbeResult
  ) throws(EsscherError) -> ProbedDevice {
    let lowered = name.lowercased()
    let matches = result.usable.filter { device in
      lowered == "opencl" || device.description.name == lowered
        || (!lowered.hasPrefix("opencl:") && lowered.count > 1
          && device.searchText.lowercased().contains(lowered))
    }
    if let device = matches.first(where: \.isGPU) ?? matches.first { return device }
    let about = result.rejected.filter {
      lowered == "opencl" || result.usable.isEmpty || $0.device.lowercased().contains(lowered)
    }
    let reasons = about.map { "\($0.device): \($0.reason); \($0.remedy)" }.joined(separator: ". ")
    let known = result.usable.map(\.description.name).joined(separator: ", ")
    throw EsscherError(
      .deviceUnavailable,
      "device '\(name)' cannot be used. "
        + (reasons.isEmpty ? "" : reasons + ". ")
        + (known.isEmpty ? "Use --device cpu or auto." : "Usable: cpu, \(known)."))
  }

  /// Why a processor's driver is not worth it, nil where it beats the Swift path on a small job.
  private static func calibrate(
    _ backend: OpenCLBackend, against processor: CPUBackend
  ) throws(EsscherError) -> String? {
    var state: UInt64 = 1
    let rows = (0..<32).map { _ in
      (0..<2048).map { _ -> Double in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 40) * 0x1p-22
      }
    }
    let table = RewardTable(
      label: "calibration", rewards: .cells(MemorySource(name: "calibration", rows: rows)))
    let plan = StatisticsPlan(
      lambdas: (1...16).map(Double.init), bestOf: [4], sorted: true, missing: .error)
    func seconds(_ backend: any Backend) throws(EsscherError) -> Double {
      var best = Double.infinity
      // The first turn compiles and warms.
      for _ in 0..<3 {
        let clock = ContinuousClock()
        let start = clock.now
        _ = try backend.reduce(table, rows: 0..<rows.count, plan: plan)
        let elapsed = start.duration(to: clock.now).components
        best = min(best, Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18)
      }
      return best
    }
    let (theirs, ours) = (try seconds(backend), try seconds(processor))
    guard theirs >= ours else { return nil }
    return
      "it took \((theirs / ours * 10).rounded() / 10) times as long as the Swift path in a short "
      + "calibration"
  }
}

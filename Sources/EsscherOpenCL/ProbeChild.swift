// SPDX-License-Identifier: Apache-2.0
// What the probe's child process does: everything that a driver may die of, on a small input. Its lines go
// to standard output, fields apart by tabs.

internal import COpenCL
internal import EsscherCore

/// The child side of the probe.
public enum ProbeChild {
  /// Runs `platforms LIBRARY`, or `platform LIBRARY INDEX`, and prints a line as soon as there is one: a
  /// driver that hangs at its third device takes nothing from the first two.
  public static func run(_ arguments: [String], print: (_ line: String) -> Void) {
    copencl_die_with_parent()
    guard arguments.count > 1, let kind = Int(arguments[1]) else { return }
    let (library, reason) = OpenCLLibrary.load(kind)
    guard let library else { return print("missing\t\(reason)") }
    switch (arguments[0], arguments.count) {
    case ("platforms", 2): for line in platforms(library) { print(line) }
    case ("platform", 3):
      if let platform = Int(arguments[2]) { devices(kind, library, platform, print: print) }
    default: return
    }
  }

  private static func platforms(_ library: OpenCLLibrary) -> [String] {
    do throws(OpenCLError) {
      let platforms = try unsafe DeviceProfile.platforms(library)
      let names = unsafe platforms.map { unsafe DeviceProfile.name(library, of: $0) }
      return names.enumerated().map { "platform\t\($0.offset)\t\($0.element)" }
    } catch {
      return ["failure\t\(library.path)\t\(error.sentence)\t\(error.remedy)"]
    }
  }

  private static func devices(
    _ index: Int, _ library: OpenCLLibrary, _ platform: Int, print: (_ line: String) -> Void
  ) {
    do throws(OpenCLError) {
      let platforms = try unsafe DeviceProfile.platforms(library)
      guard unsafe platforms.indices.contains(platform) else { return }
      let ids = try unsafe DeviceProfile.devices(library, platforms[platform])
      for number in unsafe ids.indices {
        let profile = unsafe DeviceProfile(
          library, platform: platform, platformID: platforms[platform], device: number,
          deviceID: ids[number])
        let verdict = verdict(profile, library: index)
        print((["device"] + profile.fields + verdict).joined(separator: "\t"))
      }
    } catch {
      print("failure\t\(index)\t\(error.sentence)\t\(error.remedy)")
    }
  }

  /// `ok`, or `fault`, reason, remedy.
  private static func verdict(_ profile: DeviceProfile, library: Int) -> [String] {
    if let shortcoming = profile.shortcoming {
      return ["fault", shortcoming.reason, shortcoming.remedy]
    }
    do throws(EsscherError) {
      let backend = try OpenCLBackend(
        platform: profile.platform, device: profile.device, libraryIndex: library)
      guard try answersRight(backend) else {
        return [
          "fault", "its answers to a small case are wrong",
          "update the driver, or use --device cpu",
        ]
      }
      return ["ok"]
    } catch {
      // The message ends in its remedy, behind the last semicolon.
      let parts = error.message.split { $0.isWhitespace }.joined(separator: " ")
        .split(separator: ";").map(String.init)
      guard parts.count > 1, let remedy = parts.last else {
        return ["fault", error.message, "use --device cpu"]
      }
      return [
        "fault", parts.dropLast().joined(separator: ";"), String(remedy.drop { $0 == " " }),
      ]
    }
  }

  /// Five samples with a tie and gold, whose answers are known to 12 digits; every kernel takes part.
  private static func answersRight(_ backend: OpenCLBackend) throws(EsscherError) -> Bool {
    let rows: [[Double]] = [[0, 1, 1, 2, 5]]
    let table = RewardTable(
      label: "probe", rewards: .cells(MemorySource(name: "probe", rows: rows)),
      gold: MemorySource(name: "probe", rows: [[1, 0, 2, 1, -3]]))
    let plan = StatisticsPlan(lambdas: [1e-4, 0.7], bestOf: [2, 3], sorted: true, missing: .error)
    let result = try backend.reduce(table, rows: 0..<1, plan: plan)
    let tilt = TiltEstimate(lambda: 0.7, sums: result.tilts[1], summary: result.summaries[0])
    var bootstrap = PoissonBootstrap(replicateCount: 2, columnCount: 1, seed: 0)
    try backend.accumulate(&bootstrap, indices: [0], values: [1])
    func isClose(_ got: Double, _ want: Double) -> Bool { (got - want).magnitude <= 1e-10 }
    return isClose(tilt.gain, 2.41144372983) && isClose(tilt.kl, 0.815071968147)
      && isClose(tilt.gold, 0.2 - 2.33904246496)
      && isClose(result.summaries[0].mean + result.bestOf[0].gain, 2.9)
      && isClose(result.bestOf[1].gold, -1.4) && bootstrap.totals == bootstrap.sums
  }
}

extension DeviceProfile {
  /// Name of a platform.
  static func name(_ library: OpenCLLibrary, of platform: cl_platform_id) -> String {
    unsafe text {
      unsafe copencl_platform_text(library.api, platform, cl_uint(CL_PLATFORM_NAME), $0, $1)
    }
  }

  /// As the probe's lines carry a profile.
  var fields: [String] {
    [
      "\(platform)", "\(device)", name, vendor, platformName, driver, isGPU ? "gpu" : "cpu",
      "\(computeUnits)", "\(globalMemory)",
    ]
  }
}

// SPDX-License-Identifier: Apache-2.0
// The parent side of the probe: which OpenCL devices can be used, found out in child processes, because
// drivers abort, hang and run out of memory without a word (PoCL does all three).

internal import COpenCL
public import EsscherCore
internal import Glibc
internal import Synchronization

/// A device that passed the probe.
public struct ProbedDevice: Sendable, Equatable {
  /// Library and platform inside it, and device, by index.
  let library: Int
  let platform: Int
  let device: Int
  /// Platform counted over all libraries, as `--device opencl:P.D` takes it.
  public let platformNumber: Int
  /// Whether the driver calls it a GPU.
  public let isGPU: Bool
  /// The device for people.
  public let description: DeviceDescription

  /// What a part of a name is looked for in: the device's name and its platform's.
  public var searchText: String {
    description.model + " " + (description.target.split(separator: ",").first ?? "")
  }

  /// Opens the device in this process.
  public func open(memoryBudgetBytes: Int) throws(EsscherError) -> OpenCLBackend {
    try OpenCLBackend(
      platform: platform, device: device, memoryBudgetBytes: memoryBudgetBytes,
      libraryIndex: library, label: description.name)
  }
}

/// What the probe found.
public struct ProbeResult: Sendable, Equatable {
  /// Devices that gave right answers.
  public var usable: [ProbedDevice] = []
  /// Devices, platforms and libraries that did not, each with reason and remedy.
  public var rejected: [DeviceFallback] = []
}

/// Finds the OpenCL devices of this machine.
public enum DeviceProbe {
  /// First argument of the child process.
  public static let argument = "--opencl-probe"
  /// Names the program that probes, for programs other than `esscher` that use the library.
  static let programVariable = "ESSCHER_PROBE"
  /// How long a driver may take for all devices of a platform.
  static let timeoutMilliseconds: Int32 = 20_000

  private static let known = Mutex<ProbeResult?>(nil)

  /// The process that first looked for devices; 0 before.
  private static let home = Atomic<pid_t>(0)

  /// Whether this process was forked from one that had looked for devices. Drivers do not survive that, and the
  /// locks that guard them here may have been taken with the fork.
  private static var isForked: Bool {
    let here = getpid()
    let (_, first) = home.compareExchange(expected: 0, desired: here, ordering: .relaxed)
    return first != 0 && first != here
  }

  /// What ``run()`` found, asked once a process.
  public static func result() -> ProbeResult {
    if isForked { return ProbeResult(rejected: [afterFork]) }
    return known.withLock { known in
      if let known { return known }
      let result = run()
      known = result
      return result
    }
  }

  /// Probes every platform.
  ///
  /// - Complexity: a process for the list of platforms, and one a platform.
  public static func run() -> ProbeResult {
    var result = ProbeResult()
    guard let program = command else {
      result.rejected.append(
        DeviceFallback(
          device: "OpenCL",
          reason:
            "drivers are tried in a process of their own, and no esscher program was found for it",
          remedy: "name one in \(programVariable)"))
      return result
    }
    var number = 0
    let names = probeLibrary(program, OpenCLLibrary.loader, number: &number, into: &result)
    // NVIDIA's device without a platform: its driver may be there without loader or .icd file.
    if hasNVIDIADevice, !names.contains(where: { $0.contains("NVIDIA") }) {
      let direct = probeLibrary(program, OpenCLLibrary.driver, number: &number, into: &result)
      if direct.isEmpty { result.rejected.append(hiddenNVIDIA) }
    }
    return result
  }

  private static var hasNVIDIADevice: Bool {
    unsafe access("/dev/nvidiactl", F_OK) == 0 || access("/dev/dxg", F_OK) == 0
  }

  /// Probes the platforms of one library and returns their names.
  private static func probeLibrary(
    _ program: [String], _ library: Int, number: inout Int, into result: inout ProbeResult
  ) -> [String] {
    let isLoader = library == OpenCLLibrary.loader
    let (lines, failure) = ask(program, ["platforms", "\(library)"])
    if let failure {
      result.rejected.append(
        DeviceFallback(
          device: isLoader ? "OpenCL" : "NVIDIA's driver",
          reason: "listing its platforms \(failure.text)", remedy: failure.remedy))
    }
    var names: [String] = []
    for line in lines {
      switch (line.first, line.count) {
      case ("missing", 2) where isLoader: result.rejected.append(missingLibrary(line[1]))
      case ("failure", 4) where isLoader:
        result.rejected.append(
          DeviceFallback(
            device: line[1], reason: line[2],
            remedy: line[2].contains("-1001") ? noPlatform.remedy : line[3]))
      case ("platform", 3):
        guard let platform = Int(line[1]) else { continue }
        names.append(line[2])
        probe(program, library, platform, name: line[2], number: number, into: &result)
        number += 1
      default: continue
      }
    }
    if isLoader && lines.isEmpty && failure == nil { result.rejected.append(noPlatform) }
    return names
  }

  private static func probe(
    _ program: [String], _ library: Int, _ platform: Int, name: String, number: Int,
    into result: inout ProbeResult
  ) {
    let (lines, failure) = ask(program, ["platform", "\(library)", "\(platform)"])
    if let failure {
      result.rejected.append(
        DeviceFallback(
          device: "opencl:\(number) (\(name))", reason: "its driver \(failure.text)",
          remedy: failure.remedy))
    }
    for line in lines {
      if line.first == "failure", line.count == 4 {
        result.rejected.append(
          DeviceFallback(device: "opencl:\(number) (\(name))", reason: line[2], remedy: line[3]))
      }
      guard line.first == "device", line.count >= 11, let device = Int(line[2]) else { continue }
      let description = DeviceDescription(
        name: "opencl:\(number).\(device)", model: line[3],
        target: "\(line[5]), driver \(line[6])", units: Int(line[8]) ?? 0,
        memoryBytes: Int(line[9]), isAutomaticChoice: false)
      if line[10] == "ok" {
        result.usable.append(
          ProbedDevice(
            library: library, platform: platform, device: device, platformNumber: number,
            isGPU: line[7] == "gpu", description: description))
      } else {
        result.rejected.append(
          DeviceFallback(
            device: "\(description.name) (\(line[3]))",
            reason: line.count > 11 ? line[11] : "the probe failed",
            remedy: line.count > 12 ? line[12] : "use --device cpu"))
      }
    }
  }

  // MARK: The child

  private struct Failure {
    let text: String
    let remedy: String
  }

  /// What a child printed until it ended, and what was wrong with its end.
  private static func ask(
    _ program: [String], _ arguments: [String]
  ) -> (lines: [[String]], failure: Failure?) {
    var output = [CChar](repeating: 0, count: 1 << 16)
    var status: Int32 = 0
    let words = program + [argument] + arguments
    let failure = unsafe withCStrings(words) { pointers in
      unsafe output.withUnsafeMutableBufferPointer {
        unsafe copencl_run(
          program[0], pointers, timeoutMilliseconds, $0.baseAddress, $0.count, &status)
      }
    }
    let text = String(
      decoding: output.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let lines = text.split(separator: "\n").map {
      $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }
    return (lines, verdict(failure, status, program[0]))
  }

  /// What the end of a child says, nil where it ended well.
  private static func verdict(_ failure: Int32, _ status: Int32, _ program: String) -> Failure? {
    let clinfo = "check it with clinfo, or use --device cpu"
    if failure == EINTR {
      return Failure(text: "was interrupted", remedy: "run again, or use --device cpu")
    }
    if failure == ETIMEDOUT {
      return Failure(
        text: "did not answer within \(timeoutMilliseconds / 1000) seconds", remedy: clinfo)
    }
    if failure != 0 {
      let reason = unsafe strerror(failure).map { unsafe String(cString: $0) } ?? "error \(failure)"
      return Failure(
        text: "could not be tried: \(program): \(reason)", remedy: "use --device cpu")
    }
    let signal = copencl_signal(status)
    if signal != 0 {
      return Failure(
        text: "ended the probe with signal \(signal)",
        remedy: "where it is PoCL, it needs ld (binutils) on the PATH and free memory; or use "
          + "--device cpu")
    }
    let code = copencl_exit_code(status)
    return code == 0
      ? nil : Failure(text: "ended the probe with exit code \(code)", remedy: clinfo)
  }

  private static func withCStrings<Result>(
    _ words: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
  ) -> Result {
    let copies = unsafe words.map { unsafe strdup($0) }
    defer {
      for index in unsafe copies.indices { unsafe free(copies[index]) }
    }
    let pointers = unsafe copies.map { unsafe UnsafePointer($0) } + [nil]
    return unsafe pointers.withUnsafeBufferPointer { buffer in
      // Never nil: there is at least the terminator.
      unsafe buffer.baseAddress.map { unsafe body($0) } ?? body([nil])
    }
  }

  private static let isProber = Atomic<Bool>(false)
  private static let offered = Mutex<[String]?>(nil)

  /// Most words of a command that is offered: `copencl_run` takes 15 in all.
  public static let mostWords = 8

  /// Says that this program itself answers to ``argument``.
  public static func offerThisProgram() { isProber.store(true, ordering: .relaxed) }

  /// Says which command answers to ``argument``; at most ``mostWords`` words.
  public static func offer(_ command: [String]) { offered.withLock { $0 = command } }

  /// The command that starts a child: named by the user, offered, or a program.
  private static var command: [String]? {
    let named = unsafe getenv(programVariable).map { unsafe String(cString: $0) } ?? ""
    if named.isEmpty, let offered = offered.withLock(\.self), !offered.isEmpty { return offered }
    return program.map { [$0] }
  }

  /// The program that can be a child: named by the user, or this one, or the `esscher` beside it.
  private static var program: String? {
    if let name = unsafe getenv(programVariable).map({ unsafe String(cString: $0) }), !name.isEmpty
    {
      return name
    }
    guard let real = unsafe realpath("/proc/self/exe", nil) else { return nil }
    defer { unsafe free(real) }
    let path = unsafe String(cString: real)
    if isProber.load(ordering: .relaxed) { return path }
    guard let slash = path.lastIndex(of: "/") else { return nil }
    let beside = String(path[...slash]) + "esscher"
    return unsafe access(beside, X_OK) == 0 ? beside : nil
  }

  private static func missingLibrary(_ reason: String) -> DeviceFallback {
    DeviceFallback(
      device: "OpenCL", reason: "no library was found (\(reason))",
      remedy: "install a driver and its loader, for example ocl-icd-libopencl1")
  }

  private static var noPlatform: DeviceFallback {
    DeviceFallback(
      device: "OpenCL", reason: "the loader knows no platform",
      remedy: "install a driver, for example pocl-opencl-icd for processors")
  }

  private static var afterFork: DeviceFallback {
    DeviceFallback(
      device: "OpenCL",
      reason:
        "this process was forked from one that had looked for devices, whose drivers do not survive a fork",
      remedy: "start it by spawn or exec instead, or use --device cpu")
  }

  private static var hiddenNVIDIA: DeviceFallback {
    DeviceFallback(
      device: "NVIDIA",
      reason:
        "the device is here, but no platform shows it: /etc/OpenCL/vendors/nvidia.icd is missing, "
        + "as in many containers, or libnvidia-opencl.so.1 is",
      remedy:
        "start the container with NVIDIA_DRIVER_CAPABILITIES=compute,utility, and write a file of that "
        + "name with the line libnvidia-opencl.so.1")
  }
}

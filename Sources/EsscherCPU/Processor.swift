// SPDX-License-Identifier: Apache-2.0
// The processor as `devices` describes it.

public import EsscherCore
internal import Glibc

/// The processor that the CPU backend runs on.
public enum Processor {
  /// Its description; `cpu` is the name `--device` takes.
  public static var description: DeviceDescription {
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    return DeviceDescription(
      name: "cpu", model: model ?? "unknown processor", target: CPULevel.current.name,
      units: CPUBackend.availableThreads,
      memoryBytes: pages > 0 ? pages * sysconf(Int32(_SC_PAGESIZE)) : nil, isAutomaticChoice: true)
  }

  /// The first processor's name in /proc/cpuinfo.
  private static var model: String? {
    guard let file = unsafe fopen("/proc/cpuinfo", "r") else { return nil }
    defer { unsafe _ = fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 12)
    let count = unsafe fread(&bytes, 1, bytes.count, file)
    for line in String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n")
    where line.hasPrefix("model name") {
      guard let colon = line.firstIndex(of: ":") else { return nil }
      return String(line[line.index(after: colon)...].drop { $0 == " " })
    }
    return nil
  }
}

// SPDX-License-Identifier: Apache-2.0
// Where OpenCL is found: the loader, or a vendor's driver where the loader or its .icd file is missing.

internal import COpenCL
internal import Glibc
internal import Synchronization

/// A loaded library's entry points. Loaded once and never unloaded.
@safe
struct OpenCLLibrary: @unchecked Sendable {
  // Unchecked: the table is written before it is shared, and OpenCL's functions may be called from any
  // thread.
  let api: OpaquePointer
  /// The file it was loaded from.
  let path: String
  /// Whether it is a driver that was asked directly.
  let isDriver: Bool

  /// Names a library that replaces the search, for tests and odd installations.
  static let override = "ESSCHER_OPENCL_LIBRARY"

  private static let loaders = ["libOpenCL.so.1", "libOpenCL.so"]
  /// NVIDIA's driver, which containers often have without loader and .icd file.
  private static let drivers = [
    "libnvidia-opencl.so.1", "/usr/local/nvidia/lib64/libnvidia-opencl.so.1",
    "/usr/lib/x86_64-linux-gnu/libnvidia-opencl.so.1", "/usr/lib64/libnvidia-opencl.so.1",
    "/usr/lib/wsl/lib/libnvidia-opencl.so.1",
  ]

  /// The loader, and the drivers that are asked directly where it does not show them. A library is loaded,
  /// and with it what its constructors do, only when it is asked for: the parent of a probe asks for
  /// none, and later only for one whose devices passed.
  static let loader = 0
  static let driver = 1

  private static let known = Mutex<[Int: (library: OpenCLLibrary?, reason: String)]>([:])

  /// The first library of a kind that can be loaded, or why there is none in the linker's words.
  static func load(_ kind: Int) -> (library: OpenCLLibrary?, reason: String) {
    known.withLock { known in
      if let loaded = known[kind] { return loaded }
      let override = unsafe getenv(override).map { unsafe String(cString: $0) } ?? ""
      let names =
        !override.isEmpty ? (kind == loader ? [override] : []) : kind == loader ? loaders : drivers
      let loaded = load(names, isDriver: kind == driver)
      known[kind] = loaded
      return loaded
    }
  }

  private static func load(
    _ names: [String], isDriver: Bool
  ) -> (library: OpenCLLibrary?, reason: String) {
    var reason = ""
    for name in names {
      var table: OpaquePointer?
      var message = [CChar](repeating: 0, count: 512)
      let status = unsafe message.withUnsafeMutableBufferPointer {
        unsafe copencl_load(name, &table, $0.baseAddress, $0.count)
      }
      if status == 0, let table = unsafe table {
        return (unsafe OpenCLLibrary(api: table, path: name, isDriver: isDriver), "")
      }
      let words = String(
        decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if reason.isEmpty { reason = words.split { $0.isWhitespace }.joined(separator: " ") }
    }
    return (nil, reason)
  }
}

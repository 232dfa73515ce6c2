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

  /// What came of the search for libraries.
  struct Search: Sendable {
    var libraries: [OpenCLLibrary] = []
    /// Why there is none, in the linker's words.
    var reason = ""
  }

  /// The libraries of this machine, the loader first; found once a process.
  static let search: Search = {
    var search = Search()
    if let name = unsafe getenv(override).map({ unsafe String(cString: $0) }), !name.isEmpty {
      load([name], isDriver: false, into: &search)
      return search
    }
    load(loaders, isDriver: false, into: &search)
    load(drivers, isDriver: true, into: &search)
    return search
  }()

  /// Adds the first of the names that can be loaded.
  private static func load(_ names: [String], isDriver: Bool, into search: inout Search) {
    for name in names {
      var table: OpaquePointer?
      var message = [CChar](repeating: 0, count: 512)
      let status = unsafe message.withUnsafeMutableBufferPointer {
        unsafe copencl_load(name, &table, $0.baseAddress, $0.count)
      }
      if status == 0, let table = unsafe table {
        search.libraries.append(
          unsafe OpenCLLibrary(api: table, path: name, isDriver: isDriver))
        return
      }
      let words = String(
        decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if search.reason.isEmpty { search.reason = words }
    }
  }
}

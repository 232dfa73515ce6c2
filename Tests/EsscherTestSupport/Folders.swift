// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Removes a file that a test made.
package func removeFile(_ path: String) { unsafe _ = unlink(path) }

/// A folder that is there for one test.
package struct ScratchFolder: ~Copyable {
  package let path: String

  package init() {
    let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/var/tmp"
    path = "\(parent)/esscher-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    unsafe _ = mkdir(path, 0o700)
  }

  /// The names in the folder.
  package var names: [String] {
    guard let stream = unsafe opendir(path) else { return [] }
    defer { unsafe _ = closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe String(cString: $0)
        }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  deinit {
    for name in names { unsafe _ = unlink("\(path)/\(name)") }
    unsafe _ = rmdir(path)
  }
}

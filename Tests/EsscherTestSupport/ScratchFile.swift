// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A file that is there for one test, in the folder for temporary files.
package struct ScratchFile: ~Copyable {
  package let path: String

  package init(_ bytes: [UInt8], ending: String) {
    let folder = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/var/tmp"
    path = "\(folder)/esscher-test-\(getpid())-\(UInt64.random(in: 0 ... .max))\(ending)"
    let descriptor = unsafe open(path, O_CREAT | O_WRONLY | O_TRUNC, 0o600)
    unsafe bytes.withUnsafeBytes { unsafe _ = write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
  }

  package init(_ text: String, ending: String) {
    self.init(Array(text.utf8), ending: ending)
  }

  deinit { unsafe unlink(path) }

  /// What the file holds now, nil where it is gone.
  package var text: String? { ScratchFile.text(at: path) }

  /// What a file holds, nil where there is none.
  package static func text(at path: String) -> String? {
    bytes(at: path).map { String(decoding: $0, as: UTF8.self) }
  }

  /// A file's bytes, nil where there is none.
  package static func bytes(at path: String) -> [UInt8]? {
    let descriptor = unsafe open(path, O_RDONLY)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe chunk.withUnsafeMutableBytes {
        unsafe read(descriptor, $0.baseAddress, $0.count)
      }
      guard count > 0 else { return bytes }
      bytes += chunk[..<count]
    }
  }
}

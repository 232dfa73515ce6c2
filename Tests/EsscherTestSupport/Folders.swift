// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Removes a file that a test made.
package func removeFile(_ path: String) { unsafe _ = unlink(path) }

/// Names of half-written outputs of this process that lie beside a file.
package func partialFiles(beside path: String) -> [String] {
  let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
  guard let stream = unsafe opendir(folder) else { return [] }
  defer { unsafe _ = closedir(stream) }
  var names: [String] = []
  while let entry = unsafe readdir(stream) {
    let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
      unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
        unsafe String(cString: $0)
      }
    }
    if name.hasSuffix(".partial"), name.contains(path.split(separator: "/").last ?? "") {
      names.append(name)
    }
  }
  return names
}

// SPDX-License-Identifier: Apache-2.0
// Whether two names mean one file.

internal import Glibc

enum FileIdentity {
  /// Equal text, or two names of one existing regular file. Devices such as /dev/null may be named
  /// as often as one likes.
  static func isSame(_ first: String, _ second: String) -> Bool {
    var one = stat()
    var other = stat()
    guard unsafe stat(first, &one) == 0, unsafe stat(second, &other) == 0 else {
      return resolved(first) == resolved(second)
    }
    return one.st_mode & S_IFMT == S_IFREG && one.st_dev == other.st_dev
      && one.st_ino == other.st_ino
  }

  /// Whether a name stands for a regular file, or for nothing yet.
  static func isRegularOrNew(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
  }

  /// The name with its folder's links and dots resolved; the file itself need not exist.
  private static func resolved(_ path: String) -> String {
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[...$0]) } ?? "."
    let base = slash.map { String(path[path.index(after: $0)...]) } ?? path
    guard let real = unsafe realpath(folder, nil) else { return path }
    defer { unsafe free(real) }
    return unsafe String(cString: real) + "/" + base
  }
}

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
      return first == second
    }
    return one.st_mode & S_IFMT == S_IFREG && one.st_dev == other.st_dev
      && one.st_ino == other.st_ino
  }
}

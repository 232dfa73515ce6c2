// SPDX-License-Identifier: Apache-2.0
// The probe child's lines, past every buffer: a driver that ends the process must not take them along.

internal import Glibc

enum ProbeOutput {
  /// Writes to standard output. Nobody is left to tell where the pipe is closed.
  static func write(_ line: String) {
    var line = line
    line.withUTF8 { bytes in
      var rest = unsafe UnsafeRawBufferPointer(bytes)[...]
      while unsafe !rest.isEmpty {
        let count = unsafe Glibc.write(
          STDOUT_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count > 0 { unsafe rest = rest.dropFirst(count) } else if errno != EINTR { return }
      }
    }
  }
}

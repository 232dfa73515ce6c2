// SPDX-License-Identifier: Apache-2.0
// The program's two streams and its environment behind a protocol, so that a test can be the terminal.

internal import Esscher
internal import EsscherIO
internal import Glibc

/// Standard output, standard error and the environment.
protocol Console {
  var outputIsTerminal: Bool { get }
  var errorIsTerminal: Bool { get }
  func environment(_ name: String) -> String?
  /// Writes to standard output: the result, and nothing else.
  func print(_ text: String) throws(EsscherError)
  /// Writes to standard error: everything else.
  func report(_ text: String)
}

/// The process's own streams.
struct SystemConsole: Console {
  var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  /// A terminal that cannot redraw a line is as good as a file.
  var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 && environment("TERM") != "dumb" }

  func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
  }

  func print(_ text: String) throws(EsscherError) {
    let error = ByteWriting.write(text, to: STDOUT_FILENO)
    // Whoever closed the pipe has read enough.
    guard error != 0, error != EPIPE else { return }
    throw EsscherError(
      .internal,
      "Writing to standard output failed: \(ByteWriting.reason(error)). Free some space, or name a "
        + "file with -o.")
  }

  func report(_ text: String) {
    // There is nowhere left to complain to.
    _ = ByteWriting.write(text, to: STDERR_FILENO)
  }
}

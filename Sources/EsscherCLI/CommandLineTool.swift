// SPDX-License-Identifier: Apache-2.0
// The program's entry: arguments in, exit code out.

internal import Esscher
internal import Glibc

/// The `esscher` program.
public enum CommandLineTool {
  /// Runs the program with the process's arguments and ends it with the exit code.
  public static func main() -> Never {
    exit(run(arguments: Array(CommandLine.arguments.dropFirst())))
  }

  /// Runs the program.
  ///
  /// - Parameter arguments: without the program's own name.
  /// - Returns: the exit code.
  public static func run(arguments: [String]) -> Int32 {
    if arguments == ["--version"] {
      write("esscher \(Engine.version)\n", to: STDOUT_FILENO)
      return 0
    }
    write("esscher: no command yet reads files; --version is all there is\n", to: STDERR_FILENO)
    return EsscherError.Code.usage.exitCode
  }

  /// Writes text whole, whatever the descriptor takes at a time; a closed pipe ends it quietly.
  static func write(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let written = unsafe rest.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { return }
      rest = rest.dropFirst(written)
    }
  }
}

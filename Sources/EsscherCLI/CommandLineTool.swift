// SPDX-License-Identifier: Apache-2.0
// The program's entry: arguments in, exit code out.

internal import Esscher
internal import Glibc

/// The `esscher` program.
public enum CommandLineTool {
  /// Runs the program with the process's arguments and ends it with the exit code.
  public static func main() -> Never {
    // A reader that stops early is no failure: the write fails instead of the process.
    _ = signal(SIGPIPE, SIG_IGN)
    exit(run(arguments: Array(CommandLine.arguments.dropFirst())))
  }

  /// Runs the program.
  ///
  /// - Parameter arguments: without the program's own name.
  /// - Returns: the exit code.
  public static func run(arguments: [String]) -> Int32 {
    do throws(EsscherError) {
      switch arguments.first {
      case "--version": write("esscher \(Engine.version)\n", to: STDOUT_FILENO)
      case "--help", "-h": write(help, to: STDOUT_FILENO)
      case "frontier":
        let words = Array(arguments.dropFirst())
        write(
          try FrontierCommand.run(words, commandLine: ["esscher"] + arguments), to: STDOUT_FILENO)
      case let command?:
        throw EsscherError(.usage, "unknown command '\(command)'; see esscher --help")
      case nil: throw EsscherError(.usage, "which command? see esscher --help")
      }
      return 0
    } catch {
      write("esscher: \(error)\n", to: STDERR_FILENO)
      return error.code.exitCode
    }
  }

  static let help = """
    Usage: esscher COMMAND [OPTIONS]

      frontier REWARDS   the KL-reward frontier and best-of-n curve of a reward array
      --help, --version

    """

  /// A sentence on standard error that is not a failure.
  static func warn(_ sentence: String) {
    write("esscher: note: \(sentence)\n", to: STDERR_FILENO)
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

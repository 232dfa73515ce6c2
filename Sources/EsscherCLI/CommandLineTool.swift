// SPDX-License-Identifier: Apache-2.0
// The program: parse, run the command, turn what happened into an exit code.

internal import Esscher
internal import Glibc

/// The `esscher` program.
public enum CommandLineTool {
  /// Runs the program with the process's arguments and ends it with the exit code.
  public static func main() -> Never {
    exit(run(arguments: CommandLine.arguments))
  }

  /// Runs the program and returns its exit code: 0 done, 1 internal failure, 2 wrong usage, 3 bad
  /// input, 4 device not usable, 5 a check failed, 6 a sweep needs another round, 130 interrupted.
  ///
  /// - Parameter arguments: the command line, the program's name first.
  public static func run(arguments: [String]) -> Int32 {
    Interruption.guardStandardStreams()
    if arguments.count > 1, arguments[1] == DeviceProbeChild.argument {
      // A child of our own. Nobody is left to tell where the pipe is closed.
      DeviceProbeChild.run(Array(arguments.dropFirst(2))) { line in
        do throws(EsscherError) { try SystemConsole().print(line + "\n") } catch {}
      }
      return 0
    }
    DeviceProbeChild.offer()
    Interruption.install()
    return run(
      arguments: arguments, console: SystemConsole(),
      isCancelled: { Interruption.isRequested })
  }

  static func run(
    arguments: [String], console: any Console, isCancelled: @escaping () -> Bool
  ) -> Int32 {
    var diagnostics = Diagnostics(
      console: console, isQuiet: false, noColor: arguments.contains("--no-color"))
    do throws(EsscherError) {
      switch try ArgumentParser.parse(Array(arguments.dropFirst())) {
      case .help(let command): try console.print(command.map(Help.text(for:)) ?? Help.program)
      case .version: try console.print("esscher \(Help.version)\n")
      case .run(let command, let record):
        diagnostics.isQuiet = record.quiet
        let session = Session(
          console: console, diagnostics: diagnostics, commandLine: arguments,
          isCancelled: isCancelled)
        try run(command, record, session)
      }
      return 0
    } catch {
      if error.code == .anotherRound {
        // No failure: the work goes on elsewhere.
        diagnostics.notice(error.description)
      } else {
        diagnostics.error(error.description)
      }
      return error.code.exitCode
    }
  }

  private static func run(
    _ command: CommandName, _ record: LowArguments, _ session: Session
  ) throws(EsscherError) {
    switch command {
    case .frontier: try FrontierCommand.run(record, session)
    case .merge: try MergeCommand.run(record, session)
    case .simulate: try SimulateCommand.run(record, session)
    case .devices: try DevicesCommand.run(record, session)
    case .verify: try VerifyCommand.run(record, session)
    case .bench: try BenchCommand.run(record, session)
    }
  }
}

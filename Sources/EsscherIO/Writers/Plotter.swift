// SPDX-License-Identifier: Apache-2.0
// Runs gnuplot on a report's script.

public import EsscherCore
internal import Glibc

/// Draws pictures.
public enum Plotter {
  /// Draws a report into a file, which appears whole or not at all, or returns what a terminal shows.
  ///
  /// - Throws: `.usage` where gnuplot is missing or fails, with the remedy.
  ///
  /// - Parameters:
  ///   - report: what is drawn.
  ///   - format: the kind of picture.
  ///   - axis: scale of the KL axis.
  ///   - path: the file; not looked at for `.text`.
  public static func draw(
    _ report: Report, format: PlotFormat, axis: PlotAxis = .linear, to path: String
  ) throws(EsscherError) {
    guard format != .text else {
      try run(PlotScript.text(of: report, format: .text, axis: axis, output: nil))
      return
    }
    let file = try OutputFile(creating: path)
    if format == .gp {
      let picture = String(path.dropLast(3)) + ".svg"
      try file.write(PlotScript.text(of: report, format: .gp, axis: axis, output: picture))
    } else {
      try run(PlotScript.text(of: report, format: format, axis: axis, output: file.workingPath))
    }
    try file.commit()
  }

  private static func run(_ script: String) throws(EsscherError) {
    guard let pipe = unsafe popen("gnuplot 2>/dev/null", "w") else {
      throw EsscherError(.internal, "no process could be started for gnuplot; close some programs")
    }
    unsafe _ = fputs(script, pipe)
    let status = unsafe pclose(pipe)
    guard status != 0 else { return }
    // The shell's exit code for a command that is not there.
    guard status >> 8 != 127 else {
      throw EsscherError(
        .usage,
        "The picture was not drawn, because gnuplot is not installed: install gnuplot-nox, or use --plot "
          + "FILE.gp to keep the script. Every other output was written.")
    }
    throw EsscherError(
      .usage,
      "The picture was not drawn: gnuplot ended with status \(status >> 8). Use --plot FILE.gp and run "
        + "gnuplot FILE.gp to see why. Every other output was written.")
  }
}

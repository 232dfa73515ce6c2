// SPDX-License-Identifier: Apache-2.0
// Options of what is written and what is said meanwhile.

internal import Esscher
internal import EsscherIO
internal import EsscherOptions

extension OptionTable {
  static let outputOptions: [Option] = [
    .value(
      "output", letter: "o", "FILE", .output, [.frontier, .merge, .simulate],
      "Where the result goes; repeatable for frontier and merge. The ending chooses the format (.csv, .json, "
        + ".jsonl, .txt, or .npy for simulate), and - is standard output."
    ) { (record, text) throws(EsscherError) in
      record.outputs.append(try ValueParsing.nonEmpty(text, option: "-o"))
    },
    .value(
      "format", "FORMAT", .output, [.frontier, .merge],
      "Format of standard output, and of files whose ending says nothing: table (the default), "
        + "csv, json or jsonl."
    ) { (record, text) throws(EsscherError) in
      record.format = try ValueParsing.choice(text, option: "--format")
    },
    .value(
      "plot", "FILE", .output, [.frontier, .merge],
      "Draws the frontier through gnuplot: .svg, .png or .pdf, .gp for the script, - for the terminal; "
        + "repeatable."
    ) { (record, text) throws(EsscherError) in
      guard PlotFormat(endingOf: text) != nil else {
        throw EsscherError(
          .usage, "--plot takes FILE.svg, .png, .pdf or .gp, or -, not '\(text)'.")
      }
      record.plots.append(text)
    },
    .value(
      "plot-axis", "SCALE", .output, [.frontier, .merge],
      "Scale of the picture's KL axis: linear (the default), or sqrt, along which frontiers begin as straight "
        + "lines."
    ) { (record, text) throws(EsscherError) in
      record.plotAxis = try ValueParsing.choice(text, option: "--plot-axis")
    },
    .value(
      "per-prompt", "FILE.csv", .output, [.frontier],
      "Writes a line for each prompt and point, as they are made."
    ) { (record, text) throws(EsscherError) in
      guard text != "-" else {
        throw EsscherError(
          .usage, "--per-prompt needs a file: standard output carries the report.")
      }
      guard OutputFormat(endingOf: text).map({ $0 == .csv }) ?? true else {
        throw EsscherError(
          .usage, "--per-prompt writes CSV, and the ending of '\(text)' says otherwise; use .csv.")
      }
      record.perPrompt = try ValueParsing.nonEmpty(text, option: "--per-prompt")
    },
    .flag(
      "json", .output, [.devices, .bench], "Print JSON instead of text."
    ) { $0.json = true },
    .value(
      "progress", "WHEN", .output, [.frontier, .simulate],
      "Progress on standard error: auto (a bar on a terminal, elsewhere a line each 10 % of a stage "
        + "that takes long), always or never."
    ) { (record, text) throws(EsscherError) in
      record.progress = try ValueParsing.choice(text, option: "--progress")
    },
    .flag(
      "quiet", letter: "q", .output, Set(CommandName.allCases),
      "No progress, notices and warnings on standard error; errors stay."
    ) { $0.quiet = true },
    .flag(
      "no-color", .output, Set(CommandName.allCases),
      "No colour on a terminal. NO_COLOR in the environment does the same."
    ) { $0.noColor = true },
  ]
}

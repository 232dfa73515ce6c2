// SPDX-License-Identifier: Apache-2.0
// `esscher merge`: the parts of a sweep put together, into a report or the next round.

internal import Esscher
internal import EsscherIO

enum MergeCommand {
  static func run(_ record: LowArguments, _ session: Session) throws(EsscherError) {
    guard !record.positionals.isEmpty else {
      throw EsscherError(
        .usage, "merge needs the states of the shards: name the files that --state wrote.")
    }
    let targets = try OutputTarget.resolve(record)
    try checkNames(record, targets)
    var states: [(name: String, state: SweepState)] = []
    for name in record.positionals {
      try session.checkCancelled()
      states.append((name, try StateFile.read(name)))
    }
    let outputs = try ReportOutputs(opening: targets)
    var kept: OutputFile?
    if let path = record.state { kept = try OutputFile(creating: path) }
    switch try Engine().merge(states, commandLine: session.commandLine) {
    case .report(let report, let state):
      try kept?.write(contentsOf: state.bytes)
      try outputs.write(report, with: kept, session)
      for warning in report.warnings { session.diagnostics.warning(warning) }
      for path in record.plots {
        if let format = PlotFormat(endingOf: path) {
          try Plotter.draw(report, format: format, axis: record.plotAxis, to: path)
        }
      }
    case .nextRound(let state):
      guard let kept else {
        throw EsscherError(
          .usage,
          "The sweep needs another round; add --state FILE to keep this merge, and give that file to "
            + "--after of its shards.")
      }
      try kept.write(contentsOf: state.bytes)
      try session.checkCancelled()
      try kept.commit()
      throw EsscherError(
        .anotherRound,
        "Round \(state.round) is merged, and the sweep needs another one: run its shards again with "
          + "--after \(kept.name), and merge them with it.")
    }
  }

  /// Two outputs in one place would destroy one of them; a merged state may replace the one it came from.
  private static func checkNames(
    _ record: LowArguments, _ targets: [OutputTarget]
  ) throws(EsscherError) {
    let written =
      targets.compactMap(\.path) + record.plots.filter { $0 != "-" }
      + [record.state].compactMap(\.self)
    for (index, path) in written.enumerated() {
      for other in written[..<index] where FileIdentity.isSame(path, other) {
        throw EsscherError(.usage, "Two outputs go to '\(path)'; give each a name of its own.")
      }
      for read in record.positionals
      where path != record.state && FileIdentity.isSame(path, read) {
        throw EsscherError(
          .usage, "Output '\(path)' would replace the state '\(read)'; choose another name.")
      }
    }
  }
}

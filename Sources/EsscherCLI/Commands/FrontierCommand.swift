// SPDX-License-Identifier: Apache-2.0
// `esscher frontier`: the main job, in the order of its stages.

internal import Esscher
internal import EsscherIO

enum FrontierCommand {
  static func run(_ record: LowArguments, _ session: Session) throws(EsscherError) {
    guard record.shard == nil, record.state == nil, record.after == nil else {
      return try ShardCommand.run(record, session)
    }
    var plan = try FrontierPlan(resolving: record)
    let policies = try plan.loadPolicies()
    let outputs = try ReportOutputs(opening: plan.outputs)
    let perPrompt = try open(plan.perPrompt)
    let progress = ProgressReporter(
      console: session.console, mode: record.progress, isQuiet: record.quiet)
    defer { progress.finish() }

    let watching = RunObserver(
      progress: { stage, fraction in progress.update(stage, fraction) },
      isCancelled: session.isCancelled)
    var table = try RewardLoader.load(plan.input, observer: watching)
    if let policies { table.inputs.append(policies) }
    try session.checkCancelled()
    let observer = try observer(
      progress, session, perPrompt: perPrompt, promptIDs: table.promptIDs)
    let report = try Engine().frontier(
      table, plan.request, observer: observer, commandLine: session.commandLine)
    progress.finish()
    try outputs.write(report, with: perPrompt, session)
    for warning in report.warnings { session.diagnostics.warning(warning) }
    for path in plan.plots {
      if let format = PlotFormat(endingOf: path) {
        try Plotter.draw(report, format: format, axis: plan.plotAxis, to: path)
      }
    }
  }

  private static func open(_ path: String?) throws(EsscherError) -> OutputFile? {
    guard let path else { return nil }
    return try OutputFile(creating: path)
  }

  private static func observer(
    _ progress: ProgressReporter, _ session: Session, perPrompt: OutputFile?, promptIDs: [String]?
  ) throws(EsscherError) -> RunObserver {
    var observer = RunObserver(
      progress: { stage, fraction in progress.update(stage, fraction) },
      isCancelled: session.isCancelled)
    if let perPrompt {
      let writer = try PromptPointWriter(to: perPrompt, promptIDs: promptIDs)
      observer.promptPoints = { (points) throws(EsscherError) in try writer.write(points) }
      observer.restarted = { () throws(EsscherError) in try writer.restart() }
    }
    return observer
  }
}

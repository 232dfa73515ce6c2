// SPDX-License-Identifier: Apache-2.0
// `esscher frontier --shard I/N --state FILE`: one part of a sweep, in the order of its stages.

internal import Esscher
internal import EsscherIO

enum ShardCommand {
  static func run(_ record: LowArguments, _ session: Session) throws(EsscherError) {
    let (shard, path) = try resolve(record)
    var plan = try FrontierPlan(resolving: record)
    let policies = try plan.loadPolicies()
    for read in plan.input.possiblePaths + [record.after].compactMap(\.self)
    where FileIdentity.isSame(path, read) {
      throw EsscherError(
        .usage, "--state '\(path)' would replace the input '\(read)'; choose another name.")
    }
    let previous: SweepState?
    if let after = record.after { previous = try StateFile.read(after) } else { previous = nil }
    let output = try OutputFile(creating: path)
    let progress = ProgressReporter(
      console: session.console, mode: record.progress, isQuiet: record.quiet)
    defer { progress.finish() }
    let observer = RunObserver(
      progress: { stage, fraction in progress.update(stage, fraction) },
      isCancelled: session.isCancelled)
    var table = try RewardLoader.load(plan.input, observer: observer)
    if let policies { table.inputs.append(policies) }
    try session.checkCancelled()
    let result: SweepState?
    do throws(EsscherError) {
      result = try Engine().shard(
        table, plan.request, shard: shard, after: previous, observer: observer)
    } catch {
      guard error.location == nil, error.code == .badInput, let after = record.after else {
        throw error
      }
      throw EsscherError(error.code, error.message, at: EsscherError.Location(file: after))
    }
    progress.finish()
    guard let state = result else {
      return session.diagnostics.notice("the sweep is finished; nothing was run")
    }
    try output.write(contentsOf: state.bytes)
    try session.checkCancelled()
    try output.commit()
    for note in table.notes { session.diagnostics.warning(note) }
  }

  /// The shard and the file; refuses what belongs to the merge.
  private static func resolve(
    _ record: LowArguments
  ) throws(EsscherError) -> (Shard, String) {
    guard let shard = record.shard else {
      let option = record.state == nil ? "--after" : "--state"
      throw EsscherError(
        .usage, "\(option) is for parts of a sweep; add --shard I/N, or leave it out.")
    }
    guard let path = record.state else {
      throw EsscherError(
        .usage, "--shard leaves a partial result; add --state FILE to say where it goes.")
    }
    let merged: [(String, Bool)] = [
      ("-o", !record.outputs.isEmpty), ("--format", record.format != nil),
      ("--plot", !record.plots.isEmpty),
    ]
    for (option, isGiven) in merged where isGiven {
      throw EsscherError(
        .usage, "A shard writes no report; give \(option) to esscher merge instead.")
    }
    guard record.perPrompt == nil else {
      throw EsscherError(
        .usage,
        "--per-prompt goes through all prompts in order, which no shard does; run the prompts of "
          + "interest without --shard.")
    }
    return (shard, path)
  }
}

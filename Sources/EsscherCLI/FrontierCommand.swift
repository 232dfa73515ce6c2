// SPDX-License-Identifier: Apache-2.0
// `esscher frontier`: arguments, input, engine, text.

internal import Esscher
internal import EsscherIO

enum FrontierCommand {
  /// Runs the command and returns what standard output carries.
  static func run(_ words: [String], commandLine: [String]) throws(EsscherError) -> String {
    let arguments = try FrontierOptions.parse(words)
    if arguments.wantsHelp { return FrontierOptions.help }
    let table = try RewardLoader.load(try loadRequest(arguments))
    var request = arguments.request
    request.klBudgets = arguments.budgets
    request.bestOf = arguments.bestOf
    if arguments.betas != nil || arguments.lambdas != nil {
      request.lambdas = GridSpec.ascending(
        (arguments.lambdas ?? []) + (arguments.betas ?? []).map { 1 / $0 })
    }
    let report = try Engine().frontier(table, request, commandLine: commandLine)
    for warning in report.warnings { CommandLineTool.warn(warning) }
    return arguments.format == "jsonl" ? ReportText.jsonLines(report) : ReportText.csv(report)
  }

  private static func loadRequest(
    _ arguments: FrontierArguments
  ) throws(EsscherError) -> LoadRequest {
    guard let rewards = arguments.rewards.first else {
      throw EsscherError(.usage, "which rewards? esscher frontier FILE.npy")
    }
    guard arguments.rewards.count == 1 else {
      throw EsscherError(
        .badInput,
        "\(arguments.rewards.count) reward files, and this version estimates one reward at a time "
          + "(ensembles are not available yet); pass one of them")
    }
    return LoadRequest(
      rewards: rewards, inputFormat: arguments.inputFormat, key: arguments.key,
      gold: arguments.gold, logWeights: arguments.logWeights, dtype: arguments.dtype,
      missing: arguments.request.missing)
  }
}

// SPDX-License-Identifier: Apache-2.0
// What is asked of a run, behind `esscher_options`.

internal import EsscherCore
internal import EsscherOptions

/// Options and policies.
final class RequestHandle: Handle {
  static let kind = "options handle"
  private var arguments = RequestArguments()
  private var policies: [PolicyPoint] = []

  var request: FrontierRequest {
    var request = arguments.request
    request.policies = policies
    return request
  }

  /// Sets an option; `value` is nil where none was given.
  func set(_ name: String, _ value: String?) throws(EsscherError) {
    let names = RequestOption.all.map(\.name)
    guard let option = RequestOption.all.first(where: { $0.name == name }) else {
      // A suggestion for a very long word would take long to find, and be none.
      let suggestion = name.utf8.count > 64 ? "" : Suggestion.sentence(for: name, among: names)
      throw EsscherError(
        .usage,
        "Unknown option '\(name.prefix(64))'; the options are \(ValueParsing.list(names)).\(suggestion)"
      )
    }
    switch option.update {
    case .flag(let update):
      switch value {
      case nil, "true": update(&arguments)
      case "false": try clear(name)
      default:
        throw EsscherError(
          .usage, "'\(name)' is a switch; pass NULL, \"true\" or \"false\" as its value.")
      }
    case .value(let placeholder, let update):
      guard let value else {
        throw EsscherError(
          .usage, "'\(name)' needs a value (\(placeholder)), and the one passed is NULL.")
      }
      try update(&arguments, value)
    }
  }

  /// Turns a switch off again, which the command line has no word for.
  private func clear(_ name: String) throws(EsscherError) {
    guard name == RequestOption.biasCorrect.name else {
      throw EsscherError(.internal, "the switch '\(name)' cannot be turned off")
    }
    arguments.biasCorrect = false
  }

  func set(_ name: String, numbers: [Double]) throws(EsscherError) {
    try arguments.set(String(name.prefix(64)), numbers: numbers)
  }

  func add(_ policy: PolicyPoint) throws(EsscherError) {
    guard !policies.contains(where: { $0.name == policy.name }) else {
      throw EsscherError(
        .badInput, "the policy '\(policy.name)' is there twice; give each a name of its own")
    }
    guard policy.kl.isFinite, policy.reward.isFinite, policy.gold?.isFinite ?? true else {
      throw EsscherError(
        .badInput,
        "the KL, the reward or the gold reward of '\(policy.name)' is not a finite number; correct it, or "
          + "pass NaN for a gold reward that was not measured")
    }
    guard policy.kl >= 0 else {
      throw EsscherError(
        .badInput,
        "the KL of '\(policy.name)' is negative (\(policy.kl)), which only a noisy estimate can be; report the "
          + "mean of log(policy/base) under the policy over more samples, or 0")
    }
    policies.append(policy)
  }
}

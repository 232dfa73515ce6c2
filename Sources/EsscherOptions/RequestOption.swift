// SPDX-License-Identifier: Apache-2.0
// One option of a request as data: its name, its documentation and what it records. The program's option table,
// its help and the C interface are all made from these, so they agree.

package import EsscherCore

/// One option of a request.
package struct RequestOption: Sendable {
  /// What a value that cannot be taken throws.
  package typealias Refusal = EsscherError

  /// What an option does to the record when it is met.
  package enum Update: Sendable {
    /// A switch: takes no value.
    case flag(@Sendable (_ record: inout RequestArguments) -> Void)
    /// Takes a value, shown in the help as `placeholder`.
    case value(
      placeholder: String,
      @Sendable (_ record: inout RequestArguments, _ text: String) throws(Refusal) -> Void)
  }

  /// Long name without dashes.
  package let name: String
  /// What the option means, in one or two sentences.
  package let documentation: String
  package let update: Update

  /// A switch.
  static func flag(
    _ name: String, _ documentation: String,
    update: @escaping @Sendable (_ record: inout RequestArguments) -> Void
  ) -> RequestOption {
    RequestOption(name: name, documentation: documentation, update: .flag(update))
  }

  /// An option with a value.
  static func value(
    _ name: String, _ placeholder: String, _ documentation: String,
    update:
      @escaping @Sendable (_ record: inout RequestArguments, _ text: String) throws(Refusal) ->
      Void
  ) -> RequestOption {
    RequestOption(
      name: name, documentation: documentation,
      update: .value(placeholder: placeholder, update))
  }

  /// Every option of a request.
  package static let all: [RequestOption] = [
    betas, lambdas, klBudgets, ns, curves, resamples, confidence, biasCorrect, seed, precision,
    missing, ensemble, standardize, device, threads, memoryBudget,
  ]
}

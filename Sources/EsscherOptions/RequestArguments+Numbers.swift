// SPDX-License-Identifier: Apache-2.0
// Grids given as numbers, by callers that have them so: no digit is lost on the way through text.

package import EsscherCore

extension RequestArguments {
  /// Names of the options that are grids of numbers.
  package static let numericOptions = ["betas", "lambdas", "kl-budgets", "ns"]

  /// Sets a grid.
  ///
  /// - Parameters:
  ///   - name: one of ``numericOptions``.
  ///   - numbers: in any order; repeats count once.
  /// - Throws: `.usage` for a name that is none of them, and for numbers that the option does not take.
  package mutating func set(_ name: String, numbers: [Double]) throws(EsscherError) {
    let option = "--" + name
    switch name {
    case "betas":
      betas = try Self.checkedBetas(
        try GridSpec(numbers: numbers, option: option, allowsZero: false), in: "the list")
    case "lambdas": lambdas = try GridSpec(numbers: numbers, option: option, allowsZero: true)
    case "kl-budgets": klBudgets = try GridSpec(numbers: numbers, option: option, allowsZero: false)
    case "ns": ns = try IntegerGridSpec(numbers: numbers, option: option)
    default:
      throw EsscherError(
        .usage,
        "'\(name)' is no option that takes numbers; those are \(ValueParsing.list(Self.numericOptions))."
          + Suggestion.sentence(for: name, among: Self.numericOptions))
    }
  }

  /// Penalties whose inverse is finite.
  static func checkedBetas(_ grid: GridSpec, in what: String) throws(EsscherError) -> GridSpec {
    guard grid.values.allSatisfy({ (1 / $0).isFinite }) else {
      throw EsscherError(
        .usage, "--betas: \(what) holds a number so small that 1/beta is not finite.")
    }
    return grid
  }
}

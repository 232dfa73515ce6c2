// SPDX-License-Identifier: Apache-2.0
// An option as data: name, placeholder, a line of help, and what it does to the arguments.

internal import Esscher

/// One option of `esscher frontier`.
struct Option: Sendable {
  /// Long name with its dashes.
  let name: String
  /// Other spellings.
  var aliases: [String] = []
  /// Placeholder of the value, nil for a switch.
  var placeholder: String?
  let help: String
  let update: @Sendable (inout FrontierArguments, String) throws(EsscherError) -> Void
}

/// What the arguments of `esscher frontier` say, before anything is opened.
struct FrontierArguments: Sendable {
  var rewards: [String] = []
  var inputFormat: String?
  var key: String?
  var gold: String?
  var logWeights: String?
  var dtype: String?
  var betas: [Double]?
  var lambdas: [Double]?
  var budgets: [Double] = []
  var bestOf: [Int]?
  var request = FrontierRequest()
  var format = "csv"
  var wantsHelp = false
}

// SPDX-License-Identifier: Apache-2.0
// Options of the estimates and their intervals.

internal import Esscher

extension OptionTable {
  static let estimationOptions: [Option] = [
    .value(
      "resamples", "N", .estimation, [.frontier],
      "Bootstrap replicates behind the intervals (default 1000); 0 for none."
    ) { (record, text) throws(EsscherError) in
      record.resamples = try ValueParsing.integer(
        text, option: "--resamples", in: 0...10_000_000)
    },
    .value(
      "confidence", "LEVEL", .estimation, [.frontier],
      "Two-sided confidence of the intervals (default 0.95)."
    ) { (record, text) throws(EsscherError) in
      record.confidence = try ValueParsing.number(
        text, option: "--confidence", between: 0, and: 1)
    },
    .flag(
      "bias-correct", .estimation, [.frontier],
      "Correct each prompt's tilts for the bias that the jackknife over its samples finds."
    ) { $0.biasCorrect = true },
    .value(
      "seed", "N", .estimation, [.frontier, .simulate],
      "Seed of the random numbers (default 0)."
    ) { (record, text) throws(EsscherError) in
      record.seed = try ValueParsing.seed(text, option: "--seed")
    },
    .value(
      "precision", "KIND", .estimation, [.frontier],
      "Arithmetic: mixed (relative error at most 1e-6) or double (1e-10). The default follows the "
        + "input's element type."
    ) { (record, text) throws(EsscherError) in
      record.precision = try ValueParsing.choice(text, option: "--precision")
    },
  ]
}

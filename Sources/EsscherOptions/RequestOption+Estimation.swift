// SPDX-License-Identifier: Apache-2.0
// Options of the estimates and their intervals.

internal import EsscherCore

extension RequestOption {
  package static let resamples: RequestOption = .value(
    "resamples", "N",
    "Bootstrap replicates behind the intervals (default 1000); 0 for none."
  ) { (record, text) throws(EsscherError) in
    record.resamples = try ValueParsing.integer(
      text, option: "--resamples", in: 0...10_000_000)
  }

  package static let confidence: RequestOption = .value(
    "confidence", "LEVEL",
    "Two-sided confidence of the intervals (default 0.95)."
  ) { (record, text) throws(EsscherError) in
    record.confidence = try ValueParsing.number(
      text, option: "--confidence", between: 0, and: 1)
  }

  package static let biasCorrect: RequestOption = .flag(
    "bias-correct",
    "Correct each prompt's tilts for the bias that the jackknife over its samples finds."
  ) { $0.biasCorrect = true }

  package static let seed: RequestOption = .value(
    "seed", "N",
    "Seed of the random numbers (default 0)."
  ) { (record, text) throws(EsscherError) in
    record.seed = try ValueParsing.seed(text, option: "--seed")
  }

  package static let precision: RequestOption = .value(
    "precision", "KIND",
    "Arithmetic: mixed (relative error at most 1e-6) or double (1e-10). The default follows the "
      + "input's element type."
  ) { (record, text) throws(EsscherError) in
    record.precision = try ValueParsing.choice(text, option: "--precision")
  }

  package static let missing: RequestOption = .value(
    "missing", "POLICY",
    "What becomes of a missing reward: error (the default) stops and names the cell, drop leaves "
      + "the sample out and counts it."
  ) { (record, text) throws(EsscherError) in
    record.missing = try ValueParsing.choice(text, option: "--missing")
  }
}

// SPDX-License-Identifier: Apache-2.0
// Options of several reward models.

internal import EsscherCore

extension RequestOption {
  package static let ensemble: RequestOption = .value(
    "ensemble", "HOW",
    "How several reward models become one reward: mean, median, min, uwo:C (mean less C times the "
      + "variance across models) or entropic:B (-B log mean e^(-s/B)). Each model's own curves follow."
  ) { (record, text) throws(EsscherError) in
    guard let aggregator = EnsembleAggregator(spelling: text) else {
      throw EsscherError(
        .usage,
        "--ensemble takes \(EnsembleAggregator.choices), C at least 0 and B above 0, not '\(ValueParsing.excerpt(text))'."
      )
    }
    record.ensemble = aggregator
  }

  package static let standardize: RequestOption = .value(
    "standardize", "KIND",
    "Brings several reward models to one scale first: model (each less its mean, over its standard "
      + "deviation), prompt (the same within each prompt) or none (the default, unless their spreads "
      + "differ more than twofold)."
  ) { (record, text) throws(EsscherError) in
    record.standardize = try ValueParsing.choice(text, option: "--standardize")
  }
}

// SPDX-License-Identifier: Apache-2.0
// Options that choose the points of the curves.

internal import EsscherCore

extension RequestOption {
  package static let curves: RequestOption = .value(
    "curves", "LIST",
    "Curves of the report: any of tilt, best_of_n (both by default), best_of_poisson, "
      + "soft_best_of_n, rewind_and_repeat and equal_kl. Points of --kl-budgets come in any case."
  ) { (record, text) throws(EsscherError) in
    record.curves = try ValueParsing.curves(text, option: "--curves")
  }

  package static let betas: RequestOption = .value(
    "betas", "SPEC",
    "KL penalties of the tilt. A SPEC is a list such as 0.1,0.5,2, or log:LOW:HIGH:COUNT, or "
      + "lin:LOW:HIGH:COUNT. With --lambdas, both are used."
  ) { (record, text) throws(EsscherError) in
    record.betas = try RequestArguments.checkedBetas(
      try GridSpec(parsing: text, option: "--betas", allowsZero: false), in: "'\(text)'")
  }

  package static let lambdas: RequestOption = .value(
    "lambdas", "SPEC",
    "Inverse KL penalties, 1/beta; 0 is the base policy. Of bench the tilt's, k-hat's and the frontier's "
      + "(default log:0.01:50:64)."
  ) { (record, text) throws(EsscherError) in
    record.lambdas = try GridSpec(parsing: text, option: "--lambdas", allowsZero: true)
  }

  package static let klBudgets: RequestOption = .value(
    "kl-budgets", "SPEC",
    "Mean KL budgets in nats; the best policy of each is a point of its own."
  ) { (record, text) throws(EsscherError) in
    record.klBudgets = try GridSpec(parsing: text, option: "--kl-budgets", allowsZero: false)
  }

  package static let ns: RequestOption = .value(
    "ns", "SPEC",
    "Numbers of samples of best-of-n, mean numbers of its relatives; pow2 (the default) is the powers of two up to the number "
      + "of samples, and that number. Of bench those up to 1024 by default."
  ) { (record, text) throws(EsscherError) in
    record.ns = try IntegerGridSpec(parsing: text, option: "--ns")
  }
}

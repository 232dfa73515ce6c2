// SPDX-License-Identifier: Apache-2.0
// The laws that `simulate` draws from: those whose frontier and best-of-n curve are known exactly.

internal import Esscher
internal import EsscherOptions

/// A law of rewards with exact answers.
enum Law: Sendable, Equatable {
  /// Mean 0, variance 1.
  case normal
  /// On (0, 1).
  case uniform
  /// Rate 1.
  case exponential
  /// 1 with probability p, else 0.
  case bernoulli(p: Double)
  /// Letters 1...size, equally likely.
  case alphabet(size: Int)
  /// Standard Gumbel; its mean is Euler's constant.
  case gumbel
  /// Reward and gold reward, both standard normal, with a correlation.
  case bivariateNormal(correlation: Double)

  /// As the command line writes it.
  init(parsing text: String) throws(EsscherError) {
    let fields = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let parameter = fields.count > 1 ? String(fields[1]) : nil
    switch (fields.first ?? "", parameter) {
    case ("normal", nil): self = .normal
    case ("uniform", nil): self = .uniform
    case ("exponential", nil): self = .exponential
    case ("gumbel", nil): self = .gumbel
    case ("bernoulli", let text?):
      guard let p = Double(text), p > 0, p < 1 else {
        throw EsscherError(
          .usage, "bernoulli:P takes a probability between 0 and 1, not '\(text)'.")
      }
      self = .bernoulli(p: p)
    case ("alphabet", let text?):
      guard let size = Int(text), (1...Self.largestAlphabet).contains(size) else {
        throw EsscherError(
          .usage,
          "alphabet:K takes a whole number from 1 to \(Self.largestAlphabet), not '\(text)'.")
      }
      self = .alphabet(size: size)
    case ("normal", let text?):
      guard let rho = Double(text), rho >= -1, rho <= 1 else {
        throw EsscherError(
          .usage, "normal:RHO takes a correlation from -1 to 1, not '\(text)'.")
      }
      self = .bivariateNormal(correlation: rho)
    default:
      let names = ["normal", "uniform", "exponential", "gumbel", "bernoulli", "alphabet"]
      throw EsscherError(
        .usage,
        "Unknown law '\(text)'; use normal, uniform, exponential, gumbel, bernoulli:P, alphabet:K "
          + "or normal:RHO." + Suggestion.sentence(for: String(fields.first ?? ""), among: names))
    }
  }

  /// Letters stay whole numbers in single precision.
  private static let largestAlphabet = 1 << 24

  /// Largest value of a law on whole numbers; nil for a continuous one.
  var largestWhole: Int? {
    switch self {
    case .bernoulli: 1
    case .alphabet(let size): size
    default: nil
    }
  }

  /// Mean of the reward.
  var mean: Double {
    switch self {
    case .normal, .bivariateNormal: 0
    case .uniform: 0.5
    case .exponential: 1
    case .gumbel: GammaFunctions.eulerConstant
    case .bernoulli(let p): p
    case .alphabet(let size): (Double(size) + 1) / 2
    }
  }
}

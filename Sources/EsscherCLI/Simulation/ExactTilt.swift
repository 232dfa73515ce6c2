// SPDX-License-Identifier: Apache-2.0
// The exponential tilt of each law in closed form. Differences that vanish with lambda are written so
// that they keep their digits there; KL is always J - R, which loses at most one.

internal import Glibc

/// Exact values of the tilt at one lambda.
struct ExactTilt: Equatable {
  /// log E exp(lambda r).
  var logPartition: Double
  var gain: Double
  var variance: Double
  var reverseKL: Double
  var jeffreys: Double
  var kl: Double { max(0, jeffreys - reverseKL) }
}

extension Law {
  /// The tilt at lambda, or nil where E exp(lambda r) is infinite.
  func tilt(_ lambda: Double) -> ExactTilt? {
    switch self {
    case .normal, .bivariateNormal:
      let a = lambda * lambda
      return ExactTilt(
        logPartition: a / 2, gain: lambda, variance: 1, reverseKL: a / 2, jeffreys: a)
    case .uniform: return Self.uniformTilt(lambda)
    case .exponential: return Self.exponentialTilt(lambda)
    case .gumbel: return Self.gumbelTilt(lambda)
    case .bernoulli(let p):
      return AtomLaw(values: [0, 1], masses: [1 - p, p]).tilt(lambda)
    case .alphabet(let size): return AtomLaw(alphabetOf: size).tilt(lambda)
    }
  }

  /// Gain of the gold reward under the tilt by the reward; nil where the law has no gold.
  func goldGain(_ lambda: Double) -> Double? {
    guard case .bivariateNormal(let correlation) = self else { return nil }
    return lambda * correlation
  }

  private static func uniformTilt(_ lambda: Double) -> ExactTilt {
    let h = lambda / 2
    let square = h * h
    // Up to h = 1/4 the Taylor series of log(sinh h / h) and its derivatives, error below 1e-17.
    let (reverse, langevin, slope): (Double, Double, Double)
    if h < 0.25 {
      reverse = polynomial(
        square,
        [0, 1 / 6.0, -1 / 180.0, 1 / 2835.0, -1 / 37_800.0, 1 / 467_775.0, -691 / 3_831_077_250])
      langevin =
        h
        * polynomial(
          square,
          [1 / 3.0, -1 / 45.0, 2 / 945.0, -1 / 4725.0, 2 / 93_555.0, -1382 / 638_512_875.0])
      slope = polynomial(
        square,
        [1 / 3.0, -1 / 15.0, 2 / 189.0, -1 / 675.0, 2 / 10_395.0, -1382 / 58_046_625.0])
    } else {
      let decay = -expm1(-2 * h)
      reverse = h + log(decay / (2 * h))
      langevin = (2 - decay) / decay - 1 / h
      slope = 1 / square - 4 * exp(-2 * h) / (decay * decay)
    }
    return ExactTilt(
      logPartition: h + reverse, gain: langevin / 2, variance: slope / 4, reverseKL: reverse,
      jeffreys: h * langevin)
  }

  private static func exponentialTilt(_ lambda: Double) -> ExactTilt? {
    guard lambda < 1 else { return nil }
    let rest = 1 - lambda
    let reverse =
      lambda < 0.02
      ? lambda * lambda
        * polynomial(
          lambda, [1 / 2.0, 1 / 3.0, 1 / 4.0, 1 / 5.0, 1 / 6.0, 1 / 7.0, 1 / 8.0, 1 / 9.0])
      : -log1p(-lambda) - lambda
    return ExactTilt(
      logPartition: -log1p(-lambda), gain: lambda / rest, variance: 1 / (rest * rest),
      reverseKL: reverse, jeffreys: lambda * lambda / rest)
  }

  private static func gumbelTilt(_ lambda: Double) -> ExactTilt? {
    guard lambda < 1 else { return nil }
    let gain = GammaFunctions.digammaExcess(lambda)
    return ExactTilt(
      logPartition: lgamma(1 - lambda), gain: gain,
      variance: GammaFunctions.trigamma(oneMinus: lambda),
      reverseKL: GammaFunctions.logGammaExcess(lambda), jeffreys: lambda * gain)
  }

  private static func polynomial(_ x: Double, _ coefficients: [Double]) -> Double {
    coefficients.reversed().reduce(0) { $0 * x + $1 }
  }
}

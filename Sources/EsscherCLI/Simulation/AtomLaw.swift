// SPDX-License-Identifier: Apache-2.0
// Laws on finitely many values: tilt and best-of-n as sums over the values.

internal import Glibc

/// A law on finitely many values.
struct AtomLaw {
  /// Ascending.
  let values: [Double]
  let masses: [Double]

  init(values: [Double], masses: [Double]) {
    self.values = values
    self.masses = masses
  }

  /// Letters 1...size, equally likely.
  init(alphabetOf size: Int) {
    self.init(
      values: (1...size).map(Double.init),
      masses: [Double](repeating: 1 / Double(size), count: size))
  }

  var mean: Double { zip(values, masses).reduce(0) { $0 + $1.0 * $1.1 } }

  /// The tilt; sums of terms of one sign where lambda is small.
  func tilt(_ lambda: Double) -> ExactTilt {
    let mean = mean
    let top = values[values.count - 1]
    guard lambda * (top - mean) <= 500 else { return shiftedTilt(lambda, mean, top) }
    var (phi, cross) = (0.0, 0.0)
    for (value, mass) in zip(values, masses) {
      let t = lambda * (value - mean)
      phi += mass * Self.phi(t)
      cross += mass * t * expm1(t)
    }
    let reverse = log1p(phi)
    let jeffreys = cross / (1 + phi)
    let weights = zip(values, masses).map { $1 * exp(lambda * ($0 - mean)) / (1 + phi) }
    let gain = lambda > 0 ? jeffreys / lambda : 0
    return ExactTilt(
      logPartition: lambda * mean + reverse, gain: gain,
      variance: variance(weights, about: mean + gain), reverseKL: reverse, jeffreys: jeffreys)
  }

  private func shiftedTilt(_ lambda: Double, _ mean: Double, _ top: Double) -> ExactTilt {
    let scaled = zip(values, masses).map { $1 * exp(lambda * ($0 - top)) }
    let sum = scaled.reduce(0, +)
    let weights = scaled.map { $0 / sum }
    let gain = zip(values, weights).reduce(0) { $0 + $1.0 * $1.1 } - mean
    let reverse = log(sum) + lambda * (top - mean)
    return ExactTilt(
      logPartition: log(sum) + lambda * top, gain: gain,
      variance: variance(weights, about: mean + gain), reverseKL: reverse, jeffreys: lambda * gain)
  }

  private func variance(_ weights: [Double], about centre: Double) -> Double {
    zip(values, weights).reduce(0) { $0 + $1.1 * ($1.0 - centre) * ($1.0 - centre) }
  }

  /// e^t - 1 - t without cancellation.
  private static func phi(_ t: Double) -> Double {
    guard abs(t) < 0.01 else { return expm1(t) - t }
    return t * t * (1 / 2.0 + t * (1 / 6.0 + t * (1 / 24.0 + t * (1 / 120.0 + t * (1 / 720.0)))))
  }

  /// Masses of the best of n: differences of the n-th powers of the distribution function.
  func bestOfN(_ n: Int) -> (mean: Double, kl: Double, reverseKL: Double) {
    var (mean, kl, reverse, below) = (0.0, 0.0, 0.0, 0.0)
    let power = Double(n)
    // Mass above each value. An n-th power multiplies the relative error of F by n, so log F is taken
    // from the end where little has been added up.
    var above = masses
    var tail = 0.0
    for index in masses.indices.reversed() {
      above[index] = tail
      tail += masses[index]
    }
    for index in values.indices {
      let mass = masses[index]
      let upTo = above[index] < 0.5 ? 1 - above[index] : below + mass
      // log of F^n - (F - p)^n over p; the first value has F = p.
      let logF = above[index] < 0.5 ? log1p(-above[index]) : log(upTo)
      let share = min(1, mass / upTo)
      let logMass = power * logF + (share < 1 ? log(-expm1(power * log1p(-share))) : 0)
      let logRatio = logMass - log(mass)
      mean += exp(logMass) * values[index]
      kl += exp(logMass) * logRatio
      reverse -= mass * logRatio
      below += mass
    }
    return (mean, max(0, kl), max(0, reverse))
  }
}

// SPDX-License-Identifier: Apache-2.0
// Best-of-n of each law in closed form; for the normal law by quadrature.

internal import Glibc

/// Exact values of best-of-n.
struct ExactBestOfN: Equatable {
  var reward: Double
  var kl: Double
  var reverseKL: Double
  /// Mean of the gold reward of the chosen sample; nil where the law has none.
  var gold: Double?
}

extension Law {
  func bestOfN(_ n: Int) -> ExactBestOfN {
    let count = Double(n)
    switch self {
    case .bernoulli(let p):
      // The sum's own mean, 1 - (1 - p)^n, without its cancellation.
      let exact = AtomLaw(values: [0, 1], masses: [1 - p, p]).bestOfN(n)
      return ExactBestOfN(
        reward: -expm1(count * log1p(-p)), kl: exact.kl, reverseKL: exact.reverseKL)
    case .alphabet(let size):
      let exact = AtomLaw(alphabetOf: size).bestOfN(n)
      return ExactBestOfN(reward: exact.mean, kl: exact.kl, reverseKL: exact.reverseKL)
    default:
      let logN = log(count)
      let reward = continuousMaximum(n)
      var gold: Double?
      if case .bivariateNormal(let correlation) = self { gold = correlation * reward }
      return ExactBestOfN(
        reward: reward, kl: logN - (count - 1) / count, reverseKL: count - 1 - logN, gold: gold)
    }
  }

  /// Mean of the largest of n samples of a continuous law.
  private func continuousMaximum(_ n: Int) -> Double {
    let count = Double(n)
    switch self {
    case .uniform: return count / (count + 1)
    case .exponential: return Self.harmonicNumber(n)
    case .gumbel: return GammaFunctions.eulerConstant + log(count)
    default: return NormalMaximum.mean(of: n)
    }
  }

  /// H_n = 1 + 1/2 + ... + 1/n; by its asymptotic series above a million.
  static func harmonicNumber(_ n: Int) -> Double {
    guard n > 1_000_000 else { return (1...n).reversed().reduce(0) { $0 + 1 / Double($1) } }
    let x = Double(n)
    return log(x) + GammaFunctions.eulerConstant + 1 / (2 * x) - 1 / (12 * x * x)
  }
}

/// The largest of n standard normal samples.
enum NormalMaximum {
  /// Its mean, with an absolute error of about 1e-13.
  ///
  /// `∫ x n φ(x) Φ(x)^(n-1) dx` by the trapezoidal rule, which converges exponentially for an analytic
  /// integrand that vanishes at both ends; the interval leaves out less than 1e-30 for n up to 1e12.
  static func mean(of n: Int) -> Double {
    guard n > 1 else { return 0 }
    let (low, high, step) = (-13.0, 14.0, 1.0 / 256)
    let power = Double(n - 1)
    var sum = 0.0
    for index in 0...Int((high - low) / step) {
      let x = low + Double(index) * step
      let upper = 0.5 * erfc(x * 0.5.squareRoot())
      // log Φ from the tail that is small.
      let logBelow = x > 0 ? log1p(-upper) : log(0.5 * erfc(-x * 0.5.squareRoot()))
      sum += x * exp(power * logBelow - x * x / 2)
    }
    return sum * step * Double(n) / (2 * Double.pi).squareRoot()
  }
}

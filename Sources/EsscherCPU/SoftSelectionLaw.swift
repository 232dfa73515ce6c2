// SPDX-License-Identifier: Apache-2.0
// The law of soft best-of-n over the samples of one prompt: its density with respect to the base policy.

internal import EsscherCore

/// KL and win rate of soft best-of-n, n draws from the samples of a prompt with replacement.
///
/// Choosing i with probability ∝ e^{x_i} is choosing the largest of x_i + Gumbel noise, so that
///
///     π(r)/π₀(r) = n E[e^x/(e^x + S_{n−1})] = n ∫ e^y exp(−e^y) φ(u)^{n−1} du,   y = x + u,  x = lambda·r,
///     φ(u) = E₀ exp(−e^{lambda·r + u}),
///
/// with S_{n−1} the sum of the other n − 1 draws' e^{lambda·r} (1/(a + S) = ∫ e^{−t(a+S)} dt, t = e^u). The
/// density is exact for the law that the samples form, with no draw of random numbers, and needs no scaling.
///
/// Groups of tied samples are atoms. An untied sample stands for a stretch of a continuum that reaches halfway to its
/// neighbours; the density's logarithm is taken as linear over it, between the densities at its ends, and the
/// divergence within it is added. So KL and win rate go to those of best-of-n (`BestOfNLaw`) as lambda grows.
///
/// - Edge cases: lambda = 0 or equal rewards give exactly 0 and ½.
/// - Precision: the trapezoid rule with step 0.3 errs by 2|Γ(1 + 2πi/0.3)| < 1e-13 relative, the powers of e^y that
///   replace nodes before y = −8 by e^{−24}/6; so the KL errs by 1e-12 of itself and 2e-13·(2 KL)^½. Rewards spread over more than 10,000 e-folds after gaps of
///   more than 40 are cut to 40 count as spread over 10,000.
/// - Bias: of a plug-in: of order n/M of the KL, downwards, as the largest samples are in short supply.
/// - Complexity: O(M·window + nodes) exponentials a lambda, nodes = (lambda·range + 60)/0.3; O(M·window·#n).
/// - Source: theory §3.8 (the density); Gumbel-max; Davis and Rabinowitz (1984), §2.9 (trapezoid rule).
final class SoftSelectionLaw {
  /// Value of one n.
  struct Value {
    var kl = 0.0
    var winRate = 0.5
  }

  private let ns: [Int]
  private let kernels: SoftSelectionKernels
  private static let step = 0.3
  /// Nodes with y below this are summed by powers of e^y.
  private static let cut = -8.0
  private static let largestGap = 40.0
  private static let largestSpan = 10_000.0
  /// Steepest slope of a log density over a stretch: the one whose divergence is that of a density that falls to 0
  /// linearly, log 2 − ½, as under the lowest sample.
  private static let steepest = 2.2886405859
  /// Groups evaluated at once.
  private static let block = 64
  private let ratios: [Double]

  /// Exponents of the groups, the largest (0) first, and how many samples each has.
  private var x: [Double] = []
  private var counts: [Double] = []
  private var first = 0.0
  private var nodes = 0
  private var survivals: [Double] = []
  private var tails: [Double] = []

  init(ns: [Int], kernels: SoftSelectionKernels) {
    self.ns = ns
    self.kernels = kernels
    ratios = (0..<SoftSelectionKernels.window).map { Elementary.exp(Self.step * Double($0)) }
  }

  /// Values of each n.
  ///
  /// - Parameters:
  ///   - rewards: of the groups, strictly descending.
  ///   - multiplicities: samples of each group.
  ///   - lambda: inverse temperature.
  func values(rewards: [Double], multiplicities: [Double], lambda: Double) -> [Value] {
    guard rewards.count > 1, lambda > 0 else { return ns.map { _ in Value() } }
    place(rewards, multiplicities, lambda)
    let samples = counts.reduce(0, +)
    prepare(samples: samples)
    return sum(samples: samples)
  }

  private func place(_ rewards: [Double], _ multiplicities: [Double], _ lambda: Double) {
    counts = multiplicities
    x.removeAll(keepingCapacity: true)
    x.append(0)
    for (above, below) in zip(rewards, rewards.dropFirst()) {
      x.append(x[x.count - 1] - min(lambda * (above - below), Self.largestGap))
    }
    let span = -x[x.count - 1]
    if span > Self.largestSpan {
      for index in x.indices { x[index] *= Self.largestSpan / span }
    }
    // n e^u at the first node is e^-34: what lies before it counts for nothing.
    first = -Elementary.log(Double(ns.last ?? 2)) - 34
    nodes = start(of: (x.last ?? 0) - Self.largestGap / 2) + SoftSelectionKernels.window + 1
  }

  /// First node of a point's window.
  private func start(of x: Double) -> Int {
    max(0, Int(((Self.cut - x - first) / Self.step).rounded(.up)))
  }

  private func window(_ points: [Double]) -> (lowest: [Double], starts: [Int]) {
    let starts = points.map { start(of: $0) }
    return (
      zip(points, starts).map { $0 + first + Self.step * Double($1) }, starts
    )
  }

  /// φ^{n−1} on the nodes, and the sums over earlier nodes that stand for the left tail.
  private func prepare(samples: Double) {
    let (lowest, starts) = window(x)
    var deficits = [Double](repeating: 0, count: nodes)
    unsafe kernels.deficits(lowest, starts, counts, x.count, ratios, &deficits)
    // Before a window: e^y − e^2y/2 + e^3y/6, from the right so that all terms shrink; after it: all of the point.
    var earlier = [SIMD4<Double>](repeating: SIMD4(repeating: 0), count: nodes + 1)
    var passed = [Double](repeating: 0, count: nodes + 1)
    for index in x.indices {
      let e = Elementary.exp(lowest[index] - Self.step)
      if starts[index] > 0 {
        earlier[starts[index] - 1] += counts[index] * SIMD4(e, e * e, e * e * e, 0)
      }
      passed[min(nodes, starts[index] + SoftSelectionKernels.window)] += counts[index]
    }
    let decay = SIMD4(
      Elementary.exp(-Self.step), Elementary.exp(-2 * Self.step), Elementary.exp(-3 * Self.step), 0)
    var left = SIMD4<Double>(repeating: 0)
    for node in stride(from: nodes - 1, through: 0, by: -1) {
      left = left * decay + earlier[node]
      deficits[node] += left[0] - left[1] / 2 + left[2] / 6
    }
    survivals = [Double](repeating: 0, count: ns.count * nodes)
    tails = [Double](repeating: 0, count: 3 * ns.count * nodes)
    var logs = [Double](repeating: -.infinity, count: nodes)
    var right = 0.0
    for node in 0..<nodes {
      right += passed[node]
      let deficit = (deficits[node] + right) / samples
      if deficit < 1 { logs[node] = Elementary.log(onePlus: -deficit) }
    }
    for (index, n) in ns.enumerated() {
      var tail = SIMD4<Double>(repeating: 0)
      for node in 0..<nodes {
        let survival = logs[node] > -.infinity ? Elementary.exp(Double(n - 1) * logs[node]) : 0
        survivals[index * nodes + node] = survival
        for power in 0..<3 { tails[(3 * index + power) * nodes + node] = tail[power] }
        tail = (tail + survival) * decay
      }
    }
  }

  /// Divergence and win rate from the densities at the groups and, of single samples, at the ends of their stretches.
  private func sum(samples: Double) -> [Value] {
    var divergence = [Double](repeating: 0, count: ns.count)
    var mass = divergence
    var wins = divergence
    var below = samples
    for begin in stride(from: 0, to: x.count, by: Self.block) {
      let groups = begin..<min(x.count, begin + Self.block)
      // Upper end, then each group and its lower end.
      var points = [upperEnd(begin)]
      for group in groups { points += [x[group], upperEnd(group + 1)] }
      let (lowest, starts) = window(points)
      var densities = [Double](repeating: 0, count: points.count * ns.count)
      unsafe kernels.densities(
        lowest, starts, points.count, ratios, survivals, tails, nodes, ns.count, &densities)
      for (offset, group) in groups.enumerated() {
        let share = counts[group] / samples
        below -= counts[group]
        for (index, n) in ns.enumerated() {
          func density(_ point: Int) -> Double {
            Self.step * Double(n) * densities[point * ns.count + index]
          }
          let here = density(2 * offset + 1)
          mass[index] += share * here
          divergence[index] += share * Self.divergenceTerm(here)
          var position = 0.5
          if counts[group] == 1 {
            let stretch = Self.stretch(
              upper: density(2 * offset), lower: density(2 * offset + 2))
            divergence[index] += share * here * stretch.divergence
            position = stretch.mean
          }
          wins[index] += share * here * (below + position * counts[group]) / samples
        }
      }
    }
    return ns.indices.map { index in
      Value(
        kl: max(0, divergence[index] / mass[index]),
        winRate: wins[index] / mass[index])
    }
  }

  /// The exponent halfway to the group above; beyond the ends as far out as the neighbour is in.
  private func upperEnd(_ group: Int) -> Double {
    if group == 0 { return x[0] + (x[0] - x[1]) / 2 }
    let last = x.count - 1
    if group > last { return x[last] - (x[last - 1] - x[last]) / 2 }
    return (x[group - 1] + x[group]) / 2
  }

  /// ρ log ρ − ρ + 1 ≥ 0; the last two sum to nothing and keep the digits of small divergences.
  private static func divergenceTerm(_ density: Double) -> Double {
    guard density > 0 else { return 1 }
    let d = density - 1
    guard d.magnitude < 0.01 else { return density * Elementary.log(density) - d }
    // Σ_{k≥2} (−d)^k/(k(k−1)); the next term is below 1e-15 of the first.
    var sum = 0.0
    for k in stride(from: 9, through: 2, by: -1) {
      sum = sum * -d + 1 / Double(k * (k - 1))
    }
    return sum * d * d
  }

  /// KL from the uniform law on (0, 1), and mean, of the law whose log density is linear between the logarithms of
  /// `lower` at 0 and `upper` at 1.
  private static func stretch(
    upper: Double, lower: Double
  ) -> (divergence: Double, mean: Double) {
    // Where no such density counts, its shape does not either.
    guard upper > 1e-300 else { return (0, 0.5) }
    // Half the slope is atanh of this; with half a slope h the divergence is h coth h − 1 − log(sinh h/h).
    let ratio = (upper - lower) / (upper + lower)
    if ratio.magnitude < 0.05 {
      // Series, the next terms below 1e-14: most stretches are short, and this takes no logarithm.
      let z = ratio * ratio
      let h = ratio * (1 + z * (1 / 3.0 + z * (1 / 5.0 + z * (1 / 7.0 + z / 9))))
      let square = h * h
      return (
        square * (1 / 6.0 - square * (1 / 60.0 - square * (1 / 567.0 - square / 5400))),
        0.5 + h * (1 / 6.0 - square * (1 / 90.0 - square / 945))
      )
    }
    let slope = Elementary.log(upper / max(lower, 1e-300))
    let k = min(slope.magnitude, steepest)
    let up = 1 / -Elementary.expMinusOne(-k)  // 1/(1 − e^-k)
    let mean = up - 1 / k
    return (Elementary.log(k * up) + k * (up - 1) - 1, slope > 0 ? mean : 1 - mean)
  }
}

// SPDX-License-Identifier: Apache-2.0
// The statistics of one prompt by their definitions, in 64-bit-mantissa arithmetic, sample by sample.
// Shares no code with the backends: no kernels, no forms to choose from, no recurrences of theirs.

#if arch(x86_64)
  internal import Glibc

  /// One prompt, evaluated by definition.
  ///
  /// An extended number has 11 bits more than a double: sums of 10^5 terms are good to 1e-14 and
  /// divergences, which are written as sums of terms of one sign, to about 1e-13.
  package struct ReferenceRow {
    package typealias Number = Float80

    let values: [Number]
    let gold: [Number]?
    private let shares: [Number]
    package let mean: Number
    package let deviation: Number

    package init(values: [Double], gold: [Double]? = nil, logWeights: [Double]? = nil) {
      self.values = values.map(Number.init)
      self.gold = gold?.map(Number.init)
      if let logWeights {
        let top = logWeights.max() ?? 0
        let raw = logWeights.map { Glibc.exp(Number($0) - Number(top)) }
        let total = raw.sorted().reduce(0, +)
        shares = raw.map { $0 / total }
      } else {
        shares = values.map { _ in 1 / Number(values.count) }
      }
      let shares = shares
      // About a first mean, so that an offset costs no digits.
      let anchor = self.values[0]
      let mean =
        anchor + zip(self.values, shares).reduce(Number(0)) { $0 + ($1.0 - anchor) * $1.1 }
      self.mean = mean
      deviation = zip(self.values, shares)
        .reduce(Number(0)) { $0 + ($1.0 - mean) * ($1.0 - mean) * $1.1 }.squareRoot()
    }

    /// Values of the tilt at one lambda.
    package struct Tilt {
      package var gain, variance, kl, reverseKL, ess, winRate, gold: Number
      /// Σ w² (r − μ) and Σ w² (g − ḡ).
      package var squaresFirst, squaresGold: Number
      /// Cov(g, r) under the tilt.
      package var goldSlope: Number
    }

    package func tilt(_ lambda: Double) -> Tilt {
      let lambda = Number(lambda)
      let top = values.max() ?? 0
      let distances = values.map { $0 - mean }
      let usesMean = lambda * (top - mean) < 1
      let reverse: Number
      let jeffreys: Number
      let weights: [Number]
      if usesMean {
        // log(1 + mean of e^t - 1 - t), every term at least 0.
        let phi = weighted(distances) { Self.phi(lambda * $0) }
        reverse = log1p(phi)
        jeffreys = weighted(distances) { lambda * $0 * expm1(lambda * $0) } / (1 + phi)
        weights = distances.map { Glibc.exp(lambda * $0) / (1 + phi) }
      } else {
        let scaled = values.map { Glibc.exp(lambda * ($0 - top)) }
        let sum = zip(scaled, shares).reduce(Number(0)) { $0 + $1.0 * $1.1 }
        weights = scaled.map { $0 / sum }
        reverse = log(sum) + lambda * (top - mean)
        jeffreys =
          lambda
          * zip(distances, zip(weights, shares)).reduce(Number(0)) {
            $0 + $1.0 * $1.1.0 * $1.1.1
          }
      }
      let masses = zip(weights, shares).map { $0 * $1 }
      let gain = lambda > 0 ? jeffreys / lambda : 0
      let kl =
        usesMean
        ? jeffreys - reverse
        : zip(masses, weights).reduce(Number(0)) { $1.0 > 0 ? $0 + $1.0 * log($1.1) : $0 }
      return Tilt(
        gain: gain,
        variance: zip(masses, distances).reduce(Number(0)) {
          $0 + $1.0 * ($1.1 - gain) * ($1.1 - gain)
        },
        kl: kl, reverseKL: reverse,
        ess: 1 / masses.reduce(Number(0)) { $0 + $1 * $1 },
        winRate: zip(masses, midRanks).reduce(Number(0)) { $0 + $1.0 * $1.1 },
        gold: gold.map { zip(masses, $0).reduce(Number(0)) { $0 + $1.0 * $1.1 } } ?? 0,
        squaresFirst: zip(masses, distances).reduce(Number(0)) { $0 + $1.0 * $1.0 * $1.1 },
        squaresGold: squaresGold(masses), goldSlope: goldSlope(masses, distances, gain))
    }

    private func goldSlope(_ masses: [Number], _ distances: [Number], _ gain: Number) -> Number {
      guard let gold else { return 0 }
      let mean = zip(masses, gold).reduce(Number(0)) { $0 + $1.0 * $1.1 }
      return masses.indices.reduce(Number(0)) {
        $0 + masses[$1] * (gold[$1] - mean) * (distances[$1] - gain)
      }
    }

    private func squaresGold(_ masses: [Number]) -> Number {
      guard let gold else { return 0 }
      let mean = zip(gold, shares).reduce(Number(0)) { $0 + $1.0 * $1.1 }
      // Gold as the mean of its tie group: within one no estimator looks.
      var groups: [Number: (gold: Number, share: Number)] = [:]
      for (index, value) in values.enumerated() {
        groups[value, default: (0, 0)].gold += gold[index] * shares[index]
        groups[value, default: (0, 0)].share += shares[index]
      }
      return values.indices.reduce(Number(0)) { sum, index in
        guard let group = groups[values[index]] else { return sum }
        return sum + masses[index] * masses[index] * (group.gold / group.share - mean)
      }
    }

    /// Values of best-of-n at one n.
    package struct BestOf {
      package var gain, gold, replacementGain, replacementKL, ess, kl, reverseKL, winRate: Number
    }

    /// - Precondition: no log weights.
    package func bestOf(_ n: Int) -> BestOf {
      let order = values.indices.sorted { values[$0] < values[$1] }
      let sorted = order.map { values[$0] }
      let count = sorted.count
      // C(k - 1, n - 1)/C(M, n) for rank k, as a product of n ratios at the top and downwards.
      var weights = [Number](repeating: 0, count: count)
      var weight = Number(n) / Number(count)
      for k in stride(from: count, through: n, by: -1) {
        weights[k - 1] = weight
        if k > 1 { weight *= Number(k - n) / Number(k - 1) }
      }
      var result = BestOf(
        gain: 0, gold: 0, replacementGain: 0, replacementKL: 0, ess: 0, kl: 0, reverseKL: 0,
        winRate: 0)
      var squares = Number(0)
      var start = 0
      var untied = 0
      let power = Number(n)
      func share(_ rank: Int) -> Number { Number(rank) / Number(count) }
      func raised(_ rank: Int) -> Number { rank == 0 ? 0 : Glibc.pow(share(rank), power) }
      func closeStretch(_ from: Int, _ to: Int) {
        guard to > from else { return }
        // The antiderivatives of contract.md, evaluated at both ends.
        func forward(_ rank: Int) -> Number {
          guard rank > 0 else { return 0 }
          let f = raised(rank)
          return f * log(power) + (power - 1) * (f * log(share(rank)) - f / power)
        }
        func reverse(_ rank: Int) -> Number {
          rank == 0 ? 0 : (power - 1) * share(rank) * (log(share(rank)) - 1)
        }
        result.kl += forward(to) - forward(from)
        result.reverseKL -= (share(to) - share(from)) * log(power) + reverse(to) - reverse(from)
        result.winRate +=
          power / (power + 1)
          * (raised(to) * share(to) - raised(from) * share(from))
      }
      while start < count {
        var end = start
        while end < count && sorted[end] == sorted[start] { end += 1 }
        let mass = weights[start..<end].reduce(0, +)
        let size = Number(end - start)
        result.gain += mass * (sorted[start] - mean)
        squares += mass * mass / size
        if let gold {
          result.gold += mass * order[start..<end].reduce(Number(0)) { $0 + gold[$1] } / size
        }
        // F_b^n - F_a^n = F_b^n (1 - (a/b)^n).
        let drawn =
          raised(end) * (start == 0 ? 1 : -expm1(power * log(Number(start) / Number(end))))
        let ratio = drawn / (share(end) - share(start))
        if drawn > 0 {
          result.replacementGain += drawn * (sorted[start] - mean)
          result.replacementKL += drawn * log(ratio)
        }
        if end - start > 1 {
          closeStretch(untied, start)
          if drawn > 0 { result.kl += drawn * log(ratio) }
          let logDrawn =
            power * log(share(end))
            + (start == 0 ? 0 : log(-expm1(power * log(Number(start) / Number(end)))))
          result.reverseKL +=
            (share(end) - share(start)) * (log(share(end) - share(start)) - logDrawn)
          result.winRate += drawn * (share(start) + share(end)) / 2
          untied = end
        }
        start = end
      }
      closeStretch(untied, count)
      result.ess = 1 / squares
      return result
    }

    private var midRanks: [Number] {
      let order = values.indices.sorted { values[$0] < values[$1] }
      var ranks = [Number](repeating: 0, count: values.count)
      var below = Number(0)
      var start = 0
      while start < order.count {
        var end = start
        var mass = Number(0)
        while end < order.count && values[order[end]] == values[order[start]] {
          mass += shares[order[end]]
          end += 1
        }
        for index in start..<end { ranks[order[index]] = below + mass / 2 }
        below += mass
        start = end
      }
      return ranks
    }

    private func weighted(_ distances: [Number], _ term: (Number) -> Number) -> Number {
      zip(distances, shares).reduce(Number(0)) { $0 + term($1.0) * $1.1 }
    }

    /// e^t - 1 - t; by its series where the difference would cancel.
    private static func phi(_ t: Number) -> Number {
      guard t.magnitude < 0.01 else { return expm1(t) - t }
      var (sum, term) = (Number(0), t * t / 2)
      for k in 3..<14 {
        sum += term
        term *= t / Number(k)
      }
      return sum
    }
  }
#endif

// SPDX-License-Identifier: Apache-2.0
// Relatives of best-of-n by their definitions: mixtures over numbers of draws and differences of C, sample by
// sample.

#if arch(x86_64)
  package import EsscherCore
  internal import Glibc

  extension ReferenceRow {
    /// What a backend sums under a law of selection.
    package struct Selection {
      package var gain, gold, replacementGain, replacementKL, ess: Number
    }

    /// - Precondition: no log weights, and a law other than best of n.
    package func selection(_ law: SelectionLaw) -> Selection {
      let order = values.indices.sorted { values[$0] < values[$1] }
      let count = order.count
      let cumulative = (0...count).map { Self.cumulative(law, $0, of: count) }
      let unbiased = Self.unbiased(law, count: count, cumulative)
      var result = Selection(gain: 0, gold: 0, replacementGain: 0, replacementKL: 0, ess: 0)
      var squares = Number(0)
      var start = 0
      while start < count {
        var end = start
        while end < count && values[order[end]] == values[order[start]] { end += 1 }
        let size = Number(end - start)
        let mass = unbiased[start..<end].reduce(0, +)
        let distance = values[order[start]] - mean
        result.gain += mass * distance
        squares += mass * mass / size
        if let gold {
          result.gold += mass * order[start..<end].reduce(Number(0)) { $0 + gold[$1] } / size
        }
        let drawn = cumulative[end] - cumulative[start]
        result.replacementGain += drawn * distance
        if drawn > 0 { result.replacementKL += drawn * log(drawn * Number(count) / size) }
        start = end
      }
      result.ess = 1 / squares
      return result
    }

    /// C(rank/count).
    private static func cumulative(_ law: SelectionLaw, _ rank: Int, of count: Int) -> Number {
      let u = Number(rank) / Number(count)
      switch law {
      case .bestOf(let n): return Glibc.pow(u, Number(n))
      case .bestOfPoisson(let n): return u * Glibc.exp(Number(n - 1) * (u - 1))
      case .rewindAndRepeat(let n):
        return Number(max(0, n * rank - (n - 1) * count)) / Number(count)
      }
    }

    /// By ascending rank.
    private static func unbiased(
      _ law: SelectionLaw, count: Int, _ cumulative: [Number]
    ) -> [Number] {
      guard case .bestOfPoisson(let n) = law else {
        return (0..<count).map { cumulative[$0 + 1] - cumulative[$0] }
      }
      let mean = Number(n - 1)
      var weights = [Number](repeating: 0, count: count)
      var mass = Glibc.exp(-mean)
      for draw in 1...count {
        if mass > 1e-30 {
          var weight = Number(draw) / Number(count)
          for k in stride(from: count, through: draw, by: -1) {
            weights[k - 1] += mass * weight
            if k > 1 { weight *= Number(k - draw) / Number(k - 1) }
          }
        }
        mass *= mean / Number(draw)
      }
      return weights
    }
  }
#endif

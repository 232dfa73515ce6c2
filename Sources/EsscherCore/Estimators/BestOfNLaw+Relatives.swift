// SPDX-License-Identifier: Apache-2.0
// Divergences and win rates of the laws beside best-of-n.

extension BestOfNLaw {
  /// The divergences of a law that selects by rank, tie groups as atoms and untied samples as a
  /// continuum.
  ///
  /// - Parameters:
  ///   - selection: the law.
  ///   - sampleCount: M.
  ///   - ties: groups of two or more equal samples, the largest first.
  /// - Edge cases: rewind and repeat never gives what lies below its threshold, so that `reverseKL` is
  ///   infinite unless an atom reaches from the bottom across it.
  /// - Complexity: O(number of tie groups).
  public init(
    _ selection: SelectionLaw, sampleCount: Int, ties: some Collection<TieGroup>
  ) {
    switch selection {
    case .bestOf(let n): self.init(n: n, sampleCount: sampleCount, ties: ties)
    case .bestOfPoisson(let n):
      guard n > 1 else {
        self.init()
        return
      }
      self.init(PoissonSelection(mean: Double(n - 1)), sampleCount: sampleCount, ties: ties)
    case .rewindAndRepeat(let n):
      guard n > 1 else {
        self.init()
        return
      }
      self.init(RewindSelection(draws: Double(n)), sampleCount: sampleCount, ties: ties)
    }
  }

  /// The KL of a law without ties, which bounds it with them; nats.
  public static func bound(_ selection: SelectionLaw) -> Double {
    guard selection.n > 1 else { return 0 }
    return switch selection {
    case .bestOf(let n): bound(n: n)
    case .bestOfPoisson(let n): PoissonSelection(mean: Double(n - 1)).untied.kl
    case .rewindAndRepeat(let n): Elementary.log(Double(n))
    }
  }

  fileprivate init(
    _ density: some SelectionDensity, sampleCount: Int, ties: some Collection<TieGroup>
  ) {
    guard !ties.isEmpty else {
      self = density.untied
      return
    }
    self.init()
    winRate = 0
    let samples = Double(sampleCount)
    var position = sampleCount
    func add(_ part: BestOfNLaw) {
      kl += part.kl
      reverseKL += part.reverseKL
      winRate += part.winRate
    }
    for tie in ties {
      add(density.stretch(tie.upTo..<position, samples))
      add(density.atom(tie, samples))
      position = tie.below
    }
    add(density.stretch(0..<position, samples))
    kl = max(0, kl)
    reverseKL = max(0, reverseKL)
  }
}

/// What a law adds to its divergences over a part of the unit interval. Each addend of a KL has −q + p
/// added, of a reverse KL −p + q, which sums to nothing and makes it at least 0.
private protocol SelectionDensity {
  /// The law without ties.
  var untied: BestOfNLaw { get }
  /// A group of tied samples.
  func atom(_ tie: TieGroup, _ samples: Double) -> BestOfNLaw
  /// Untied samples of neighbouring ranks.
  func stretch(_ ranks: Range<Int>, _ samples: Double) -> BestOfNLaw
}

extension BestOfNLaw {
  fileprivate init(kl: Double, reverseKL: Double, winRate: Double) {
    self.init()
    self.kl = kl
    self.reverseKL = reverseKL
    self.winRate = winRate
  }

  /// An atom of base mass p and mass q under the law, log(q/p) given.
  fileprivate init(atom q: Double, _ p: Double, logRatio: Double, middle: Double) {
    self.init(
      kl: q > 0 ? q * logRatio - q + p : p, reverseKL: -p * logRatio - p + q,
      winRate: q * middle)
  }
}

/// Best of 1 + Poisson(μ) samples: C = u e^{μ(u−1)}, density (1 + μu) e^{μ(u−1)}.
///
/// - Source: theory §3.7; the antiderivatives are derived in docs/design/006-selection-laws.md.
private struct PoissonSelection: SelectionDensity {
  let mean: Double

  var untied: BestOfNLaw {
    // The antiderivatives between 0 and 1, by hand.
    let top = 1 + mean
    let logTop = Elementary.log(onePlus: mean)
    let rest = Elementary.exp(-mean)
    return BestOfNLaw(
      kl: logTop - 1
        + (ExponentialIntegral.scaled(top) - rest * ExponentialIntegral.scaled(1)) / mean,
      reverseKL: mean / 2 + 1 - top * logTop / mean,
      winRate: 1 - (mean - 1 + rest) / (mean * mean))
  }

  func atom(_ tie: TieGroup, _ samples: Double) -> BestOfNLaw {
    let below = Double(tie.below) / samples
    let upTo = Double(tie.upTo) / samples
    let p = Double(tie.count) / samples
    // q/p = e^{μ(b−1)} (1 + a (1 − e^{−μp})/p).
    let ratio = below * -Elementary.expMinusOne(-mean * p) / p
    let logRatio =
      -mean * ((samples - Double(tie.upTo)) / samples) + Elementary.log(onePlus: ratio)
    return BestOfNLaw(
      atom: p * Elementary.exp(logRatio), p, logRatio: logRatio, middle: (below + upTo) / 2)
  }

  func stretch(_ ranks: Range<Int>, _ samples: Double) -> BestOfNLaw {
    guard !ranks.isEmpty else { return BestOfNLaw(kl: 0, reverseKL: 0, winRate: 0) }
    let high = antiderivative(Double(ranks.upperBound) / samples)
    let low = antiderivative(Double(ranks.lowerBound) / samples)
    return BestOfNLaw(
      kl: high.kl - low.kl, reverseKL: high.reverseKL - low.reverseKL,
      winRate: high.winRate - low.winRate)
  }

  /// Of f log f − f + 1, of −log f + f − 1 and of u f.
  private func antiderivative(_ u: Double) -> BestOfNLaw {
    let growth = Elementary.exp(mean * (u - 1))
    let share = u * growth
    let slope = 1 + mean * u
    let logSlope = Elementary.log(onePlus: mean * u)
    let logDensity = logSlope + mean * (u - 1)
    return BestOfNLaw(
      kl: share * (logDensity - 2) + growth * ExponentialIntegral.scaled(slope) / mean + u,
      reverseKL: -(slope * (logSlope - 1) / mean + mean * u * (u / 2 - 1)) + share - u,
      winRate: growth * (u * u - u / mean + 1 / (mean * mean)))
  }
}

/// Redrawn until in the top 1/n: density n above 1 − 1/n, 0 below.
///
/// - Source: theory §3.9, without a limit on the draws.
private struct RewindSelection: SelectionDensity {
  let draws: Double

  var untied: BestOfNLaw {
    BestOfNLaw(
      kl: Elementary.log(draws), reverseKL: .infinity, winRate: 1 - 1 / (2 * draws))
  }

  /// C of a rank's upper end; exact where M and n are below 2^26.
  private func cumulative(_ rank: Int, _ samples: Double) -> Double {
    max(0, samples - draws * (samples - Double(rank))) / samples
  }

  func atom(_ tie: TieGroup, _ samples: Double) -> BestOfNLaw {
    let q = cumulative(tie.upTo, samples) - cumulative(tie.below, samples)
    let p = Double(tie.count) / samples
    return BestOfNLaw(
      atom: q, p, logRatio: Elementary.log(q / p),
      middle: (Double(tie.below) + Double(tie.upTo)) / (2 * samples))
  }

  func stretch(_ ranks: Range<Int>, _ samples: Double) -> BestOfNLaw {
    guard !ranks.isEmpty else { return BestOfNLaw(kl: 0, reverseKL: 0, winRate: 0) }
    let width = Double(ranks.count) / samples
    let upTo = Double(ranks.upperBound) / samples
    let q = cumulative(ranks.upperBound, samples) - cumulative(ranks.lowerBound, samples)
    let inside = min(width, q / draws)
    let isCut = draws * (samples - Double(ranks.lowerBound)) > samples
    return BestOfNLaw(
      kl: q * Elementary.log(draws) - q + width,
      reverseKL: isCut ? .infinity : -width * Elementary.log(draws) - width + q,
      winRate: q * (upTo - inside / 2))
  }
}

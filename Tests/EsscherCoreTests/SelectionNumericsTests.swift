// SPDX-License-Identifier: Apache-2.0
// The functions behind best-of-n's relatives, against 60 digits and against their own properties.

import EsscherCore
import EsscherTestSupport
import Testing

@Suite("Numerics of selection laws")
struct SelectionNumericsTests {
  @Test("e^-x Ei(x), on both sides of the change of series")
  func exponentialIntegral() throws {
    for form in try SelectionFixture.load().exponentialIntegral {
      expectClose(
        ExponentialIntegral.scaled(form.x), form.value, tolerance: 1e-14, "x = \(form.x)")
    }
  }

  @Test("d_n(eps) at 60 digits and as printed elsewhere")
  func divergence() throws {
    for form in try SelectionFixture.load().divergence {
      expectClose(
        BestOfNLaw.divergence(n: form.n, logMass: form.logMass), form.value, tolerance: 1e-12,
        "n = \(form.n), log eps = \(form.logMass)")
    }
    let printed = [
      (2, 0.5, 0.179098831081), (10, 0.1, 1.37888673625), (100, 0.001, 3.61513127637),
      (1000, 0.01, 4.60474984142), (16, 1e-6, 1.83508872224),
    ]
    for (n, mass, want) in printed {
      // Twelve digits were printed.
      let got = BestOfNLaw.divergence(n: n, logMass: Elementary.log(mass))
      #expect((got - want).magnitude <= 1e-11 * want, "d_\(n)(\(mass)) = \(got)")
    }
  }

  @Test("d_n decreases from the bound at eps = 0 to 0 at eps = 1")
  func monotone() {
    for n in [2, 3, 10, 1000] {
      let grid = (0...2000).map { -Double($0) * 0.02 }
      let values = grid.map { BestOfNLaw.divergence(n: n, logMass: $0) }
      #expect(values[0] == 0)
      // A step of rounding at most, where the function is flat.
      for (low, high) in zip(values, values.dropFirst()) { #expect(high >= low - 4e-15 * high) }
      #expect(BestOfNLaw.divergence(n: n, logMass: -800) == BestOfNLaw.bound(n: n))
    }
    #expect(BestOfNLaw.divergence(n: 1, logMass: -2) == 0)
    #expect(BestOfNLaw.divergence(n: 5, logMass: .nan).isNaN)
  }

  @Test("the KL of a law of atoms is at most d_n of its top atom, and that at most the bound")
  func topAtom() {
    var random = SeededGenerator(seed: 31)
    for _ in 0..<400 {
      let sizes = (0..<Int(1 + random.next() % 12)).map { _ in 2 + Int(random.next() % 40) }
      let samples = sizes.reduce(0, +)
      var ties: [TieGroup] = []
      var upTo = samples
      for size in sizes {
        ties.append(TieGroup(below: upTo - size, upTo: upTo))
        upTo -= size
      }
      for n in [2, 5, 64, 1000] {
        let kl = BestOfNLaw(n: n, sampleCount: samples, ties: ties).kl
        let limit = BestOfNLaw.divergence(
          n: n, logMass: Elementary.log(Double(sizes[0]) / Double(samples)))
        // Rounding of a dozen terms of order 1.
        #expect(kl <= limit + 1e-13 && limit <= BestOfNLaw.bound(n: n) + 1e-13)
      }
    }
  }

  @Test("the largest win rate at a KL: 60 digits, and best of n's share of its gain")
  func winRateLimit() throws {
    for form in try SelectionFixture.load().winRateLimit {
      // 1e-13 of the gain, and what ½ + gain rounds off.
      let want = try #require(Double(form.gain))
      let got = WinRateLimit.winRate(kl: form.kl) - 0.5
      #expect((got - want).magnitude <= 1e-13 * want + 0x1p-53, "KL \(form.kl): \(got)")
    }
    #expect(WinRateLimit.winRate(kl: 0) == 0.5)
    let shares = [
      (2, 0.94747), (3, 0.97516), (4, 0.98686), (8, 0.99798), (16, 0.99975), (32, 0.99997),
    ]
    for (n, share) in shares {
      let gain = Double(n) / Double(n + 1) - 0.5
      let limit = WinRateLimit.winRate(kl: BestOfNLaw.bound(n: n)) - 0.5
      // Five digits were printed.
      #expect((gain / limit - share).magnitude <= 5.1e-6, "n = \(n): \(gain / limit)")
    }
  }

  @Test("closed forms without ties, as printed; bounds are these KLs")
  func closedForms() {
    let printed = [
      (2, 0.107153583907, 0.11370563888, 0.632120558829),
      (6, 0.833449425762, 1.34988863693, 0.83973048212),
      (21, 2.04702950458, 7.80325144039, 0.952499999995),
    ]
    for (n, kl, reverse, win) in printed {
      let law = BestOfNLaw(.bestOfPoisson(n), sampleCount: 1000, ties: [])
      // Twelve digits were printed, half a unit of the last.
      #expect((law.kl - kl).magnitude <= 1e-11 * kl)
      #expect((law.reverseKL - reverse).magnitude <= 1e-11 * reverse)
      #expect((law.winRate - win).magnitude <= 1e-11 * win)
      #expect(law.kl == BestOfNLaw.bound(.bestOfPoisson(n)))
    }
    for n in [2, 4, 1000] {
      let law = BestOfNLaw(.rewindAndRepeat(n), sampleCount: 1000, ties: [])
      #expect(law.kl == Elementary.log(Double(n)) && law.winRate == 1 - 1 / (2 * Double(n)))
      #expect(law.reverseKL == .infinity)
    }
  }

  @Test("atoms and stretches of a law add up to the law whole")
  func additivity() {
    // An atom of mass p hides how the density f varies inside it: p³ f′²/(24 f) of the KL and p³ f′/12 of the
    // win rate, to first order. With f′ ≤ 2 μ f, μ = 5 and p = 2e-5 that is below 2e-9 over all atoms; rewind
    // and repeat loses at most the atom across its edge, p² n.
    for law in [SelectionLaw.bestOfPoisson(6), .rewindAndRepeat(5)] {
      let samples = 100_000
      let ties = stride(from: samples, to: samples / 2, by: -4).map {
        TieGroup(below: $0 - 2, upTo: $0)
      }
      let got = BestOfNLaw(law, sampleCount: samples, ties: ties)
      let want = BestOfNLaw(law, sampleCount: samples, ties: [])
      #expect((got.kl - want.kl).magnitude < 1e-8 && got.kl <= want.kl + 1e-12)
      #expect((got.winRate - want.winRate).magnitude < 1e-8)
    }
  }

  @Test("samples that best of Poisson needs: the tail beyond them is below 1e-12")
  func fewestSamples() {
    for n in [2, 5, 100, 10_000] {
      let mean = Double(n - 1)
      let fewest = SelectionLaw.bestOfPoisson(n).fewestSamples
      // P(K ≥ k) for K ~ Poisson, summed upwards from logarithms.
      func tail(_ k: Int) -> Double {
        var logMass = -mean
        for i in 1...k { logMass += Elementary.log(mean / Double(i)) }
        var (sum, mass, i) = (0.0, Elementary.exp(logMass), k)
        while mass > 1e-30 {
          sum += mass
          i += 1
          mass *= mean / Double(i)
        }
        return sum
      }
      // 1 + K draws exceed M when K ≥ M.
      #expect(tail(fewest) <= 1e-12 * (1 + 1e-9) && tail(fewest - 1) > 1e-12 * (1 - 1e-9))
    }
  }

  @Test(
    "weights sum to 1", arguments: [(100, 2), (1000, 30), (4096, 64), (100_000, 1000)])
  func weights(samples: Int, n: Int) {
    for law in [SelectionLaw.bestOfPoisson(n), .rewindAndRepeat(n)] {
      let weights = OrderStatisticWeights(sampleCount: samples, selection: law)
      // 1e-13 a weight, and 2^-90 cut off.
      #expect((weights.unbiased.reduce(0, +) - 1).magnitude < 1e-12)
      #expect((weights.replacement.reduce(0, +) - 1).magnitude < 1e-12)
    }
  }
}

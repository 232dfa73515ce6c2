// SPDX-License-Identifier: Apache-2.0
// The kernel over a row's tail against its definition in 64-bit mantissas, a logarithm a term.

import EsscherCPU
import EsscherCore
import EsscherTestSupport
import Glibc
import Testing

@Suite("Tails of tilted rows")
struct TiltTailsTests {
  private typealias Number = Float80

  /// e^{λ(r − max r)}; the kernel's exponents end at −700.
  private static func weights(_ rewards: [Double], _ lambda: Double) -> [Number] {
    rewards.map { exp(max(-700, Number(lambda) * (Number($0) - Number(rewards[0])))) }
  }

  /// Zhang and Stephens with the prior of PSIS, from their paper.
  private static func shape(_ rewards: [Double], _ lambda: Double, fitted: Int) -> Number? {
    let weights = Self.weights(Array(rewards.prefix(fitted)), lambda)
    guard let cutoff = weights.last else { return nil }
    let x = weights.filter { $0 > cutoff }.map { $0 - cutoff }.sorted()
    guard x.count >= 5, let largest = x.last, largest > x[0] else { return nil }
    let n = Number(x.count)
    let guesses = 30 + Int(Double(x.count).squareRoot())
    let quartile = x[Int(Double(x.count) / 4 + 0.5) - 1]
    let thetas = (0..<guesses).map { j in
      1 / largest + (1 - (Number(guesses) / (Number(j) + 0.5)).squareRoot()) / (3 * quartile)
    }
    func mean(_ theta: Number) -> Number { x.reduce(0) { $0 + log(1 - theta * $1) } / n }
    let values = thetas.map { theta in
      let k = mean(theta)
      return n * (log(-theta / k) - k - 1)
    }
    let best = values.max() ?? 0
    let masses = values.map { exp($0 - best) }
    let theta = zip(masses, thetas).reduce(0) { $0 + $1.0 * $1.1 } / masses.reduce(0, +)
    return (n * mean(theta) + 5) / (n + 10)
  }

  @Test(
    "shapes and sums of single samples are those of their definitions",
    arguments: CPULevel.allCases.filter { $0.rawValue <= CPULevel.current.rawValue })
  func definitions(level: CPULevel) throws {
    var random = SeededGenerator(seed: 91)
    let tails = TiltTails(level: level)
    let shapes: [RowShape] = [.normal, .exponential, .heavy, .integers, .pairs, .outlier]
    // From weights that hardly differ to quartiles of e^-300, beyond what quartics hold.
    let lambdas = [0, 0.02, 0.1, 0.5, 1, 2, 5, 20, 40]
    var (fits, wide) = (0, 0)
    for shape in shapes {
      for samples in [1, 4, 27, 64, 65, 256, 400, 401, 2000, 10_000, 10_001] {
        let row = shape.row(samples, &random).sorted(by: >)
        let top = Array(row.prefix(RowTail.count(sampleCount: samples)))
        // Some without gold.
        let gold = [64, 400, 10_001].contains(samples) ? [] : top.map { _ in random.normal() }
        let largest = lambdas.map { _ in samples == 1 ? 1 : 0.9 * random.uniform() }
        tails.evaluate(
          RowTail(rewards: top, gold: gold), sampleCount: samples, lambdas: lambdas
        ) { largest[$0] }
        for (index, lambda) in lambdas.enumerated() {
          let place = "\(shape) \(samples) \(lambda)"
          let sums = tails.sums(at: index)
          let fitted = min(top.count, ParetoTail.count(sampleCount: samples) + 1)
          let want = lambda > 0 ? Self.shape(top, lambda, fitted: fitted) : nil
          #expect((sums.shape == nil) == (want == nil), "\(place)")
          if let want, let got = sums.shape {
            fits += 1
            if want > 20 { wide += 1 }
            // Excesses are differences of weights within an ulp of e^x: where all weights are near 1 they keep
            // 2^-53/(lambda·range) of themselves, here 1e-13, and the fit multiplies that by its number of terms.
            #expect(
              (Number(got) - want).magnitude <= 1e-9 * max(1, want.magnitude), "\(place) \(got)")
          }
          var (rest, reward, golds, logs, count) =
            (0, 0, 0, 0, 0) as (Number, Number, Number, Number, Number)
          var (rewardSize, goldSize) = (0, 0) as (Number, Number)
          for (sample, weight) in Self.weights(top, lambda).enumerated() {
            let w = weight * Number(largest[index])
            guard w < 1 else { continue }
            let a = w * w * w / (1 - w)
            rest += a
            reward += a * (Number(top[sample]) - Number(top[0]))
            rewardSize += a * (Number(top[0]) - Number(top[sample]))
            if !gold.isEmpty {
              golds += a * Number(gold[sample])
              goldSize += a * Number(gold[sample]).magnitude
            }
            logs += log1p(-w) + w + w * w / 2
            count += 1
          }
          // Cubes of weights below 1e-103 are no normal doubles. Series leave out 4e-11 and 1e-12 of a term,
          // logarithms 1e-16 beside terms of w²/2 > 5e-5.
          #expect((Number(sums.rest) - rest).magnitude <= 1e-11 * rest + 1e-300, "\(place)")
          #expect(
            (Number(sums.restReward) - reward).magnitude <= 1e-11 * rewardSize + 1e-300, "\(place)")
          #expect(
            (Number(sums.restGold) - golds).magnitude <= 1e-11 * goldSize + 1e-300, "\(place)")
          #expect(
            (Number(sums.restLogarithm) - logs).magnitude <= 1e-10 * logs.magnitude + 1e-16,
            "\(place)")
          #expect(Number(sums.samples) == count, "\(place)")
        }
      }
    }
    // The grid reaches what it is meant to.
    #expect(fits > 200 && wide > 5)
  }

  /// The rewards of a tail whose excesses at λ = 1 are x, in units of the largest, which is 1.
  private static func rewards(excesses x: [Double]) -> [Double] {
    (x.sorted(by: >) + [0]).map { Glibc.log($0 + 1e-12) }
  }

  /// Excesses of one size but for the largest ones; or with the lowest quarter smaller.
  private static func steps(_ count: Int, _ size: Double, tops: Int, bottom: Double = 1) -> [Double]
  {
    (0..<count).map { index in
      // The second is a little below the first, since equal ones alone say nothing.
      index < tops
        ? 1 - 0.01 * Double(index) / Double(tops)
        : index < 7 * count / 10 ? size : bottom * size
    }
  }

  @Test(
    "shapes of steps, whose likelihoods are the least smooth, for every number of nodes",
    arguments: CPULevel.allCases.filter { $0.rawValue <= CPULevel.current.rawValue })
  func steps(level: CPULevel) throws {
    let tails = TiltTails(level: level)
    // Guesses: 32, 47 and 48; 49 and 160; 171.
    for count in [7, 300, 360, 361, 17_000, 20_000] {
      // Float80 logarithms of every factor.
      let sizes = count > 1000 ? [0.1] : [0.999, 0.9, 0.5, 0.1, 1e-3, 1e-6]
      for size in sizes {
        for (tops, bottom) in [(1, 1), (count / 10, 1), (1, 0.2), (count / 10, 0.2)] where tops > 0
        {
          let top = Self.rewards(
            excesses: Self.steps(count, size, tops: tops, bottom: bottom))
          let got = try #require(ParetoTail.shape(lambda: 1, top: top, tails: tails))
          let want = try #require(Self.shape(top, 1, fitted: count + 1))
          #expect(
            (Number(got) - want).magnitude <= 1e-9 * max(1, want.magnitude),
            "\(count) excesses, most \(size), \(tops) at the top: \(got) for \(want)")
        }
      }
    }
  }

  @Test("shapes of the tails that magnify an interpolation's error the most, found by search")
  func magnified() throws {
    let tails = TiltTails()
    // Excesses and how many there are of each: with half of a tail at its top the posterior is as wide as its guesses.
    let cases: [[(Double, Int)]] = [
      [(1, 144), (0.519509, 36), (8.94331e-3, 67), (5.75646e-11, 53)],
      [(1, 1), (0.25649, 220), (0.06168, 1), (1.67755e-3, 138)],
      [(1, 810), (3.22291e-4, 2668), (2.42629e-5, 330), (4.63641e-6, 1162)],
      [(1, 1008), (0.597786, 7244), (0.0333568, 7059), (2.73829e-4, 343), (2.58460e-12, 1246)],
    ]
    for steps in cases {
      let top = Self.rewards(
        excesses: steps.flatMap { Array(repeating: $0.0, count: $0.1) })
      let got = try #require(ParetoTail.shape(lambda: 1, top: top, tails: tails))
      let want = try #require(Self.shape(top, 1, fitted: top.count))
      // The weight of a guess is known to n times the likelihood's error, 361·2e-11, and k of guesses differs by less
      // than 1.
      #expect((Number(got) - want).magnitude <= 1e-8, "\(steps): \(got) for \(want)")
    }
  }

  @Test(
    "shapes where a likelihood is taken next to theta = 0",
    arguments: CPULevel.allCases.filter { $0.rawValue <= CPULevel.current.rawValue })
  func nearZero(level: CPULevel) throws {
    var random = SeededGenerator(seed: 92)
    let tails = TiltTails(level: level)
    let count = 300
    let guesses = 47.0
    let ends = [0.5, guesses - 0.5].map { Glibc.log((guesses / $0).squareRoot() - 1) }
    for node in [2, 7, 8, 12, 15, 16, 19] {
      // Where node 12 of 24, say, is: LikelihoodNodes.
      let y = Glibc.cos((Double(node) + 0.5) * Double.pi / 24)
      let v =
        (ends[0] + ends[1]) / 2 + (ends[0] - ends[1]) / 2 * Glibc.asin(0.68 * y) / Glibc.asin(0.68)
      for offset in [0, 1e-14, -1e-11, 1e-8, -1e-6, 1e-4, 0.0019, -0.0021] {
        // A third of the inverse of the lower quartile times e^v is 1 and the offset.
        let quartile = Glibc.exp(v) / (3 * (1 + offset))
        guard quartile < 0.9 else { continue }
        // 74 below it, 225 above.
        let x =
          (0..<74).map { _ in quartile * (0.05 + 0.9 * random.uniform()) } + [quartile]
          + (0..<224).map { _ in quartile + (1 - quartile) * random.uniform() } + [1]
        let top = Self.rewards(excesses: x)
        let got = try #require(ParetoTail.shape(lambda: 1, top: top, tails: tails))
        let want = try #require(Self.shape(top, 1, fitted: count + 1))
        #expect(
          (Number(got) - want).magnitude <= 1e-9 * max(1, want.magnitude),
          "node \(node) at \(offset): \(got) for \(want)")
      }
    }
  }

  @Test("entries may stand for several samples")
  func copies() {
    let tails = TiltTails()
    var counts = RowTail(rewards: [1, 0], gold: [])
    counts.copies = [3, 5]
    let expanded = RowTail(rewards: [1, 1, 1, 0, 0, 0, 0, 0], gold: [])
    tails.evaluate(counts, sampleCount: 8, lambdas: [0.7]) { _ in 0.2 }
    let one = tails.sums(at: 0)
    tails.evaluate(expanded, sampleCount: 8, lambdas: [0.7]) { _ in 0.2 }
    let other = tails.sums(at: 0)
    #expect(one.samples == 8 && other.samples == 8 && one.shape == nil)
    #expect((one.rest - other.rest).magnitude <= 1e-15 * one.rest)
    #expect((one.restLogarithm / other.restLogarithm - 1).magnitude <= 1e-14)
  }
}

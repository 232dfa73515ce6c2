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

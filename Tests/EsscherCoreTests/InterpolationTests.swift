// SPDX-License-Identifier: Apache-2.0
// Hermite interpolation, the frontier's inverse by it, and bins without logarithms.

import EsscherCore
import Testing

@Suite("Interpolation")
struct InterpolationTests {
  @Test("a polynomial of degree 2n − 1 is met exactly by n places, one of degree 2n is not")
  func degrees() throws {
    let places = [-0.7, 0.1, 0.9, 1.6]
    for count in 1...places.count {
      for degree in [2 * count - 1, 2 * count] {
        let nodes = places[..<count].map { x in
          var (value, slope) = (0.0, 0.0)
          for power in stride(from: degree, through: 0, by: -1) {
            slope = slope * x + value
            value = value * x + Double(power + 1)
          }
          return HermiteInterpolation.Node(x: x, value: value, slope: slope)
        }
        let x = 0.4
        let want = (0...degree).reversed().reduce(0.0) { $0 * x + Double($1 + 1) }
        let got = try #require(HermiteInterpolation.value(at: x, nodes[...]))
        // The error is the leading coefficient times Π (x − place)².
        let error =
          degree == 2 * count
          ? Double(degree + 1) * places[..<count].reduce(1) { $0 * (x - $1) * (x - $1) } : 0
        #expect((got + error - want).magnitude < 1e-11, "\(count) \(degree)")
      }
    }
    #expect(HermiteInterpolation.value(at: 1, []) == nil)
  }

  @Test("with curvatures n places meet a polynomial of degree 3n − 1, and not one of degree 3n")
  func curvatures() throws {
    let places = [-0.7, 0.1, 0.9]
    for count in 1...places.count {
      for degree in [3 * count - 1, 3 * count] {
        let nodes = places[..<count].map { x in
          var (value, slope, half) = (0.0, 0.0, 0.0)
          for power in stride(from: degree, through: 0, by: -1) {
            half = half * x + slope
            slope = slope * x + value
            value = value * x + Double(power + 1)
          }
          return HermiteInterpolation.Node(x: x, value: value, slope: slope, curvature: 2 * half)
        }
        let x = 0.4
        let want = (0...degree).reversed().reduce(0.0) { $0 * x + Double($1 + 1) }
        let got = try #require(HermiteInterpolation.value(at: x, nodes[...]))
        let error =
          degree == 3 * count
          ? Double(degree + 1)
            * places[..<count].reduce(1) { $0 * (x - $1) * (x - $1) * (x - $1) } : 0
        #expect((got + error - want).magnitude < 1e-11, "\(count) \(degree)")
      }
    }
    // A place without a curvature among others.
    let mixed = [-1.0, 0.5, 2].map { x in
      HermiteInterpolation.Node(
        x: x, value: x * x * x, slope: 3 * x * x, curvature: x == 0.5 ? nil : 6 * x)
    }
    #expect(((HermiteInterpolation.value(at: 1.5, mixed[...]) ?? 0) - 3.375).magnitude < 1e-13)
  }

  /// Two rewards, 1 with probability p: everything is a closed form.
  private func evaluation(_ lambda: Double, p: Double) -> KLBudgetSolver.Evaluation {
    let odds = p / (1 - p) * Elementary.exp(lambda)
    let w = odds / (1 + odds)
    return KLBudgetSolver.Evaluation(
      lambda: lambda,
      kl: w * Elementary.log(w / p) + (1 - w) * Elementary.log((1 - w) / (1 - p)),
      variance: w * (1 - w), gain: w - p)
  }

  @Test("the lambda of a KL, and an error that bounds what is left")
  func inverse() throws {
    let p = 0.01
    let ceiling = -Elementary.log(p)
    var inverse = FrontierInverse(ceiling: ceiling)
    for index in (0..<40).reversed() {
      inverse.add(evaluation(0.1 * Elementary.exp(Double(index) / 8), p: p))
    }
    for budget in [1e-4, 0.01, 0.3, 1, 2, 4, 4.5] {
      let found = try #require(inverse.lambda(atKL: budget))
      let error = (evaluation(found.lambda, p: p).kl / budget - 1).magnitude
      let claimed = try #require(found.error)
      // Closed forms round, the KL of small tilts by 2^-53·lambda·p/KL.
      #expect(error <= claimed + 1e-11, "\(budget): \(error), \(claimed)")
      #expect(claimed < 1e-4, "\(budget): \(claimed)")
    }
    let below = try #require(inverse.lambda(atKL: 1e-5))
    #expect(below.error == nil && (evaluation(below.lambda, p: p).kl / 1e-5 - 1).magnitude < 1e-3)
    #expect(inverse.lambda(atKL: ceiling) == nil && inverse.lambda(atKL: 0) == nil)
  }

  @Test("a gain read off the frontier, and a change that bounds what is left")
  func frontier() throws {
    let p = 0.01
    for step in [0.05, 0.1, 0.2] {
      let nodes = (0..<Int(4 / step)).map { index in
        let e = evaluation(0.2 * Elementary.exp(Double(index) * step), p: p)
        return FrontierInterpolation.Node(
          lambda: e.lambda, kl: e.kl, gain: e.gain, variance: e.variance)
      }
      let frontier = FrontierInterpolation(nodes, largestGain: 1 - p)
      var known = 0
      for (left, right) in zip(nodes, nodes.dropFirst()) where right.kl < 4 {
        // All the way, so that places are among them at which two polynomials cross.
        for part in 1..<20 {
          let share = Double(part) / 20
          let want = evaluation(
            left.lambda * Elementary.exp(share * Elementary.log(right.lambda / left.lambda)), p: p)
          guard let got = frontier.estimate(atKL: want.kl) else {
            // A small tilt's KL goes as the square: steps of 0.2 are 0.4 there, and up to 1 where it turns.
            #expect(step == 0.2)
            continue
          }
          known += 1
          let error = (got.gain / want.gain - 1).magnitude
          #expect(error <= got.error + 1e-12, "\(step) \(want.kl): \(error), \(got.error)")
          #expect(got.error < (step < 0.1 ? 1e-8 : 1e-4), "\(step) \(want.kl): \(got.error)")
        }
      }
      #expect(known > 50)
      #expect(frontier.estimate(atKL: nodes[0].kl / 2) == nil)
      #expect(
        frontier.estimate(atKL: -Elementary.log(p)) == nil && frontier.estimate(atKL: 0) == nil)
      let few = FrontierInterpolation(Array(nodes[..<5]), largestGain: 1 - p)
      #expect(few.estimate(atKL: nodes[2].kl * 1.1) == nil)
      var blind = nodes
      for index in blind.indices { blind[index].variance = nil }
      let cubic = FrontierInterpolation(blind, largestGain: 1 - p)
      #expect(cubic.estimate(atKL: nodes[5].kl * 1.1) == nil)
    }
  }

  @Test("estimates end a search only where they are near enough")
  func estimates() throws {
    let p = 0.01
    let known = (0..<12).map { evaluation(1.5 * Elementary.exp(Double($0) / 10), p: p) }
    for (tolerance, isSolved) in [(1e-4, true), (1e-15, false)] {
      let solver = KLBudgetSolver(
        budgets: [1], standardDeviation: 0.1, tolerance: tolerance, known: known,
        ceiling: -Elementary.log(p), acceptsEstimates: true)
      #expect(solver.pending.isEmpty == isSolved)
      let lambda = try #require(isSolved ? solver.lambdas[0] : solver.pending.first)
      #expect((evaluation(lambda, p: p).kl - 1).magnitude < 1e-6)
    }
  }

  @Test("a number falls into the bin that its logarithm names")
  func bins() {
    for bin in 0..<64 * 128 {
      let edge = Elementary.exp2(Double(bin) / 128)
      #expect(LogHistogram.bin(of: edge * (1 + 1e-14)) == bin)
      #expect(LogHistogram.bin(of: edge * (1 - 1e-14)) == max(0, bin - 1))
    }
    for (x, bin) in [(1.0, 0), (2, 128), (0, 0), (-3, 0), (.nan, 0), (.infinity, 64 * 128 - 1)] {
      #expect(LogHistogram.bin(of: x) == bin, "\(x)")
    }
  }
}

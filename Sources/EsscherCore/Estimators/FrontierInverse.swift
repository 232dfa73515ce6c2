// SPDX-License-Identifier: Apache-2.0

/// The common lambda as a function of mean KL, between lambdas at which both are known.
///
/// In x = log(D/(C − D)), C the mean ceiling, along which log lambda runs smoothly from lambda → 0, where D goes as
/// lambda², to the ceiling, where C − D decays: the polynomial through values and slopes of the nearest points,
/// d log lambda/dx = D(1 − D/C)/(lambda²v), from D' = lambda·v.
///
/// - Units: KL in nats, lambda in those of 1/reward.
/// - Edge cases: beyond the points the polynomial of the last ones goes on, and no error is known.
/// - Precision: `error` is the difference that the two farthest points make, ten times and more what still others
///   would: with six points 0.1 apart in log lambda it is below 1e-7 of the KL on 10,000 normal rewards, and what
///   is left below 7e-9.
/// - Complexity: O(points) to add one, O(1) to evaluate.
/// - Source: theory §1.2 (D' = lambda·v).
package struct FrontierInverse: Sendable {
  private var evaluations: [KLBudgetSolver.Evaluation] = []
  private let ceiling: Double

  /// Points that are taken at most.
  private static let window = 6

  /// - Parameter ceiling: mean of log(M/k_max), nats.
  package init(ceiling: Double) { self.ceiling = ceiling }

  /// Adds a point; one that is out of order with the others is left out, for rounding decides there.
  package mutating func add(_ evaluation: KLBudgetSolver.Evaluation) {
    guard evaluation.lambda > 0, evaluation.kl > 0, evaluation.kl < ceiling * (1 - 1e-9),
      evaluation.variance > 0
    else { return }
    let place = evaluations.firstIndex { $0.lambda >= evaluation.lambda } ?? evaluations.count
    let isAbove = place == 0 || evaluations[place - 1].kl < evaluation.kl
    let isBelow = place == evaluations.count || evaluations[place].kl > evaluation.kl
    if isAbove && isBelow { evaluations.insert(evaluation, at: place) }
  }

  /// The lambda that spends a KL.
  ///
  /// - Returns: the lambda, and an estimate of the relative error of the KL that it spends, nil outside the points;
  ///   nil with fewer than two points.
  package func lambda(atKL budget: Double) -> (lambda: Double, error: Double?)? {
    guard evaluations.count > 1, budget > 0, budget < ceiling else { return nil }
    let above = evaluations.firstIndex { $0.kl > budget } ?? evaluations.count
    let size = min(Self.window, evaluations.count) & ~1
    let start = max(0, min(above - size / 2, evaluations.count - size))
    let nodes = evaluations[start..<start + size].map(node)
    let x = place(budget)
    guard let value = HermiteInterpolation.value(at: x, nodes[...]), value.isFinite else {
      return nil
    }
    let lambda = Elementary.exp(value)
    guard size > 2, above > 0, above < evaluations.count else { return (lambda, nil) }
    // Without the two that are farthest away.
    let left = above - start
    let first = left > size / 2 ? 2 : left == size / 2 ? 1 : 0
    guard let coarse = HermiteInterpolation.value(at: x, nodes[first..<first + size - 2]) else {
      return (lambda, nil)
    }
    let nearest = evaluations[above - 1]
    let slope = nearest.lambda * nearest.lambda * nearest.variance / nearest.kl
    return (lambda, (value - coarse).magnitude * slope)
  }

  private func place(_ kl: Double) -> Double { Elementary.log(kl / (ceiling - kl)) }

  private func node(_ evaluation: KLBudgetSolver.Evaluation) -> HermiteInterpolation.Node {
    let kl = evaluation.kl
    return HermiteInterpolation.Node(
      x: place(kl), value: Elementary.log(evaluation.lambda),
      slope: kl * (1 - kl / ceiling)
        / (evaluation.lambda * evaluation.lambda * evaluation.variance))
  }
}

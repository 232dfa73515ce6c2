// SPDX-License-Identifier: Apache-2.0

/// Finds the common lambda at which the mean KL over prompts (or the mean gain) equals a budget, for several
/// budgets at once: each round asks for one lambda a budget, so a round is one pass over the matrix.
///
/// Safeguarded Newton in log lambda on log mean KL, whose slope is lambda²·v/KL (D' = lambda·v), or on log
/// mean gain, whose slope is lambda·v/gain (G' = v). Each
/// evaluation, whichever budget asked for it, tightens every budget's bracket. A step that leaves its
/// bracket, or two steps that do not halve the residual, become a bisection.
///
/// - Precision: stops at |KL − budget| ≤ tolerance·budget, or when the bracket has no room left.
/// - Complexity: typically 3 to 6 rounds; at most `maximumRounds`.
/// - Source: theory §1.2 (D' = lambda·v), §1.8 (common lambda).
public struct KLBudgetSolver: Sendable {
  /// Means over prompts at one lambda.
  public struct Evaluation: Sendable, Equatable {
    /// Inverse temperature.
    public var lambda: Double
    /// Mean KL, nats.
    public var kl: Double
    /// Mean variance of the tilted reward.
    public var variance: Double
    /// Mean gain.
    public var gain: Double

    /// Means over prompts at one lambda.
    public init(lambda: Double, kl: Double, variance: Double, gain: Double) {
      self.lambda = lambda
      self.kl = kl
      self.variance = variance
      self.gain = gain
    }

    /// An upper bound of the frontier's gain at a KL, touching it at this lambda's KL:
    /// `g(δ) = min_β { G + β(δ − D) }` (theory §1.2, DUAL).
    public func gainBound(atKL budget: Double) -> Double {
      gain + (budget - kl) / lambda
    }
  }

  /// What is to equal the budget.
  public enum Quantity: Sendable {
    /// Mean KL, nats.
    case kl
    /// Mean gain.
    case gain

    func value(_ evaluation: Evaluation) -> Double {
      self == .kl ? evaluation.kl : evaluation.gain
    }

    /// d log value / d log lambda.
    func slope(_ evaluation: Evaluation) -> Double {
      let lambda = evaluation.lambda
      return self == .kl
        ? lambda * lambda * evaluation.variance / evaluation.kl
        : lambda * evaluation.variance / evaluation.gain
    }
  }

  private struct Search {
    let budget: Double
    var low: Evaluation?
    var high: Evaluation?
    var best: Evaluation?
    var next: Double
    var residuals: [Double] = []
    var finished = false
    /// A lambda that is near enough without having been evaluated.
    var estimate: Double?
  }

  /// Rounds after which the nearest evaluation is taken as it is.
  public static let maximumRounds = 200

  private let tolerance: Double
  private let quantity: Quantity
  private let acceptsEstimates: Bool
  private var searches: [Search]
  private var rounds = 0
  private var inverse: FrontierInverse?

  /// - Parameters:
  ///   - budgets: nats, each above 0 and below the mean ceiling.
  ///   - standardDeviation: root mean variance of the rewards over prompts; sets the first guess
  ///     √(2·budget)/σ.
  ///   - tolerance: relative error of the quantity at which a search ends.
  ///   - quantity: what is to equal the budgets; gains are below the largest possible one.
  ///   - known: evaluations already at hand.
  ///   - ceiling: mean ceiling, nats; with it KL budgets are looked for by the polynomial through all that is known
  ///     nearby, which most often hits at once.
  ///   - acceptsEstimates: a search also ends where that polynomial is known to be near enough; see
  ///     ``lambdas``.
  public init(
    budgets: [Double], standardDeviation: Double, tolerance: Double, quantity: Quantity = .kl,
    known: [Evaluation] = [], ceiling: Double? = nil, acceptsEstimates: Bool = false
  ) {
    self.tolerance = tolerance
    self.quantity = quantity
    self.acceptsEstimates = acceptsEstimates
    inverse = quantity == .kl ? ceiling.map(FrontierInverse.init) : nil
    searches = budgets.map { budget in
      // Of Gaussian rewards: KL = (lambda σ)²/2, gain = lambda σ².
      let guess =
        quantity == .kl
        ? (2 * budget).squareRoot() / standardDeviation
        : budget / (standardDeviation * standardDeviation)
      return Search(budget: budget, next: guess.isFinite && guess > 0 ? guess : 1)
    }
    for evaluation in known where evaluation.lambda > 0 && quantity.value(evaluation) > 0 {
      note(evaluation)
    }
    for index in searches.indices where searches[index].best != nil { step(index) }
  }

  /// Lambdas to evaluate next, ascending and distinct; empty when every budget is solved.
  public var pending: [Double] {
    var lambdas: [Double] = []
    for search in searches where !search.finished { lambdas.append(search.next) }
    lambdas.sort()
    var distinct: [Double] = []
    for lambda in lambdas where lambda != distinct.last { distinct.append(lambda) }
    return distinct
  }

  /// Takes the answers to ``pending``, in any order.
  public mutating func record(_ evaluations: [Evaluation]) {
    rounds += 1
    for evaluation in evaluations { note(evaluation) }
    for index in searches.indices where !searches[index].finished {
      step(index)
      if rounds >= Self.maximumRounds { searches[index].finished = true }
    }
  }

  /// The evaluation nearest to each budget.
  public var solutions: [Evaluation?] { searches.map(\.best) }

  /// The lambda of each budget: that of the nearest evaluation, or the estimate that ended the search.
  public var lambdas: [Double?] { searches.map { $0.estimate ?? $0.best?.lambda } }

  private mutating func note(_ evaluation: Evaluation) {
    inverse?.add(evaluation)
    for index in searches.indices {
      let budget = searches[index].budget
      let value = quantity.value(evaluation)
      if value <= budget {
        if searches[index].low.map({ evaluation.lambda > $0.lambda }) ?? true {
          searches[index].low = evaluation
        }
      } else if searches[index].high.map({ evaluation.lambda < $0.lambda }) ?? true {
        searches[index].high = evaluation
      }
      let distance = abs(value - budget)
      if searches[index].best.map({ distance < abs(quantity.value($0) - budget) }) ?? true {
        searches[index].best = evaluation
      }
    }
  }

  private mutating func step(_ index: Int) {
    guard let best = searches[index].best else { return }
    let budget = searches[index].budget
    let value = quantity.value(best)
    let residual = abs(value - budget)
    if residual <= tolerance * budget {
      searches[index].finished = true
      return
    }
    searches[index].residuals.append(residual)
    let residuals = searches[index].residuals
    let stalled = residuals.count > 2 && residual > residuals[residuals.count - 3] / 2
    let logStep = Elementary.log(budget / value) / quantity.slope(best)
    // A step below lambda's last digits: what is left of the residual is rounding.
    if logStep.magnitude < 1e-15 {
      searches[index].finished = true
      return
    }
    var next = best.lambda * Elementary.exp(logStep)
    // Next to the solution a Newton step has all digits, and differences of neighbours have none.
    if residual > 1e-5 * budget, !stalled, let guess = inverse?.lambda(atKL: budget) {
      next = guess.lambda
      if acceptsEstimates, let error = guess.error, error <= tolerance {
        searches[index].estimate = next
        searches[index].finished = true
        return
      }
    }
    let low = searches[index].low?.lambda
    let high = searches[index].high?.lambda
    // Far outside what is known a Newton step may be wild; move by a factor of 64 at most.
    next = min(max(next, best.lambda / 64), best.lambda * 64)
    if !next.isFinite || next <= 0 { next = best.lambda }
    if let low, let high {
      if stalled || next <= low || next >= high { next = (low * high).squareRoot() }
      // No double lies strictly between: the bracket cannot shrink further.
      if next <= low || next >= high { searches[index].finished = true }
    } else if let low, next <= low {
      next = low * 4
    } else if let high, next >= high {
      next = high / 4
    } else if stalled {
      next = value <= budget ? best.lambda * 8 : best.lambda / 8
    }
    searches[index].next = next
  }
}

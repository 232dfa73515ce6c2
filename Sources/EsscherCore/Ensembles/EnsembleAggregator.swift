// SPDX-License-Identifier: Apache-2.0

/// How the scores s_1 … s_R that several reward models give one sample become one reward.
///
/// - Units: those of the scores.
/// - Edge cases: one score is returned as it is by every aggregator; a NaN among the scores gives NaN.
/// - Precision: a few ulps of the largest score's magnitude.
/// - Source: Coste et al., 2310.02743, equations 3 to 5 (mean, worst, uncertainty-weighted);
///   Hahami et al., 2606.09073 (entropic); theory §2.3.
public enum EnsembleAggregator: Sendable, Equatable, CustomStringConvertible {
  /// The arithmetic mean.
  case mean
  /// The middle score, and the mean of the two middle ones where R is even.
  case median
  /// The smallest score: worst-case optimisation.
  case minimum
  /// mean − c·(1/R)·Σ (s_k − mean)²: the mean less a multiple of the population variance. c is finite and
  /// not negative, in units of 1/score.
  case uncertaintyWeighted(Double)
  /// −b·log((1/R)·Σ e^(−s_k/b)): near the mean for large b, near the minimum for small b, and to second
  /// order `uncertaintyWeighted(1/(2b))`. b is finite and positive, in the units of the scores.
  case entropic(Double)

  /// The aggregator as `--ensemble` spells it.
  public var description: String {
    switch self {
    case .mean: "mean"
    case .median: "median"
    case .minimum: "min"
    case .uncertaintyWeighted(let penalty): "uwo:\(Self.short(penalty))"
    case .entropic(let temperature): "entropic:\(Self.short(temperature))"
    }
  }

  /// The forms that ``init(spelling:)`` takes, for messages.
  public static let choices = "mean, median, min, uwo:C or entropic:B"

  /// Reads the spelling of `--ensemble`: `mean`, `median`, `min`, `uwo:C` with C ≥ 0, `entropic:B` with
  /// B > 0; nil for anything else.
  ///
  /// - Parameter spelling: what the user wrote.
  public init?(spelling: String) {
    switch spelling {
    case "mean": self = .mean
    case "median": self = .median
    case "min": self = .minimum
    default:
      let parts = spelling.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2, let number = Double(parts[1]), number.isFinite else { return nil }
      switch parts[0] {
      case "uwo" where number >= 0: self = .uncertaintyWeighted(number)
      case "entropic" where number > 0: self = .entropic(number)
      default: return nil
      }
    }
  }

  /// `2` rather than `2.0`.
  private static func short(_ number: Double) -> String {
    let text = number.description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// One reward from one sample's scores.
  ///
  /// - Parameter scores: R ≥ 1 of them, in the order of the models; no aggregator depends on the order
  ///   beyond rounding.
  /// - Complexity: O(R), and O(R²) comparisons at worst for the median.
  public func value(of scores: [Double]) -> Double {
    var scores = scores
    let count = scores.count
    precondition(count > 0, "an ensemble has a member")
    return unsafe scores.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return .nan }
      return unsafe value(scrambling: base, count: count)
    }
  }

  /// As ``value(of:)``, on `count` scores at `scores`, whose order it may change.
  @inline(__always)
  package func value(scrambling scores: UnsafeMutablePointer<Double>, count: Int) -> Double {
    switch self {
    case .mean: return unsafe Self.mean(scores, count)
    case .median: return unsafe Self.median(scores, count)
    case .minimum: return unsafe Self.minimum(scores, count)
    case .uncertaintyWeighted(let penalty):
      let mean = unsafe Self.mean(scores, count)
      var squares = 0.0
      for index in 0..<count {
        let difference = unsafe scores[index] - mean
        squares += difference * difference
      }
      return mean - penalty * (squares / Double(count))
    case .entropic(let temperature):
      // From the smallest score on every exponent is ≤ 0, and expm1 keeps the digits of large b.
      let lowest = unsafe Self.minimum(scores, count)
      guard lowest.isFinite else { return lowest }
      var sum = 0.0
      for index in 0..<count {
        sum += unsafe Elementary.expMinusOne((lowest - scores[index]) / temperature)
      }
      return lowest - temperature * Elementary.log(onePlus: sum / Double(count))
    }
  }

  @inline(__always)
  private static func mean(_ scores: UnsafeMutablePointer<Double>, _ count: Int) -> Double {
    var sum = 0.0
    for index in 0..<count { unsafe sum += scores[index] }
    return sum / Double(count)
  }

  @inline(__always)
  private static func minimum(_ scores: UnsafeMutablePointer<Double>, _ count: Int) -> Double {
    var lowest = unsafe scores[0]
    for index in 0..<count {
      let score = unsafe scores[index]
      if score < lowest || score.isNaN { lowest = score }
    }
    return lowest
  }

  private static func median(_ scores: UnsafeMutablePointer<Double>, _ count: Int) -> Double {
    // Insertion: ensembles are small.
    for index in 0..<count {
      let score = unsafe scores[index]
      guard !score.isNaN else { return .nan }
      var place = index
      while place > 0, unsafe scores[place - 1] > score {
        unsafe scores[place] = scores[place - 1]
        place -= 1
      }
      unsafe scores[place] = score
    }
    let upper = unsafe scores[count / 2]
    guard count.isMultiple(of: 2) else { return upper }
    let lower = unsafe scores[count / 2 - 1]
    return lower + (upper - lower) / 2
  }
}

/// Whether the scores of several reward models are brought to one scale before they are aggregated.
///
/// Means and population standard deviations are over the samples that every model scored, each counting the
/// same, whatever gold and log weights say. A model whose standard deviation is 0 becomes all zeros.
public enum Standardization: String, Sendable, CaseIterable {
  /// Scores as they are.
  case none
  /// Each model's scores less its mean, over its standard deviation, both over all samples of all prompts.
  case model
  /// As `model`, within each prompt by itself.
  case prompt
}

/// One reward model of an ensemble and its scores.
public struct RewardMember: Sendable {
  /// The model's name for reports.
  public var name: String
  /// Its scores of the samples; as many in every row as the other members have.
  public var source: any RewardSource

  /// A member from its parts.
  ///
  /// - Parameters:
  ///   - name: for reports; distinct among the members of a table.
  ///   - source: P prompts × M samples.
  public init(name: String, source: any RewardSource) {
    self.name = name
    self.source = source
  }
}

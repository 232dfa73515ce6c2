// SPDX-License-Identifier: Apache-2.0
// Rules that hold for every input, checked on simulated rewards: the largest violation must be 0.

internal import Esscher

enum Identities {
  static let all: [VerificationCase] = [
    simulated(.normal, shift: 0), simulated(.normal, shift: 1e6), simulated(.exponential, shift: 0),
    simulated(.alphabet(size: 7), shift: 0), constant, hacked,
  ]

  private static func simulated(_ law: Law, shift: Double) -> VerificationCase {
    let name = shift == 0 ? "\(law)" : "\(law) + \(shift)"
    return VerificationCase(
      name: name, rows: rows(law, shift: shift),
      request: FrontierRequest(klBudgets: [0.5, 1], resamples: 0, precision: .double),
      checks: [
        .rule("\(name): gain = beta x Jeffreys") { report in
          largest(report, .tilt) { point in
            guard let gain = point.gain, let j = point.jeffreys, let lambda = point.lambda
            else { return nil }
            return abs(gain * lambda - j) / max(j, 1e-12)
          }
        },
        .rule("\(name): KL + reverse KL = Jeffreys") { report in
          largest(report, .tilt) { point in
            guard let kl = point.kl, let reverse = point.reverseKL, let j = point.jeffreys
            else { return nil }
            return abs(kl + reverse - j) / max(j, 1e-12)
          }
        },
        .rule("\(name): KL grows with lambda", within: 0) { falls(report: $0, \.kl) },
        .rule("\(name): gain grows with lambda", within: 0) { falls(report: $0, \.gain) },
        .rule("\(name): KL stays below its ceiling", within: 1e-9) { report in
          largest(report, .tilt) { point in
            guard let kl = point.kl, let ceiling = point.klCeiling else { return nil }
            return max(0, kl - ceiling)
          }
        },
        .rule("\(name): budgets are spent", within: 1e-8) { report in
          let spent = report.points.filter { $0.curve == .budget }.compactMap(\.kl)
          guard spent.count == 2 else { return nil }
          return max(abs(spent[0] - 0.5), abs(spent[1] - 1))
        },
        .rule("\(name): best of n is never beyond the frontier", within: 1e-9) { report in
          largest(report, .bestOfN) { point in
            // Best of 1 gains nothing, and has no efficiency.
            point.n == 1 ? 0 : point.efficiency.map { max(0, $0 - 1) }
          }
        },
        .rule("\(name): best of 1 is the mean", within: 1e-9) { report in
          guard let best = report.points.first(where: { $0.curve == .bestOfN && $0.n == 1 }),
            let tilt = report.points.first(where: { $0.curve == .tilt }),
            let reward = best.reward, let level = tilt.reward, let gain = tilt.gain
          else { return nil }
          return abs(reward - (level - gain)) / max(1, abs(reward))
        },
      ])
  }

  /// Rewards without spread buy nothing at any price.
  private static let constant = VerificationCase(
    name: "constant reward", rows: [[2, 2, 2], [5, 5, 5]],
    request: FrontierRequest(
      lambdas: [0, 1, 10], bestOf: [1, 3], resamples: 0, precision: .double),
    checks: [
      .point("constant reward: gain", .tilt, 10, \.gain, 0, .absolute(0)),
      .point("constant reward: KL", .tilt, 10, \.kl, 0, .absolute(0)),
      .point("constant reward: best of 3", .bestOfN, 3, \.reward, 3.5),
    ])

  /// Gold that bends down where the proxy is high.
  private static let hacked: VerificationCase = {
    let proxy = rows(.normal, shift: 0)
    var request = FrontierRequest(
      lambdas: [0.2, 0.5, 1, 1.5, 2], bestOf: [1, 2, 4], resamples: 0, precision: .double)
    request.curves = [.tilt, .bestOfN, .bestOfPoisson]
    return VerificationCase(
      name: "hacked gold", rows: proxy, gold: proxy.map { $0.map { $0 - 0.5 * $0 * $0 } },
      request: request,
      checks: [
        .rule("hacked gold: no gap at matched KL is negative", within: 1e-9) { report in
          largest(report, .tilt) { point in point.extras[.hackingGap].map { max(0, -$0) } }
        },
        .rule("hacked gold: no gap is above its bound", within: 1e-9) { report in
          largest(report, .tilt) { point in
            guard let gap = point.extras[.hackingGap], let bound = point.extras[.hackingBound]
            else { return nil }
            return max(0, gap - bound)
          }
        },
        .rule("hacked gold: gold is level at its peak", within: 1e-9) { report in
          report.points.first { $0.curve == .goldPeak && $0.lambda != nil }?
            .extras[.goldSlope].map(abs)
        },
        .rule("hacked gold: win rates stay below their limit", within: 1e-12) { report in
          largest(report, .bestOfN) { point in
            guard let rate = point.winRate, let limit = point.extras[.winRateLimit] else {
              return nil
            }
            return max(0, rate - limit)
          }
        },
        .point(
          "hacked gold: KL of best of Poisson, 2 draws", .bestOfPoisson, 2, \.kl, 0.107153583907),
        .point(
          "hacked gold: win rate of best of Poisson", .bestOfPoisson, 2, \.winRate, 0.632120558829),
      ])
  }()

  private static func rows(_ law: Law, shift: Double) -> [[Double]] {
    let (prompts, samples) = (8, 200)
    let stream = SampleStream(law: law, seed: 1, samplesPerPrompt: samples)
    return (0..<prompts).map { prompt in
      var row = [Double](repeating: 0, count: samples)
      unsafe row.withUnsafeMutableBufferPointer {
        unsafe stream.rewards(from: prompt * samples, into: $0)
      }
      return row.map { $0 + shift }
    }
  }

  /// The largest violation along a curve; nil where the curve is empty or a value is missing.
  private static func largest(
    _ report: Report, _ curve: Curve, _ violation: (FrontierPoint) -> Double?
  ) -> Double? {
    let points = report.points.filter { $0.curve == curve }
    let violations = points.compactMap(violation)
    return violations.count == points.count ? violations.max() : nil
  }

  /// The largest step down along the tilt.
  private static func falls(
    report: Report, _ path: KeyPath<FrontierPoint, Double?>
  ) -> Double? {
    let values = report.points.filter { $0.curve == .tilt }.compactMap { $0[keyPath: path] }
    guard values.count > 1 else { return nil }
    return zip(values, values.dropFirst()).map { max(0, $0 - $1) }.max()
  }
}

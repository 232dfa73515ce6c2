// SPDX-License-Identifier: Apache-2.0
// Small inputs whose answers were computed independently with at least 20 digits. Literals have 12.

internal import Esscher

enum KnownAnswers {
  static let all: [VerificationCase] = [
    fiveSamples, fiveSamplesTwice, rareSuccess, success, fourLetters, fairCoin, tenLetters,
  ]

  private static let literal = Check.Tolerance.relative(1e-10)
  /// ESS comes from a histogram of 128 bins an octave.
  private static let bin = Check.Tolerance.relative(0.003)

  private static func request(_ lambdas: [Double], _ ns: [Int]) -> FrontierRequest {
    FrontierRequest(lambdas: lambdas, bestOf: ns, resamples: 0, precision: .double)
  }

  /// Five samples with a tie, and a gold reward that falls where the reward is high.
  private static let fiveSamples = VerificationCase(
    name: "five samples", rows: [[0, 1, 1, 2, 5]], gold: [[1, 0, 2, 1, -3]],
    request: request([0.7], [1, 2, 3, 5]),
    checks: [
      .point("five samples: gain at lambda 0.7", .tilt, 0.7, \.gain, 2.41144372983),
      .point("five samples: KL", .tilt, 0.7, \.kl, 0.815071968147),
      .point("five samples: reverse KL", .tilt, 0.7, \.reverseKL, 0.872938642737),
      .point("five samples: Jeffreys", .tilt, 0.7, \.jeffreys, 1.68801061088),
      .point("five samples: gold", .tilt, 0.7, \.gold, 0.2 - 2.33904246496),
      .point("five samples: ESS", .tilt, 0.7, \.ess, 1.58679664854, bin),
      .point("five samples: KL ceiling", .tilt, 0.7, \.klCeiling, 1.60943791243),
      .point("five samples: best of 1 is the mean", .bestOfN, 1, \.reward, 1.8),
      .point("five samples: best of 2", .bestOfN, 2, \.reward, 2.9),
      .point("five samples: gold of best of 2", .bestOfN, 2, \.gold, -0.6),
      .point("five samples: best of 3", .bestOfN, 3, \.reward, 3.7),
      .point("five samples: gold of best of 3", .bestOfN, 3, \.gold, -1.4),
      .point("five samples: best of 5 is the maximum", .bestOfN, 5, \.reward, 5),
      .point("five samples: gold of best of 5", .bestOfN, 5, \.gold, -3),
    ])

  /// The same law with no sample untied, so that best-of-n is the law of atoms.
  private static let fiveSamplesTwice = VerificationCase(
    name: "five samples twice", rows: [[0, 0, 1, 1, 1, 1, 2, 2, 5, 5]],
    request: request([0.7], [2, 3, 5]),
    checks: [
      .point("samples twice: gain does not change", .tilt, 0.7, \.gain, 2.41144372983),
      .point("samples twice: KL does not change", .tilt, 0.7, \.kl, 0.815071968147),
      .point("samples twice: KL of best of 2", .bestOfN, 2, \.kl, 0.170031972701),
      .point("samples twice: reverse KL of best of 2", .bestOfN, 2, \.reverseKL, 0.226293222708),
      .point("samples twice: win rate of best of 2", .bestOfN, 2, \.winRate, 0.652),
      .point("samples twice: KL of best of 3", .bestOfN, 3, \.kl, 0.389571789343),
      .point("samples twice: reverse KL of best of 3", .bestOfN, 3, \.reverseKL, 0.64853772652),
      .point("samples twice: win rate of best of 3", .bestOfN, 3, \.winRate, 0.7304),
      .point("samples twice: KL of best of 5", .bestOfN, 5, \.kl, 0.741606732515),
      .point("samples twice: win rate of best of 5", .bestOfN, 5, \.winRate, 0.81104),
    ])

  /// Success in 1 of 100.
  private static let rareSuccess = VerificationCase(
    name: "1 % success", rows: [[1] + [Double](repeating: 0, count: 99)],
    request: request([5], [1]),
    checks: [
      .point("1 % success: gain at lambda 5", .tilt, 5, \.gain, 0.589859601813),
      .point("1 % success: KL", .tilt, 5, \.kl, 2.09340854693),
      .point("1 % success: reverse KL", .tilt, 5, \.reverseKL, 0.855889462138),
    ])

  /// Success in 3 of 10.
  private static let success = VerificationCase(
    name: "30 % success", rows: [[0, 1, 0, 0, 1, 0, 0, 0, 1, 0]], request: request([1], [2, 4]),
    checks: [
      .point("30 % success: gain at lambda 1", .tilt, 1, \.gain, 0.238101526224),
      .point("30 % success: KL", .tilt, 1, \.kl, 0.122366304381),
      .point("30 % success: Jeffreys", .tilt, 1, \.jeffreys, 0.238101526224),
      .point("30 % success: best of 2 is pass@2", .bestOfN, 2, \.reward, 24.0 / 45),
      .point("30 % success: best of 4 is pass@4", .bestOfN, 4, \.reward, 175.0 / 210),
    ])

  /// Rewards 0, 1, 2, 3, equally likely.
  private static let fourLetters = VerificationCase(
    name: "four letters", rows: [[0, 1, 2, 3], [3, 1, 0, 2]], request: request([0, 0.5, 2], [1]),
    checks: [
      .point("four letters: gain at lambda 0", .tilt, 0, \.gain, 0, .absolute(0)),
      .point("four letters: KL at lambda 0", .tilt, 0, \.kl, 0, .absolute(0)),
      .point("four letters: gain at lambda 0.5", .tilt, 0.5, \.gain, 0.584576488462),
      .point("four letters: KL at lambda 0.5", .tilt, 0.5, \.kl, 0.141243933652),
      .point("four letters: reverse KL at lambda 0.5", .tilt, 0.5, \.reverseKL, 0.151044310578),
      .point("four letters: gain at lambda 2", .tilt, 2, \.gain, 1.34482465805),
      .point("four letters: KL at lambda 2", .tilt, 2, \.kl, 0.930865738267),
      .point("four letters: Jeffreys at lambda 2", .tilt, 2, \.jeffreys, 2.68964931611),
    ])

  /// KL of best-of-n on a fair coin is log 2 less the entropy of 2^-n.
  private static let fairCoin = VerificationCase(
    name: "fair coin", rows: [[1, 0, 1, 0, 1, 0, 1, 0, 1, 0]],
    request: request([1], [2, 3, 6, 10]),
    checks: [
      .point("fair coin: KL of best of 2", .bestOfN, 2, \.kl, 0.130812035941),
      .point("fair coin: KL of best of 3", .bestOfN, 3, \.kl, 0.316377019304),
      .point("fair coin: KL of best of 6", .bestOfN, 6, \.kl, 0.612662343492),
      .point("fair coin: KL of best of 10", .bestOfN, 10, \.kl, 0.685402079617),
    ])

  /// Ten letters, each twice.
  private static let tenLetters = VerificationCase(
    name: "ten letters", rows: [(1...20).map { Double(($0 + 1) / 2) }],
    request: request([1], [2, 4, 10]),
    checks: [
      .point("ten letters: KL of best of 2", .bestOfN, 2, \.kl, 0.189318, .absolute(5e-7)),
      .point("ten letters: KL of best of 4", .bestOfN, 4, \.kl, 0.628825, .absolute(5e-7)),
      .point("ten letters: KL of best of 10", .bestOfN, 10, \.kl, 1.361097, .absolute(5e-7)),
      .point("ten letters: KL bound of best of 4", .bestOfN, 4, \.klBound, 0.636294361120),
    ])
}

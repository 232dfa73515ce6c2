// SPDX-License-Identifier: Apache-2.0
// Standard errors over samples where one sample is far from all others or has nearly all the weight, so that a spread
// about the wrong one cancels.

import Esscher
import EsscherCore
import EsscherTestSupport
import Glibc
import Testing

#if arch(x86_64)
  extension JackknifeTests {
    /// The mean of best of n without each sample; values in the order of their rewards, the largest first, none tied.
    private static func selected(_ values: [Number], n: Int) -> [Number] {
      let weights = OrderStatisticWeights(sampleCount: values.count - 1, n: n).unbiased.map(
        Number.init)
      func weight(_ place: Int) -> Number { place < weights.count ? weights[place] : 0 }
      var below = (1..<values.count).reduce(Number(0)) { $0 + weight($1 - 1) * values[$1] }
      var above = Number(0)
      return values.indices.map { place in
        defer {
          above += weight(place) * values[place]
          if place + 1 < values.count { below -= weight(place) * values[place + 1] }
        }
        return above + below
      }
    }

    @Test("errors of long rows one sample of which has nearly all the weight")
    func heavySample() throws {
      var random = SeededGenerator(seed: 78)
      let count = 10_000
      // Above all others, which lie within 5: with lambda = 3 it weighs e^19.5 to their 1e4·e^4.5, 0.97.
      let row = [6.5] + (1..<count).map { _ in min(max(random.normal(), -5), 5) }
      let gold = row.map { _ in random.normal() }
      let lines = try Self.points(row, gold, nil, FrontierRequest(lambdas: [3], bestOf: [4000]))
        .prompt
      let (tilt, best) = (lines[0].errors, lines[1].errors)
      let numbers = row.map(Number.init)
      let exponentials = numbers.map { expl(3 * ($0 - 6.5)) }
      let sum = exponentials.reduce(0, +)
      let first = zip(exponentials, numbers).reduce(0) { $0 + $1.0 * $1.1 }
      var rewards: [Number] = []
      var kls: [Number] = []
      for (r, e) in zip(numbers, exponentials) {
        let mean = (first - e * r) / (sum - e)
        rewards.append(mean)
        kls.append(3 * (mean - 6.5) - logl((sum - e) / Number(count - 1)))
      }
      let sorted = numbers.sorted(by: >)
      let selected = Self.selected(sorted, n: 4000)
      // Sums of 1e4/8 roundings a lane, 1.4e-13; partition and mean, right to 1e-13, count 1/(1 − w) = 33 times; weights
      // are right to 4.3e-14. About the heavy sample itself the sums of all others would have lost 1e-9.
      let pairs = [
        ("KL", tilt.kl, kls), ("reward", tilt.reward, rewards),
        ("best of n", best.reward, selected),
      ]
      for (name, got, values) in pairs {
        let want = Double(Self.error(values))
        #expect(
          ((got ?? .nan) - want).magnitude <= 5e-12 * want, "\(name): \(got ?? .nan), \(want)")
      }
    }

    @Test("a sample in the middle that has nearly all the base's weight")
    func heavyMiddle() throws {
      var random = SeededGenerator(seed: 80)
      let count = 10_000
      var row = (0..<count).map { _ in min(max(random.normal(), -5), 5) }.sorted(by: >)
      row.swapAt(17, count / 2)
      var logs = row.map { _ in random.normal() / 4 }
      // e^13.5 to the others' 1e4: 0.986.
      logs[17] = 13.5
      let gold = row.map { _ in random.normal() }
      let tilt = try Self.points(row, gold, logs, FrontierRequest(lambdas: [0.5], bestOf: []))
        .prompt[0].errors
      let numbers = row.map(Number.init)
      let bases = logs.map { expl(Number($0)) }
      let terms = zip(bases, numbers).map { $0 * expl($1 / 2) }
      let (mass, sum) = (bases.reduce(0, +), terms.reduce(0, +))
      let first = zip(terms, numbers).reduce(0) { $0 + $1.0 * $1.1 }
      let mean = zip(bases, numbers).reduce(0) { $0 + $1.0 * $1.1 }
      var kls: [Number] = []
      var gains: [Number] = []
      for index in row.indices {
        let reward = (first - terms[index] * numbers[index]) / (sum - terms[index])
        let rest = mass - bases[index]
        kls.append(reward / 2 - logl((sum - terms[index]) / rest))
        gains.append(reward - (mean - bases[index] * numbers[index]) / rest)
      }
      // As in `heavySample`: what is left of 1 − w, 1/70 of it, carries the rounding of the partition 70 times.
      for (name, got, values) in [("KL", tilt.kl, kls), ("gain", tilt.gain, gains)] {
        let want = Double(Self.error(values))
        #expect(
          ((got ?? .nan) - want).magnitude <= 1e-11 * want, "\(name): \(got ?? .nan), \(want)")
      }
    }

    @Test("one sample far below all others", arguments: [81, 82, 83, 84, 85])
    func lowOutlier(seed: UInt64) throws {
      // Several: what cancels may come out below 0, and that as 0.
      var random = SeededGenerator(seed: seed)
      let row = (0..<2000).map { _ in random.normal() } + [-1e6]
      let lines = try Self.points(
        row, row.map { _ in random.normal() }, nil,
        FrontierRequest(lambdas: [1], bestOf: [1, 50])
      ).prompt
      // Best of 1 gains nothing, whichever sample is left out; about another sample than the changes' own, squares of 500
      // cancel.
      #expect((lines[1].errors.gain ?? .nan) <= 1e-12)
      let numbers = row.map(Number.init)
      let mean = numbers.reduce(0, +) / Number(row.count)
      let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Number(row.count)
      let base = Double((variance / Number(row.count - 1)).squareRoot())
      // Changes are sums of 2,000 differences, compensated.
      #expect(((lines[1].errors.reward ?? .nan) - base).magnitude <= 1e-13 * base)
      // Best of 50 hardly sees it: u'_M = C(0, 49) = 0.
      let sorted = numbers.sorted(by: >)
      let want = Double(Self.error(Self.selected(sorted, n: 50)))
      // Rewards less their mean of −500 are rounded by 5.7e-14, beside an error of 0.07; weights are right to 4.3e-14.
      #expect(((lines[2].errors.reward ?? .nan) - want).magnitude <= 1e-11 * want)
    }

    @Test("a sample with all the weight leaves nothing when it is left out", arguments: [93, 99])
    func soleSample(count: Int) throws {
      // 1/count rounds such that count times it is below 1; e^-200 is nothing beside 1.
      let row = [1.0] + (1..<count).map { -Double($0) / Double(count) }
      let gold = row.map { $0 * $0 }
      let request = FrontierRequest(lambdas: [2e4], bestOf: [1])
      let errors = try Self.points(row, gold, nil, request).prompt[0].errors
      #expect(errors.kl == nil && errors.reward == nil && errors.gain == nil && errors.gold == nil)
    }

    @Test("gold of two-valued rows in best of n, whose ties share their weights")
    func tiedGold() throws {
      var random = SeededGenerator(seed: 79)
      let (count, top, n) = (10_000, 5_000, 4_000)
      let row = (0..<count).map { $0 < top ? 1.0 : 0 }
      let gold = row.map { _ in random.normal() }
      let lines = try Self.points(row, gold, nil, FrontierRequest(lambdas: [1], bestOf: [n])).prompt
      let weights = OrderStatisticWeights(sampleCount: count - 1, n: n).unbiased.map(Number.init)
      let whole = weights.prefix(top).reduce(0, +)
      let less = weights.prefix(top - 1).reduce(0, +)
      let golds = gold.map(Number.init)
      let upper = golds[..<top].reduce(0, +)
      let lower = golds[top...].reduce(0, +)
      let (highs, lows) = (Number(top), Number(count - top))
      let values = golds.indices.map { index in
        index < top
          ? less * (upper - golds[index]) / (highs - 1) + (1 - less) * lower / lows
          : whole * upper / highs + (1 - whole) * (lower - golds[index]) / (lows - 1)
      }
      let want = Double(Self.error(values))
      // Each value is rounded next to gold's size, 2^-52, and is that size over sqrt(count) from the others: 1e4·2^-52
      // of the error at most.
      let got = lines[1].errors.gold ?? .nan
      #expect((got - want).magnitude <= 2.3e-12 * want, "\(got), \(want)")
    }

    @Test("gold of the sample in the middle far from all others'")
    func goldOutlier() throws {
      var random = SeededGenerator(seed: 86)
      let (count, n) = (10_000, 4)
      let row = (0..<count).map { _ in min(max(random.normal(), -5), 5) }.sorted(by: >)
      var gold = row.map { _ in random.normal() }
      gold[count / 2] = 1e6
      let lines = try Self.points(row, gold, nil, FrontierRequest(lambdas: [0.5], bestOf: [n]))
        .prompt
      let golds = gold.map(Number.init)
      let terms = row.map { expl(Number($0) / 2) }
      let sum = terms.reduce(0, +)
      let first = zip(terms, golds).reduce(0) { $0 + $1.0 * $1.1 }
      let tilted = row.indices.map { (first - terms[$0] * golds[$0]) / (sum - terms[$0]) }
      let selected = Self.selected(golds, n: n)
      // The error is that one sample's change; weights are right to 4.3e-14 and the partition to 1.4e-13.
      for (name, got, values) in [
        ("tilt", lines[0].errors.gold, tilted), ("best of n", lines[1].errors.gold, selected),
      ] {
        let want = Double(Self.error(values))
        #expect(
          ((got ?? .nan) - want).magnitude <= 1e-12 * want, "\(name): \(got ?? .nan), \(want)")
      }
    }
  }
#endif

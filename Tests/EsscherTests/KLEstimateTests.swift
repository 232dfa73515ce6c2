// SPDX-License-Identifier: Apache-2.0
// The KL of best-of-n from log-probabilities: alphabets whose answers are known, sums written out, missing and
// impossible log-probabilities.

import Esscher
import EsscherTestSupport
import Testing

@Suite("KL from log-probabilities")
struct KLEstimateTests {
  private func points(
    _ rows: [[Double]], _ logs: [[Double]], gold: [[Double]]? = nil, ns: [Int],
    missing: MissingPolicy = .error, device: String = "cpu"
  ) throws -> [FrontierPoint] {
    let table = RewardTable(
      label: "rewards", rewards: .cells(MemorySource(name: "rewards", rows: rows)),
      gold: gold.map { MemorySource(name: "gold", rows: $0) },
      logProbabilities: MemorySource(name: "logs", rows: logs))
    var request = FrontierRequest(bestOf: ns, missing: missing, resamples: 0, device: device)
    request.curves = [.bestOfN]
    return try Engine().frontier(table, request).points
  }

  @Test("uniform alphabets: d_n(1/K), as printed", arguments: ["cpu", "opencl"])
  func alphabets(device: String) throws {
    let printed = [
      10: [2: 0.193059, 4: 0.634870, 10: 1.378887],
      100: [10: 1.402553, 100: 3.589667],
    ]
    for (letters, values) in printed {
      let row = (0..<2 * letters).map { Double($0 / 2) }
      let logs = row.map { _ in -Elementary.log(Double(letters)) }
      let ns = values.keys.sorted()
      for (n, point) in zip(ns, try points([row], [logs], ns: ns, device: device)) {
        let got = try #require(point.klEstimate)
        let want = try #require(values[n])
        // Six decimals were printed.
        #expect((got - want).magnitude <= 5.1e-7, "K = \(letters), n = \(n): \(got)")
        let kl = try #require(point.kl)
        let bound = try #require(point.klBound)
        #expect(kl <= got && got <= bound)
      }
    }
  }

  @Test("the sum of weights times d_n, written out", arguments: ["cpu", "opencl"])
  func definition(device: String) throws {
    var random = SeededGenerator(seed: 53)
    let rows = (0..<5).map { _ in RowShape.integers.row(60, &random) }
    let logs = rows.map { row in row.map { _ in -8 * random.uniform() } }
    let ns = [1, 2, 7, 60]
    for (n, point) in zip(ns, try points(rows, logs, ns: ns, device: device)) {
      var want = 0.0
      for (row, logs) in zip(rows, logs) {
        let divergences = logs.map { BestOfNLaw.divergence(n: n, logMass: $0) }
        let reference = ReferenceRow(values: row, gold: divergences)
        want += Double(reference.bestOf(n).gold) / Double(rows.count)
      }
      // The contract for gold: 1e-10 of its spread, which is of order 1.
      let got = try #require(point.klEstimate)
      #expect((got - want).magnitude <= 1e-10, "n = \(n): \(got), written out \(want)")
    }
  }

  @Test("a sample is left out everywhere if any of its inputs lacks it")
  func missing() throws {
    let rows = [[1, 2, 3, .nan, 5, 6], [2.0, 4, 6]]
    let logs = [[-1, .nan, -2, -3, -1, -4], [-1.0, -2, -3]]
    let gold = [[1, 2, 3, 4, .nan, 6], [1.0, 1, 2]]
    let got = try points(rows, logs, gold: gold, ns: [1, 2], missing: .drop)
    let want = try points(
      [[1, 3, 6], [2, 4, 6]], [[-1, -2, -4], [-1, -2, -3]], gold: [[1, 3, 6], [1, 1, 2]],
      ns: [1, 2])
    #expect(got == want && got[1].klEstimate != nil)
    #expect(throws: EsscherError.self) { try points([[1, 2]], [[-1, .nan]], ns: [1]) }
  }

  @Test("rows longer than one piece of a look, and many short ones")
  func pieces() throws {
    let long = (0..<70_000).map { Double($0 * 7919 % 70_001) }
    var logs = long.map { -1 - $0 / 1e4 }
    logs[66_000] = .nan
    let short = (0..<3000).map { [Double($0 % 7), 1, 2.5] }
    let shortLogs = short.map { row in row.map { $0 == 6 ? .nan : -1 - $0 } }
    let got = try points([long] + short, [logs] + shortLogs, ns: [2], missing: .drop)
    let kept = zip([long] + short, [logs] + shortLogs).map { row, logs in
      zip(row, logs).filter { !$0.1.isNaN }
    }
    let want = try points(
      kept.map { $0.map(\.0) }, kept.map { $0.map(\.1) }, ns: [2])
    #expect(got == want && got[0].klEstimate != nil)
  }

  @Test(
    "impossible log-probabilities are named",
    arguments: [
      (0.25, "a probability is at most 1"), (.infinity, "a probability is at most 1"),
      (-.infinity, "has a probability above 0"), (.nan, "--missing drop"),
    ])
  func refusals(value: Double, part: String) throws {
    #expect {
      _ = try points([[1, 2, 3], [4, 5, 6]], [[-1, -2, 0], [-1, -1, value]], ns: [2])
    } throws: { error in
      guard let error = error as? EsscherError else { return false }
      return error.code == .badInput && error.message.contains(part)
        && error.location?.file == "logs" && error.location?.row == 1 && error.location?.column == 2
    }
  }

  @Test("other shapes are refused; log weights leave the estimate out")
  func shapes() throws {
    #expect(throws: EsscherError.self) { try points([[1, 2]], [[-1]], ns: [1]) }
    let table = RewardTable(
      label: "", rewards: .cells(MemorySource(name: "", rows: [[1, 2]])),
      logWeights: MemorySource(name: "", rows: [[0, 0]]),
      logProbabilities: MemorySource(name: "", rows: [[-1, -2]]))
    let report = try Engine().frontier(table, FrontierRequest(bestOf: [2], resamples: 0))
    #expect(report.points.allSatisfy { $0.klEstimate == nil })
    let counts = RewardTable(
      label: "", rewards: .counts(CountsTable(name: "", sampleCounts: [2], correctCounts: [1])),
      logProbabilities: MemorySource(name: "", rows: [[-1, -2]]))
    #expect(throws: EsscherError.self) {
      try Engine().frontier(counts, FrontierRequest(bestOf: [2], resamples: 0))
    }
  }
}

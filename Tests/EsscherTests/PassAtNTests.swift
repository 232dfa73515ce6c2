// SPDX-License-Identifier: Apache-2.0
// Counts of correct answers: best-of-n is pass@n, however small it is.

import Esscher
import EsscherTestSupport
import Testing

@Suite("Counts tables")
struct PassAtNTests {
  @Test("best of n of 0/1 rewards is pass@n to 1e-13")
  func passAtN() throws {
    for check in try ClosedForms.load().passAtN {
      let table = RewardTable(
        label: "counts",
        rewards: .counts(
          CountsTable(name: "counts", sampleCounts: [check.m], correctCounts: [check.c])))
      let report = try Engine().frontier(
        table, FrontierRequest(lambdas: [0], bestOf: [check.n], resamples: 0))
      expectClose(
        report.points.last?.reward, check.pass, tolerance: 1e-13,
        "pass@\(check.n) of \(check.c)/\(check.m)")
    }
  }

  @Test("n beyond the samples is refused with the prompt named")
  func refusesLargeN() throws {
    let table = RewardTable(
      label: "counts",
      rewards: .counts(CountsTable(name: "counts", sampleCounts: [8, 4], correctCounts: [1, 1])))
    #expect {
      _ = try Engine().frontier(table, FrontierRequest(lambdas: [0], bestOf: [5], resamples: 0))
    } throws: { error in
      guard let error = error as? EsscherError else { return false }
      return error.code == .badInput && error.location?.row == 1
        && error.message.contains("n = 5 exceeds the 4 samples")
    }
  }
}

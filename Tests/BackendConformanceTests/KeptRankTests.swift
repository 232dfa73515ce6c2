// SPDX-License-Identifier: Apache-2.0
// Mid-ranks that a worker keeps from row to row, against those of workers that have seen no other row.

import EsscherCPU
import EsscherCore
import EsscherTestSupport
import Testing

#if arch(x86_64)
  @Suite("Mid-ranks from row to row")
  struct KeptRankTests {
    /// Rows of 800 samples with no ties, a few, a few elsewhere, many, all; and one of another length between them.
    private static func rows() -> [[Double]] {
      var random = SeededGenerator(seed: 71)
      func row(_ count: Int = 800, tied: [Int] = []) -> [Double] {
        var row = RowShape.normal.row(count, &random)
        // Each group is a sample and the four that follow it.
        for start in tied { for index in start..<start + 5 { row[index] = row[start] } }
        return row
      }
      return [
        row(), row(tied: [3, 400]), row(), row(tied: [90]), row(tied: [100, 300, 700]), row(799),
        row(tied: [795]), RowShape.integers.row(800, &random), row(tied: [5]),
        RowShape.constant.row(800, &random), row(), row(tied: [0]),
      ]
    }

    @Test("a row's sums do not depend on the rows before it", arguments: Candidate.processors)
    func sameBits(candidate: Candidate) throws {
      let rows = Self.rows()
      let plan = StatisticsPlan(
        lambdas: [0.1, 1, 5], bestOf: [2, 8], sorted: true, missing: .error)
      func table(_ rows: [[Double]]) -> RewardTable {
        RewardTable(label: "rows", rewards: .cells(MemorySource(name: "rows", rows: rows)))
      }
      // One worker takes all rows, in order.
      let together = try candidate.make(1, 1 << 26)
        .reduce(table(rows), rows: 0..<rows.count, plan: plan)
      var midranks: Set<Double> = []
      for (index, row) in rows.enumerated() {
        let alone = try candidate.make(1, 1 << 26).reduce(table([row]), rows: 0..<1, plan: plan)
        #expect(alone.summaries[0] == together.summaries[index], "row \(index)")
        for (offset, tilt) in alone.tilts.enumerated() {
          #expect(tilt == together.tilts[index * plan.lambdaCount + offset], "row \(index)")
          midranks.insert(tilt.rank)
        }
      }
      // The ranks were at work: sums of all rows differ.
      #expect(midranks.count >= 3 * (rows.count - 1))
    }
  }
#endif

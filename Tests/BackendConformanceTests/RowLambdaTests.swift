// SPDX-License-Identifier: Apache-2.0
// Lambdas of each row's own: the same bits as the row alone at those lambdas, on every backend.

import EsscherCPU
import EsscherCore
import EsscherTestSupport
import Testing

#if arch(x86_64)
  @Suite("Lambdas by row")
  struct RowLambdaTests {
    /// Ascending lambdas of each form, padded with zeros as a finished search is.
    private static func lambdas(_ rows: Range<Int>, count: Int, seed: UInt64) -> RowLambdas {
      var random = SeededGenerator(seed: seed)
      return RowLambdas(
        rows: rows, count: count,
        values: rows.flatMap { row in
          let own = (0..<row % (count + 1)).map { _ in 1e-4 * (random.uniform() * 12).rounded() }
            .map { $0 > 0 ? $0 * 1e3 : 20 }
          return [Double](repeating: 0, count: count - own.count) + own.sorted()
        })
    }

    @Test(
      "each row has its own lambdas", arguments: Candidate.all,
      [RowShape.normal, .outlier, .constant])
    func own(candidate: Candidate, shape: RowShape) throws {
      for weighted in [false, true] {
        let made = Case(shape, prompts: 11, samples: 70, weighted: weighted, seed: 3)
        // The table begins before the rows that are asked for, as a part of a tile does.
        let lambdas = Self.lambdas(1..<10, count: 5, seed: 17)
        let backend = try candidate.make(2, 1 << 30)
        let plan = StatisticsPlan(rowLambdas: lambdas, sorted: true, missing: .error)
        let table = try backend.reduce(made.table, rows: 2..<9, plan: plan)
        #expect(table.lambdaCount == 5)
        for row in 2..<9 {
          let alone = try backend.reduce(
            made.table, rows: row..<row + 1,
            plan: StatisticsPlan(lambdas: lambdas[row], sorted: true, missing: .error))
          let slots = (row - 2) * 5..<(row - 1) * 5
          #expect(Array(table.tilts[slots]) == alone.tilts, "row \(row) weighted \(weighted)")
        }
      }
    }

    @Test("lambda beyond every gap is the maximum", arguments: Candidate.all)
    func top(candidate: Candidate) throws {
      let made = Case(.integers, prompts: 4, samples: 300, weighted: false, seed: 5)
      let backend = try candidate.make(1, 1 << 30)
      let summaries = try backend.reduce(
        made.table, rows: 0..<4, plan: StatisticsPlan(missing: .error)
      ).summaries
      let lambdas = RowLambdas(rows: 0..<4, count: 1, values: summaries.map { 1e150 / $0.reach })
      let table = try backend.reduce(
        made.table, rows: 0..<4,
        plan: StatisticsPlan(rowLambdas: lambdas, sorted: true, missing: .error))
      for row in 0..<4 {
        let got = TiltEstimate(
          lambda: lambdas.values[row], sums: table.tilts[row], summary: table.summaries[row])
        let maximum = made.values[row].max() ?? 0
        let winners = made.values[row].indices.filter { made.values[row][$0] == maximum }
        let gold = winners.reduce(0) { $0 + made.gold[row][$1] } / Double(winners.count)
        // A mean of a few numbers near 1 and e^-700 of the others.
        #expect(abs(got.ess - Double(winners.count)) <= 1e-12 * got.ess)
        #expect(abs(got.gold - gold) <= 1e-12, "row \(row)")
        #expect(got.gain == table.summaries[row].highest)
      }
    }
  }
#endif

// SPDX-License-Identifier: Apache-2.0
// Scales, missing cells and refusals of ensembles.

import EsscherCPU
import EsscherTestSupport
import Testing

@testable import Esscher

@Suite("Scales of an ensemble")
struct EnsembleScaleTests {
  private func table(_ scores: [[[Double]]], gold: [[Double]]? = nil) -> RewardTable {
    RewardTable(
      label: "made",
      members: scores.enumerated().map { index, rows in
        RewardMember(
          name: "model \(index)", source: MemorySource(name: "file \(index)", rows: rows))
      }, gold: gold.map { MemorySource(name: "gold", rows: $0) })
  }

  private func request(
    _ aggregator: EnsembleAggregator? = .mean, _ standardize: Standardization? = nil,
    missing: MissingPolicy = .error
  ) -> FrontierRequest {
    var request = FrontierRequest(
      lambdas: [1], bestOf: [1], missing: missing, resamples: 0, device: "cpu")
    request.ensemble = aggregator
    request.standardize = standardize
    return request
  }

  private func refusal(_ table: RewardTable, _ request: FrontierRequest) -> EsscherError? {
    do {
      _ = try Engine().frontier(table, request)
      return nil
    } catch { return error }
  }

  /// What each member's rows are once they are standardised.
  private func standardized(
    _ scores: [[[Double]]], _ kind: Standardization, missing: MissingPolicy = .error
  ) throws -> [[[Double]]] {
    let table = table(scores)
    let scale = try EnsembleScale(
      table.members, request: request(.mean, kind, missing: missing),
      scan: MatrixScan(
        table: table, backend: CPUBackend(threads: 2, memoryBudgetBytes: 1 << 26),
        observer: RunObserver()))
    return try scores.indices.map { try rows(scale.source(of: $0)) }
  }

  @Test("by model and by prompt, by hand")
  func byHand() throws {
    let scores = [[[1.0, 3], [5, 7]], [[10, 10], [10, 30]], [[4, 4], [4, 4]]]
    // Model 0: mean 4, variance (9 + 1 + 1 + 9)/4 = 5. Model 1: mean 15, variance 75. Model 2 is constant.
    let (a, b) = (5.0.squareRoot(), 75.0.squareRoot())
    let model = [
      [[-3 / a, -1 / a], [1 / a, 3 / a]], [[-5 / b, -5 / b], [-5 / b, 15 / b]], [[0, 0], [0, 0]],
    ]
    let prompt: [[[Double]]] = [[[-1, 1], [-1, 1]], [[0, 0], [-1, 1]], [[0, 0], [0, 0]]]
    for (kind, expected) in [
      (Standardization.model, model), (.prompt, prompt), (.none, scores),
    ] {
      let got = try standardized(scores, kind).flatMap(\.self).flatMap(\.self)
      for (x, y) in zip(got, expected.flatMap(\.self).flatMap(\.self)) {
        // A square root, a quotient and a product: 4 ulps of numbers below 2.
        #expect((x - y).magnitude <= (kind == .none ? 0 : 8 * 0x1p-52), "\(kind): \(x) and \(y)")
      }
    }
    let warnings = try Engine().frontier(table(scores), request(.mean, .model)).warnings
    #expect(warnings.contains { $0.contains("model 2 are all equal") })
  }

  @Test("an offset of a million spreads costs no digits, whatever the threads and the blocks")
  func offset() throws {
    var random = SeededGenerator(seed: 9)
    // Rows longer than a block of two members (65,536 samples each), so that pieces are put together.
    let plain = (0..<2).map { _ in
      [100_000, 7].map { count in (0..<count).map { _ in (random.normal() * 64).rounded() / 64 } }
    }
    let moved = plain.map { $0.map { $0.map { $0 + 1_048_576 } } }
    for kind in [Standardization.model, .prompt] {
      let expected = try standardized(plain, kind).flatMap(\.self).flatMap(\.self)
      let got = try standardized(moved, kind).flatMap(\.self).flatMap(\.self)
      // Cells are multiples of 1/64 at either place, so that the standardised ones differ by the rounding of
      // the mean alone, 2^-33 at this offset.
      #expect(zip(got, expected).allSatisfy { ($0 - $1).magnitude <= 0x1p-31 }, "\(kind)")
      let rows = expected.prefix(100_000)
      if kind == .prompt {
        let mean = rows.reduce(0, +) / 100_000
        let variance = rows.reduce(0) { $0 + $1 * $1 } / 100_000
        #expect(mean.magnitude < 1e-11 && (variance - 1).magnitude < 1e-11)
      }
    }
    let cells = MemberCells(members: table(plain).members, scaling: .none)
    let source = EnsembleSource(name: "made", cells: cells, aggregator: .mean)
    for (row, length) in [100_000, 7].enumerated() {
      let whole = try rows(source)[row]
      for columns in [0..<3, length / 2..<length, length - 1..<length] {
        var part = [Double](repeating: 0, count: columns.count)
        try unsafe part.withUnsafeMutableBufferPointer {
          try unsafe source.copyDoubles(rows: row..<row + 1, columns: columns, to: $0)
        }
        #expect(part == Array(whole[columns]))
        #expect(
          part[0] == (plain[0][row][columns.lowerBound] + plain[1][row][columns.lowerBound]) / 2)
      }
    }
  }

  @Test("spreads more than twofold apart ask for a choice, and are named")
  func unlike() {
    let scores = [[[0.0, 2, 4]], [[0, 5, 10]]]
    let error = refusal(table(scores), request())
    #expect(error?.code == .usage)
    // √(8/3) = 1.633 and √(50/3) = 4.082.
    for part in ["2.5 times", "model 0 1.633", "model 1 4.082", "--standardize model"] {
      #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }
    for kind in Standardization.allCases {
      #expect(refusal(table(scores), request(.mean, kind)) == nil)
    }
    // Exactly twofold is not more than twofold; a constant beside another is.
    #expect(refusal(table([[[0, 2, 4]], [[0, 4, 8]]]), request()) == nil)
    #expect(
      refusal(table([[[0, 2, 4]], [[1, 1, 1]]]), request())?.message.contains("one of them 0")
        == true)
    #expect(refusal(table([[[0, 0, 0]], [[1, 1, 1]]]), request()) == nil)
  }

  @Test("what is missing in one model is left out of every curve")
  func missing() throws {
    let nan = Double.nan
    let scores = [[[1, nan, 3, 4], [5.0, 6, 7, 9]], [[2, 2, 8, nan], [1, 1, 5, nan]]]
    let gold = [[1, 1, 0, 1], [0, nan, 1, 1.0]]
    for kind in Standardization.allCases {
      let points = try Engine().frontier(
        table(scores, gold: gold), request(.mean, kind, missing: .drop))
      #expect(points.provenance.droppedSamples == 4)
      // The samples all of them have, gold included.
      let kept = try Engine().frontier(
        table([[[1, 3], [5, 7]], [[2, 8], [1, 5]]], gold: [[1, 0], [0, 1]]),
        request(.mean, Standardization.none))
      guard kind == .none else { continue }
      #expect(
        points.points.map { [$0.kl, $0.gain, $0.reward, $0.gold, $0.extras[.squaredError]] }
          == kept.points.map { [$0.kl, $0.gain, $0.reward, $0.gold, $0.extras[.squaredError]] })
    }
    // Standardised over what all models scored: model 0 keeps 1, 3, 5, 6, 7.
    let first = try standardized(scores, .model, missing: .drop)[0]
    let deviation = (23.2 / 5).squareRoot()
    #expect((first[1][1] - 1.6 / deviation).magnitude < 1e-15)
    #expect(first[0][1].isNaN && first[0][3].isNaN && first[1][3].isNaN)
  }

  @Test("a missing or infinite cell is named with its own file, row and column")
  func named() {
    let scores = [[[1.0, 2], [3, 4]], [[1, 2], [3, .nan]]]
    #expect(
      refusal(table(scores), request())?.location?.description == "file 1, row 1, column 1")
    let infinite = refusal(table([[[1, 2]], [[.infinity, 2]]]), request(missing: .drop))
    #expect(infinite?.location?.description == "file 1, row 0, column 0")
    #expect(infinite?.message.contains("infinite") == true)
  }

  @Test("requests that do not fit the input are refused with the remedy")
  func requests() {
    let several = table([[[1, 2]], [[1, 3]]])
    let none = refusal(several, request(nil))
    #expect(
      none?.code == .usage
        && none?.message.contains("mean, median, min, uwo:C or entropic:B") == true)
    let one = RewardTable(label: "one", rewards: .cells(MemorySource(name: "one", rows: [[1, 2]])))
    #expect(refusal(one, request())?.message.contains("--ensemble is for several") == true)
    #expect(refusal(one, request(nil, .model))?.message.contains("--standardize is for") == true)
    let shape = refusal(table([[[1, 2], [1, 2]], [[1, 2], [1, 2, 3]]]), request())
    #expect(shape?.code == .badInput && shape?.location?.description == "file 1, row 1")
    #expect(
      refusal(table([[[1, 2], [1, 2]], [[1, 2]]]), request())?.location?.file == "file 1")
  }

  @Test("a constant member lies at the base policy")
  func constant() throws {
    let points = try Engine().frontier(
      table([[[1, 2, 4]], [[3, 3, 3]]]), request(.mean, .model)
    ).points
    let line = try #require(points.first { $0.label == "model 1" && $0.curve == .tilt })
    #expect(line.kl == 0 && line.gain == 0 && line.reward == 0)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Sweeps in shards against one run over all prompts, bit for bit.

import EsscherTestSupport
import Testing

@testable import Esscher

/// A question and the prompts it is asked of.
struct SweepCase: Sendable, CustomTestStringConvertible {
  let name: String
  let table: RewardTable
  let request: FrontierRequest
  var shards = [3]
  var testDescription: String { name }

  private static func source(
    _ name: String, _ rows: Int, seed: UInt64, ragged: Bool = false,
    _ cell: (inout SeededGenerator, Int) -> Double = { random, _ in random.normal() }
  ) -> MemorySource {
    var random = SeededGenerator(seed: seed)
    return MemorySource(
      name: name,
      rows: (0..<rows).map { row in
        (0..<(ragged ? 20 + row % 17 : 40)).map { cell(&random, $0 + row) }
      })
  }

  private static func request(
    _ change: (inout FrontierRequest) -> Void = { _ in }
  ) -> FrontierRequest {
    var request = FrontierRequest(
      resamples: 12, seed: 3, device: "cpu", threads: 2, memoryBudgetBytes: 64 << 20)
    change(&request)
    return request
  }

  static let all: [SweepCase] = {
    let plain = RewardTable(label: "r", rewards: .cells(source("r", 150, seed: 1)))
    let few = RewardTable(label: "r", rewards: .cells(source("r", 2, seed: 2)))
    var gold = RewardTable(
      label: "r", rewards: .cells(source("r", 90, seed: 3, ragged: true)),
      gold: source("g", 90, seed: 4, ragged: true))
    gold.logProbabilities = source("p", 90, seed: 5, ragged: true) { random, _ in
      random.uniform() < 0.02 ? .nan : -10 * random.uniform()
    }
    let weighted = RewardTable(
      label: "r", rewards: .cells(source("r", 70, seed: 6)),
      logWeights: source("w", 70, seed: 7))
    let counts = RewardTable(
      label: "c",
      rewards: .counts(
        CountsTable(
          name: "c", sampleCounts: (0..<80).map { 30 + $0 % 5 },
          correctCounts: (0..<80).map { $0 % 30 })))
    let ensemble = RewardTable(
      label: "e",
      members: (0..<3).map { model in
        RewardMember(
          name: "m\(model)",
          source: source("m\(model)", 66, seed: 20 + UInt64(model)) { random, index in
            random.uniform() < 0.01
              ? .nan : Double(model) + 0.1 * Double(index % 3) + random.normal()
          })
      }, gold: source("g", 66, seed: 30))
    return [
      SweepCase(name: "defaults", table: plain, request: request(), shards: [1, 3, 17]),
      SweepCase(
        name: "given grids", table: plain,
        request: request {
          $0.lambdas = [0, 0.3, 2]
          $0.bestOf = [1, 2, 8]
        }, shards: [1, 3, 17]),
      SweepCase(
        name: "budgets, policies, no resamples", table: plain,
        request: request {
          $0.klBudgets = [0.1, 1, 9]
          $0.resamples = 0
          $0.policies = [PolicyPoint(name: "a", kl: 0.5, reward: 0.4)]
        }),
      SweepCase(
        name: "bias-corrected", table: plain,
        request: request {
          $0.biasCorrect = true
          $0.klBudgets = [0.2]
        }),
      SweepCase(
        name: "every curve", table: plain,
        request: request {
          $0.curves = [
            .tilt, .bestOfN, .bestOfPoisson, .softBestOfN, .rewindAndRepeat, .equalKL,
          ]
          $0.bestOf = [1, 2, 5]
        }),
      SweepCase(name: "two prompts", table: few, request: request { $0.bestOf = [1, 4] }),
      SweepCase(
        name: "ragged, gold, log-probabilities, missing cells", table: gold,
        request: request {
          $0.missing = .drop
          $0.bestOf = [1, 2, 4]
        }, shards: [17]),
      SweepCase(name: "log weights", table: weighted, request: request()),
      SweepCase(name: "counts", table: counts, request: request()),
      SweepCase(
        name: "an ensemble with gold", table: ensemble,
        request: request {
          $0.ensemble = .mean
          $0.standardize = .model
          $0.missing = .drop
          $0.bestOf = [1, 4]
        }, shards: [1, 3]),
      mixed([.float64, .float32]), mixed([.float32, .float64]),
    ]
  }()

  /// Members of unlike storage, in an order: what a merge does not know. The grid is so fine that single precision would
  /// read frontiers off, and so coarse that double precision would not.
  private static func mixed(_ storages: [CellStorage]) -> SweepCase {
    let members = storages.enumerated().map { index, storage in
      var random = SeededGenerator(seed: 40 + UInt64(index))
      let rows = (0..<20).map { _ in (0..<300).map { _ in Double(Float(random.normal())) } }
      return RewardMember(
        name: "m\(index)", source: MemorySource(name: "m\(index)", rows: rows, storage: storage))
    }
    return SweepCase(
      name: "an ensemble of \(storages[0]) and \(storages[1])",
      table: RewardTable(label: "e", members: members),
      request: request {
        $0.ensemble = .mean
        $0.lambdas = (0..<32).map { Elementary.exp(-4 + 0.22 * Double($0)) }
        $0.bestOf = [2, 8, 32, 64]
      }, shards: [1, 3])
  }
}

@Suite("Sweeps in shards")
struct SweepTests {
  /// Every cell of a report; descriptions of doubles tell every bit.
  private static func cells(_ report: Report) -> [[String]] {
    report.points.map { point in FrontierPoint.columns.map { "\($0.name) \($0.cell(point))" } }
  }

  /// Runs a sweep to its end.
  static func sweep(
    _ item: SweepCase, shards count: Int, order: (inout [Int]) -> Void = { _ in }
  ) throws -> (report: Report, rounds: Int) {
    var previous: SweepState?
    for round in 1...60 {
      var indices = Array(1...count)
      order(&indices)
      var states: [(name: String, state: SweepState)] = []
      for index in indices {
        let shard = try #require(Shard(index: index, count: count))
        let state = try #require(
          try Engine().shard(item.table, item.request, shard: shard, after: previous))
        // Through bytes, as files bring them.
        states.append(("\(index).state", try SweepState(bytes: state.bytes)))
      }
      if let previous { states.insert(("sweep.state", previous), at: states.count / 2) }
      switch try Engine().merge(states) {
      case .report(let report, let state):
        #expect(state.isFinished)
        // Nothing is left to run.
        let first = try #require(Shard(index: 1, count: count))
        #expect(try Engine().shard(item.table, item.request, shard: first, after: state) == nil)
        guard case .report(let again, _) = try Engine().merge(states + [("done", state)]) else {
          throw EsscherError(.internal, "a finished sweep has a report")
        }
        #expect(cells(again) == cells(report))
        return (report, round)
      case .nextRound(let state): previous = try SweepState(bytes: state.bytes)
      }
    }
    throw EsscherError(.internal, "the sweep does not end")
  }

  @Test("the report of one run, from any number of shards in any order", arguments: SweepCase.all)
  func bits(item: SweepCase) throws {
    let whole = try Engine().frontier(item.table, item.request)
    var random = SeededGenerator(seed: 11)
    for count in item.shards {
      let (report, rounds) = try Self.sweep(item, shards: count) { $0.shuffle(using: &random) }
      #expect(Self.cells(report) == Self.cells(whole), "\(count) shards, \(rounds) rounds")
      #expect(report.warnings == whole.warnings)
      #expect(report.provenance.promptCount == whole.provenance.promptCount)
      #expect(report.provenance.droppedSamples == whole.provenance.droppedSamples)
      #expect(report.provenance.tilts == whole.provenance.tilts)
    }
  }

  @Test("the same from shards that hold their own prompts alone", arguments: SweepCase.all)
  func parts(item: SweepCase) throws {
    let whole = try Engine().frontier(item.table, item.request)
    let prompts = whole.provenance.promptCount + whole.provenance.droppedPrompts
    // Parts of unlike sizes, the second one empty.
    let cuts = [0, prompts / 3, prompts / 3, prompts]
    var previous: SweepState?
    for _ in 1...60 {
      var states: [(name: String, state: SweepState)] = previous.map { [("sweep", $0)] } ?? []
      for index in [2, 3, 1] {
        let rows = cuts[index - 1]..<cuts[index]
        let shard = try #require(Shard(index: index, count: 3))
        let state = try #require(
          try Engine().shard(
            part: item.table.rows(rows), item.request, shard: shard, rows: rows, of: prompts,
            after: previous))
        states.append(("\(index)", state))
      }
      switch try Engine().merge(states) {
      case .nextRound(let state): previous = state
      case .report(let report, _):
        #expect(Self.cells(report) == Self.cells(whole))
        #expect(report.warnings == whole.warnings)
        return
      }
    }
    Issue.record("the sweep does not end")
  }

  @Test("given grids need a round for best-of-n's efficiency, and tilts alone need none")
  func rounds() throws {
    let item = SweepCase.all[1]
    let rounds = try Self.sweep(item, shards: 3).rounds
    // The efficiency's solver may need two passes.
    #expect((2...3).contains(rounds), "\(rounds) rounds")
    var request = item.request
    request.curves = [.tilt]
    let tilts = SweepCase(name: "tilts", table: item.table, request: request)
    #expect(try Self.sweep(tilts, shards: 3).rounds == 1)
  }

  @Test("shards part prompts evenly, whatever their number")
  func parts() throws {
    for (prompts, count) in [(10, 3), (2, 17), (0, 2), (Int.max, 7), (1000, 1)] {
      var end = 0
      for index in 1...count {
        let rows = try #require(Shard(index: index, count: count)).rows(of: prompts)
        #expect(rows.lowerBound == end)
        #expect((prompts / count...prompts / count + 1).contains(rows.count))
        end = rows.upperBound
      }
      #expect(end == prompts)
    }
    #expect(Shard(index: 0, count: 3) == nil)
    #expect(Shard(index: 4, count: 3) == nil)
    #expect(Shard(index: 1, count: 0) == nil)
  }
}

extension RewardTable {
  /// Some rows as a table of their own.
  fileprivate func rows(_ rows: Range<Int>) throws -> RewardTable {
    func part(_ source: any RewardSource) throws -> MemorySource {
      MemorySource(
        name: source.name,
        rows: try rows.map { row in
          var cells = [Double](repeating: 0, count: source.sampleCount(row: row))
          unsafe try cells.withUnsafeMutableBufferPointer {
            unsafe try source.copyDoubles(rows: row..<row + 1, columns: nil, to: $0)
          }
          return cells
        }, storage: source.storage)
    }
    var table = self
    switch rewards {
    case .cells(let source): table.rewards = .cells(try part(source))
    case .counts(let counts):
      table.rewards = .counts(
        CountsTable(
          name: counts.name, sampleCounts: Array(counts.sampleCounts[rows]),
          correctCounts: Array(counts.correctCounts[rows])))
    }
    table.members = try members.map { RewardMember(name: $0.name, source: try part($0.source)) }
    table.gold = try gold.map(part)
    table.logWeights = try logWeights.map(part)
    table.logProbabilities = try logProbabilities.map(part)
    return table
  }
}

// SPDX-License-Identifier: Apache-2.0
// States that do not belong together, and states that are damaged.

import EsscherTestSupport
import Testing

@testable import Esscher

@Suite("sweeps: refusals")
struct SweepRefusalTests {
  private func state(
    _ index: Int, of count: Int, _ change: (inout FrontierRequest) -> Void = { _ in }
  ) throws -> SweepState {
    var request = SweepCase.all[1].request
    change(&request)
    let shard = try #require(Shard(index: index, count: count))
    return try #require(
      try Engine().shard(SweepCase.all[1].table, request, shard: shard, after: nil))
  }

  private func refusal(_ states: [(name: String, state: SweepState)]) -> EsscherError? {
    do {
      _ = try Engine().merge(states)
      return nil
    } catch { return error }
  }

  private func refusal(
    _ request: FrontierRequest, _ shard: Shard, after previous: SweepState
  ) -> EsscherError? {
    do {
      _ = try Engine().shard(SweepCase.all[1].table, request, shard: shard, after: previous)
      return nil
    } catch { return error }
  }

  @Test("states that do not belong together are refused with what is wrong")
  func refusals() throws {
    let (one, two) = (try state(1, of: 2), try state(2, of: 2))
    let missing = refusal([("1", one)])
    #expect(missing?.message.contains("shard 2 of 2 is missing") == true)
    let repeated = refusal([("1", one), ("2", two), ("x", one)])
    #expect(repeated?.message.contains("is shard 1 of 2, and so is 1") == true)
    let other = refusal([("1", one), ("2", try state(2, of: 2) { $0.seed = 4 })])
    #expect(other?.message.contains("--seed is 4 here and 3 there") == true)
    #expect(other?.location?.file == "2")
    let parts = refusal([("1", one), ("2", try state(2, of: 3))])
    #expect(parts?.message.contains("of 3 shards") == true)
    #expect(refusal([])?.code == .usage)
    guard case .nextRound(let merged) = try Engine().merge([("1", one), ("2", two)]) else {
      Issue.record("a sweep with best-of-n has a second round")
      return
    }
    let table = SweepCase.all[1].table
    let shard = try #require(Shard(index: 1, count: 2))
    let later = try #require(
      try Engine().shard(table, SweepCase.all[1].request, shard: shard, after: merged))
    let mixed = refusal([("1", later), ("2", two), ("sweep", merged)])
    #expect(mixed?.message.contains("goes by another merge") == true)
    let alone = refusal([("1", later)])
    #expect(alone?.message.contains("missing") == true)
    let changed = refusal(SweepCase.all[0].request, shard, after: merged)
    #expect(
      changed?.message.contains("--lambdas is 0.0,0.3,2.0 there and the default here") == true)
    let shards = refusal(SweepCase.all[1].request, shard, after: one)
    #expect(shards?.message.contains("the state of a shard") == true)
  }

  @Test("shards and rounds read one table, whichever way each reads it")
  func tables() throws {
    func record(
      _ format: String, _ element: String, _ shape: [Int], role: String = "rewards"
    ) -> InputRecord {
      InputRecord(
        role: role, name: "k", format: format, elementType: element, shape: shape, path: nil)
    }
    func state(_ index: Int, _ inputs: [InputRecord], after: SweepState? = nil) throws -> SweepState
    {
      var table = SweepCase.all[1].table
      table.inputs = inputs
      let shard = try #require(Shard(index: index, count: 2))
      return try #require(
        try Engine().shard(table, SweepCase.all[1].request, shard: shard, after: after))
    }
    let npy = [record("npy", "<f4", [9, 8])]
    for (others, isAlike) in [
      (npy, true), ([record("memory", "<f4", [9, 8])], true), ([record("csv", "text", [])], true),
      ([record("csv", "text", [9, 8])], true), ([record("csv", "text", [9, 7])], false),
      ([record("memory", "<f8", [9, 8])], false), ([record("memory", "<f4", [8, 9])], false),
      ([record("npy", "<f4", [9, 7])], false),
      ([record("npy", "<f4", [9, 8], role: "gold")], false), (npy + npy, false),
      (npy + [record("csv", "text", [1], role: "policies")], true),
    ] {
      let states = [("1", try state(1, npy)), ("2", try state(2, others))]
      let refused = refusal(states)
      #expect((refused == nil) == isAlike, "\(others): \(String(describing: refused))")
      guard
        case .nextRound(let merged) = try Engine().merge([
          ("1", try state(1, npy)), ("2", try state(2, npy)),
        ])
      else {
        Issue.record("a sweep with best-of-n has a second round")
        return
      }
      var late: EsscherError?
      do { _ = try state(2, others, after: merged) } catch let error as EsscherError {
        late = error
      }
      #expect((late == nil) == isAlike)
      if let late { #expect(late.message.contains("another table")) }
    }
  }

  @Test("states with wrong contents and a right checksum end in a report or a sentence")
  func forgery() throws {
    // One shard with few replicates, so that most bytes are counts, lengths and settings.
    let table = SweepCase.all[1].table
    var request = SweepCase.all[1].request
    request.resamples = 2
    request.curves = [.tilt]
    let shard = try #require(Shard(index: 1, count: 1))
    let first = try #require(try Engine().shard(table, request, shard: shard, after: nil))
    let bytes = first.bytes
    var random = SeededGenerator(seed: 13)
    var refused = 0
    for turn in 0..<600 {
      var forged = Array(bytes.dropLast(8))
      // The first half of the turns change the question, the others anything.
      let reach = turn < 300 ? 400 : forged.count
      for _ in 0..<(1 + turn % 3) {
        let place = 20 + Int(random.next() % UInt64(reach - 20))
        forged[place] = turn.isMultiple(of: 2) ? UInt8(random.next() % 256) : 0xFF
      }
      var sum: UInt64 = 0xCBF2_9CE4_8422_2325
      for byte in forged { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
      for shift in stride(from: 0, to: 64, by: 8) {
        forged.append(UInt8(truncatingIfNeeded: sum >> UInt64(shift)))
      }
      do throws(EsscherError) {
        _ = try Engine().merge([("forged", try SweepState(bytes: forged))])
      } catch {
        refused += 1
        #expect(!error.message.isEmpty)
      }
    }
    #expect(refused > 100)
  }

  @Test("damaged bytes are refused, wherever the damage is")
  func damage() throws {
    let bytes = try state(1, of: 2).bytes
    #expect(try SweepState(bytes: bytes).bytes == bytes)
    var random = SeededGenerator(seed: 12)
    for _ in 0..<200 {
      var broken = bytes
      let place = Int(random.next() % UInt64(bytes.count))
      broken[place] ^= UInt8(1 + random.next() % 255)
      for wrong in [broken, Array(bytes[..<place]), bytes + [0]] {
        #expect((try? SweepState(bytes: wrong)) == nil)
      }
    }
  }
}

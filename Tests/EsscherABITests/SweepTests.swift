// SPDX-License-Identifier: Apache-2.0
// Sweeps in shards through esscher_sweep.h.

import CEsscher
import EsscherTestSupport
import Testing

@Suite("C interface: sweeps")
struct SweepTests {
  /// A state that is destroyed with its owner.
  final class State {
    let handle: OpaquePointer

    init(_ handle: OpaquePointer) { self.handle = handle }

    init(_ bytes: [UInt8], _ name: String = "made") throws {
      var created: OpaquePointer?
      try call { error in
        created = esscher_state_create(bytes, bytes.count, name, error)
        return created == nil ? esscher_error_status(error.pointee) : Int32(ESSCHER_OK)
      }
      handle = try #require(created)
    }

    var bytes: [UInt8] {
      var length = 0
      let pointer = esscher_state_bytes(handle, &length)
      return Array(UnsafeRawBufferPointer(start: pointer, count: length))
    }

    deinit { esscher_state_destroy(handle) }
  }

  private static let rows: [[Float]] = (0..<100).map { row in
    (0..<16).map { column in
      let step = Float((row * 31 + column * 17) % 13) / 2
      return step + Float(row % 7 * column) / 64
    }
  }

  private func table(_ rows: Range<Int>) throws -> Table {
    let table = try Table()
    try table.add(rows: Array(Self.rows[rows]))
    return table
  }

  private func shard(
    _ index: Int, _ count: Int, first: Int = 0, of prompts: Int = 0
  ) -> esscher_shard {
    esscher_shard(
      size: MemoryLayout<esscher_shard>.size, index: Int64(index), count: Int64(count),
      prompts: Int64(prompts), first_prompt: Int64(first))
  }

  private func run(
    _ table: Table, _ options: Options, _ shard: esscher_shard, after: State?
  ) throws -> State {
    var state: OpaquePointer?
    var shard = shard
    try call {
      esscher_shard_run(table.handle, options.handle, &shard, after?.handle, nil, &state, $0)
    }
    return State(try #require(state))
  }

  private func merge(
    _ states: [State]
  ) throws -> (report: String?, state: State, status: Int32) {
    var (report, state): (OpaquePointer?, OpaquePointer?) = (nil, nil)
    var error: OpaquePointer?
    let handles: [OpaquePointer?] = states.map(\.handle)
    let status = esscher_merge(handles, Int64(handles.count), &report, &state, &error)
    defer {
      esscher_report_destroy(report)
      esscher_error_destroy(error)
    }
    guard error == nil else {
      throw Refusal(
        status: status, message: String(cString: esscher_error_message(error)), location: "")
    }
    var text: UnsafePointer<CChar>?
    if report != nil { try call { esscher_report_text(report, "csv", &text, nil, $0) } }
    return (text.map { String(cString: $0) }, State(try #require(state)), status)
  }

  @Test(
    "whole tables and parts give the bytes of one run",
    arguments: [true, false], [["lambdas", "0,0.3,2"], ["curves", "tilt,best_of_n"]])
  func bytes(holdsAll: Bool, setting: [String]) throws {
    // The second setting leaves the default grid, which looks at a few prompts first.
    let options = try Options([], isUsual: setting[0] == "lambdas")
    for (name, value) in [("resamples", "30"), ("device", "cpu"), (setting[0], setting[1])] {
      try options.set(name, value)
    }
    let whole = try FrontierReport(try table(0..<100), options).text()
    let cuts = [0, 7, 60, 100]
    var previous: State?
    for round in 0..<40 {
      var states: [State] = previous.map { [$0] } ?? []
      for index in [3, 1, 2] {
        let state =
          holdsAll
          ? try run(try table(0..<100), options, shard(index, 3), after: previous)
          : try run(
            try table(cuts[index - 1]..<cuts[index]), options,
            shard(index, 3, first: cuts[index - 1], of: 100), after: previous)
        #expect(esscher_state_round(state.handle) == Int64(round))
        #expect(esscher_state_is_finished(state.handle) == 0)
        states.append(try State(state.bytes))
      }
      let merged = try merge(states)
      previous = try State(merged.state.bytes)
      #expect(esscher_state_round(merged.state.handle) == Int64(round + 1))
      guard let report = merged.report else {
        #expect(merged.status == ESSCHER_ANOTHER_ROUND)
        continue
      }
      #expect(merged.status == ESSCHER_OK && report == whole)
      #expect(esscher_state_is_finished(merged.state.handle) == 1)
      var nothing: OpaquePointer?
      var first = holdsAll ? shard(1, 3) : shard(1, 3, first: 0, of: 100)
      let rest = try table(holdsAll ? 0..<100 : 0..<7)
      try call {
        esscher_shard_run(
          rest.handle, options.handle, &first, merged.state.handle, nil, &nothing, $0)
      }
      #expect(nothing == nil, "a finished sweep leaves nothing to run")
      return
    }
    Issue.record("the sweep does not end")
  }

  @Test("arguments that make no sweep are refused")
  func refusals() throws {
    let (options, all) = (try Options(), try table(0..<100))
    for (bad, sentence) in [
      (shard(0, 3), "number shards from 1"), (shard(4, 3), "number shards from 1"),
      (shard(1, 3, first: 1, of: 100), "say where its prompts are"),
      (shard(1, 3, first: -1, of: 100), "say where its prompts are"),
      (shard(1, 3, first: .max, of: 100), "say where its prompts are"),
      (shard(1, 3, first: 0, of: -1), "say where its prompts are"),
      (shard(1, 3, first: 0, of: 1 << 61), "it takes up to"),
      (shard(1, 3, first: .max, of: .max), "it takes up to"),
    ] {
      let found = try refusal { _ = try run(all, options, bad, after: nil) }
      #expect(found.status == ESSCHER_USAGE && found.message.contains(sentence), "\(found.message)")
    }
    var (state, error): (OpaquePointer?, OpaquePointer?) = (nil, nil)
    var one = shard(1, 1)
    #expect(esscher_shard_run(nil, nil, &one, nil, nil, &state, &error) == ESSCHER_USAGE)
    esscher_error_destroy(error)
    #expect(esscher_shard_run(all.handle, nil, nil, nil, nil, &state, nil) == ESSCHER_USAGE)
    #expect(esscher_shard_run(all.handle, nil, &one, nil, nil, nil, nil) == ESSCHER_USAGE)
    one.size = 3
    #expect(esscher_shard_run(all.handle, nil, &one, nil, nil, &state, nil) == ESSCHER_USAGE)
    #expect(esscher_merge(nil, 1, &state, nil, nil) == ESSCHER_USAGE)
    #expect(esscher_merge([nil], 1, &state, nil, nil) == ESSCHER_USAGE)
    #expect(esscher_merge([nil], -1, &state, nil, nil) == ESSCHER_USAGE)
    #expect(esscher_state_round(nil) == -1)
    #expect(esscher_state_is_finished(nil) == 0)
    #expect(esscher_state_bytes(nil, nil) == nil)
    esscher_state_destroy(nil)
    #expect(esscher_state_create(nil, 3, "x", nil) == nil)
    // What is no state is seen to be none before its claimed length is copied.
    let other = [UInt8](repeating: 7, count: 64)
    #expect(esscher_state_create(other, 1 << 32, "x", nil) == nil)
    #expect(esscher_state_create(other, 1 << 62, "x", nil) == nil)
    let text = try refusal { _ = try State(Array("no state".utf8), "file.state") }
    #expect(text.status == ESSCHER_BAD_INPUT)
    #expect(
      text.message == "file.state: is no state of a sweep; name files that esscher frontier "
        + "--state or esscher merge wrote")
    let first = try run(all, options, shard(1, 2), after: nil)
    let missing = try refusal { _ = try merge([first]) }
    #expect(missing.status == ESSCHER_BAD_INPUT)
    #expect(missing.message.contains("shard 2 of 2 is missing"))
  }
}

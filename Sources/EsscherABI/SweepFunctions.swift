// SPDX-License-Identifier: Apache-2.0
// Sweeps in shards. What each function does is documented in esscher_sweep.h, whose names they have.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CEsscher
internal import Esscher

/// A state takes some megabytes.
private let mostStateBytes = 1 << 32

/// See esscher_sweep.h.
@c @implementation
public func esscher_state_create(
  _ bytes: UnsafeRawPointer?, _ length: Int, _ name: UnsafePointer<CChar>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> OpaquePointer? {
  var made: OpaquePointer?
  _ = unsafe Call.status(error) { () throws(EsscherError) in
    let name = try unsafe Argument.text(name, "The name of the state")
    guard let bytes = unsafe bytes, length > 0, length <= mostStateBytes else {
      throw EsscherError(
        .usage,
        "The bytes of the state are NULL, or \(length) of them; pass those that were kept, from 1 to "
          + "\(mostStateBytes).")
    }
    let buffer = unsafe UnsafeRawBufferPointer(start: bytes, count: length)
    do throws(EsscherError) {
      // Before anything is copied: a wrong length is known by what it leads to.
      try unsafe SweepState.checkHeader(Array(buffer.prefix(SweepState.headerLength)))
      let state = try unsafe SweepState(bytes: Array(buffer))
      unsafe made = StateHandle(state, name: name).handle
    } catch {
      throw EsscherError(error.code, error.message, at: EsscherError.Location(file: name))
    }
  }
  return unsafe made
}

/// See esscher_sweep.h.
@c @implementation
public func esscher_state_destroy(_ state: OpaquePointer?) { unsafe StateHandle.release(state) }

/// See esscher_sweep.h.
@c @implementation
public func esscher_state_bytes(
  _ state: OpaquePointer?, _ length: UnsafeMutablePointer<Int>?
) -> UnsafeRawPointer? {
  let bytes = unsafe StateHandle.object(state)?.rawBytes
  if let length = unsafe length { unsafe length.pointee = bytes?.count ?? 0 }
  return unsafe bytes?.baseAddress
}

/// See esscher_sweep.h.
@c @implementation
public func esscher_state_round(_ state: OpaquePointer?) -> Int64 {
  unsafe StateHandle.object(state).map { Int64($0.state.round) } ?? -1
}

/// See esscher_sweep.h.
@c @implementation
public func esscher_state_is_finished(_ state: OpaquePointer?) -> Int32 {
  unsafe StateHandle.object(state)?.state.isFinished == true ? 1 : 0
}

/// See esscher_sweep.h.
@c @implementation
public func esscher_shard_run(
  _ table: OpaquePointer?, _ options: OpaquePointer?, _ shard: UnsafePointer<esscher_shard>?,
  _ after: OpaquePointer?, _ observer: UnsafePointer<esscher_observer>?,
  _ state: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  if let state = unsafe state { unsafe state.pointee = nil }
  return unsafe Call.status(error) { () throws(EsscherError) in
    guard let state = unsafe state else {
      throw EsscherError(
        .usage, "There is nowhere to put the state; pass the address of a pointer.")
    }
    guard let shard = unsafe shard else {
      throw EsscherError(.usage, "The shard is NULL; say which prompts the table holds.")
    }
    let asked = try unsafe SizedStruct.read(
      shard, zero: esscher_shard(), least: 3 * MemoryLayout<Int>.size, name: "esscher_shard")
    guard let part = Shard(index: Int(asked.index), count: Int(asked.count)) else {
      throw EsscherError(
        .usage,
        "The shard is \(asked.index) of \(asked.count); number shards from 1 to their count.")
    }
    let rewards = try unsafe TableHandle.required(table).table()
    let request = unsafe RequestHandle.object(options)?.request ?? FrontierRequest()
    let watching = try unsafe ObserverArgument(observer).observer
    let previous = unsafe StateHandle.object(after)
    let result: SweepState?
    do throws(EsscherError) {
      result = try run(rewards, request, part, asked, after: previous?.state, watching)
    } catch {
      // What is wrong without a place is the state that the shard was to go by.
      guard error.location == nil, error.code == .badInput, let previous else { throw error }
      throw EsscherError(error.code, error.message, at: EsscherError.Location(file: previous.name))
    }
    if let result { unsafe state.pointee = StateHandle(result, name: "shard \(part.index)").handle }
  }
}

/// A shard of a table that holds all prompts, or its own.
private func run(
  _ rewards: RewardTable, _ request: FrontierRequest, _ shard: Shard, _ asked: esscher_shard,
  after previous: SweepState?, _ observer: RunObserver
) throws(EsscherError) -> SweepState? {
  if asked.prompts == 0, asked.first_prompt == 0 {
    return try Engine().shard(
      rewards, request, shard: shard, after: previous, observer: observer)
  }
  let first = Int(asked.first_prompt)
  let held =
    switch rewards.rewards {
    case .cells(let source): source.rowCount
    case .counts(let counts): counts.sampleCounts.count
    }
  guard asked.prompts <= Int64(UInt32.max) else {
    throw EsscherError(
      .usage, "The sweep has \(asked.prompts) prompts; it takes up to \(UInt32.max).")
  }
  guard first >= 0, asked.prompts >= 0, held <= Int(asked.prompts) - first else {
    throw EsscherError(
      .usage,
      "The table has \(held) prompts, and is said to begin at prompt \(first) of "
        + "\(asked.prompts); say where its prompts are.")
  }
  return try Engine().shard(
    part: rewards, request, shard: shard, rows: first..<first + held,
    of: Int(asked.prompts), after: previous, observer: observer)
}

/// See esscher_sweep.h.
@c @implementation
public func esscher_merge(
  _ states: UnsafePointer<OpaquePointer?>?, _ count: Int64,
  _ report: UnsafeMutablePointer<OpaquePointer?>?, _ state: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  if let report = unsafe report { unsafe report.pointee = nil }
  if let state = unsafe state { unsafe state.pointee = nil }
  var isFinished = true
  let status = unsafe Call.status(error) { () throws(EsscherError) in
    guard let report = unsafe report else {
      throw EsscherError(
        .usage, "There is nowhere to put the report; pass the address of a pointer.")
    }
    guard let states = unsafe states, (1...1 << 24).contains(count) else {
      throw EsscherError(.usage, "There are \(count) states to merge; pass one of every shard.")
    }
    var named: [(name: String, state: SweepState)] = []
    for index in 0..<Int(count) {
      let handle = try unsafe StateHandle.required(states[index])
      named.append((handle.name, handle.state))
    }
    switch try Engine().merge(named) {
    case .report(let result, let merged):
      unsafe report.pointee = ReportHandle(result).handle
      if let state = unsafe state {
        unsafe state.pointee = StateHandle(merged, name: "merge").handle
      }
    case .nextRound(let merged):
      isFinished = false
      if let state = unsafe state {
        unsafe state.pointee = StateHandle(merged, name: "merge").handle
      }
    }
  }
  return status == Int32(ESSCHER_OK) && !isFinished ? Int32(ESSCHER_ANOTHER_ROUND) : status
}

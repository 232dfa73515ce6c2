// SPDX-License-Identifier: Apache-2.0
// Rows of a table into a tile's staging memory, and from there to the device.

internal import EsscherCore

/// The cells of one table of a tile, on the host: what the device copies or works on.
///
/// Cells that are stored as floats stay floats where the device has memory of its own, so that half the bytes cross and it
/// makes doubles of them itself; and where a processor's kernel reads them once.
@safe
final class StagedCells {
  let memory: HostMemory
  let areFloats: Bool

  init(cells: Int, areFloats: Bool, isCopied: Bool, by queue: OpenCLQueue) {
    self.areFloats = areFloats
    memory = HostMemory(bytes: (areFloats ? 4 : 8) * cells, isCopied: isCopied, by: queue)
  }

  /// Copies a row to its place.
  ///
  /// - Parameter looks: whether to look for cells that are missing or infinite.
  /// - Returns: whether none was seen.
  func copy(
    _ source: any RewardSource, _ row: Int, _ count: Int, to offset: Int, looks: Bool
  ) throws(EsscherError) -> Bool {
    guard areFloats else {
      let place = unsafe memory.doubles + offset
      try unsafe source.copyDoubles(
        rows: row..<row + 1, columns: nil, to: .init(start: place, count: count))
      return unsafe !looks || place.allFinite(count: count)
    }
    let place = unsafe memory.floats + offset
    if let held = unsafe source.heldFloats(rows: row..<row + 1) {
      unsafe place.update(from: held, count: count)
    } else {
      try unsafe source.copyFloats(
        rows: row..<row + 1, columns: nil, to: .init(start: place, count: count))
    }
    return unsafe !looks || place.allFinite(count: count)
  }

  /// Calls `body` with a copied row as doubles, and keeps of it as many cells as that returns.
  func edit<Failure>(
    _ offset: Int, _ count: Int,
    _ body: (UnsafeMutablePointer<Double>) throws(Failure) -> Int
  ) throws(Failure) {
    guard areFloats else {
      _ = try unsafe body(memory.doubles + offset)
      return
    }
    let place = unsafe memory.floats + offset
    let scratch = UnsafeMutablePointer<Double>.allocate(capacity: max(count, 1))
    defer { unsafe scratch.deallocate() }
    for index in 0..<count { unsafe scratch[index] = Double(place[index]) }
    let kept = try unsafe body(scratch)
    // They are floats still: cells are moved, not changed, and none is where all are kept.
    guard kept < count else { return }
    for index in 0..<kept { unsafe place[index] = Float(scratch[index]) }
  }
}

/// Rows that the device reads where their source holds them.
@safe
final class HeldRows {
  let buffer: OpenCLBuffer

  init(_ start: UnsafePointer<Float>, cells: Int, on session: OpenCLSession) throws(OpenCLError) {
    buffer = try unsafe session.heldBuffer(start, 4 * cells, "the rewards in their place")
  }
}

extension TileMemory {
  /// Reads rows of a table and makes them fit for the statistics.
  ///
  /// - Parameter looks: whether to look for cells that are missing or infinite, and to do what is to be done about them.
  ///   Else the kernel finds them, and rows that their source holds are not even copied.
  func load(
    _ rows: Range<Int>, table: RewardTable, source: any RewardSource, missing: MissingPolicy,
    looks: Bool
  ) throws(EsscherError) {
    self.rows = rows
    isUnseen = !looks
    unsafe heldStart = looks ? nil : Self.hold(rows, source)
    offsets.removeAll(keepingCapacity: true)
    counts.removeAll(keepingCapacity: true)
    dropped.removeAll(keepingCapacity: true)
    var offset = 0
    for row in rows {
      let stored = source.sampleCount(row: row)
      var isClean = true
      if unsafe heldStart == nil {
        isClean = try staged.copy(source, row, stored, to: offset, looks: looks)
      }
      if let gold = table.gold {
        isClean = try stagedGold.copy(gold, row, stored, to: offset, looks: true) && isClean
      }
      var count = stored
      if table.logWeights != nil || !isClean {
        count = try amend(row, stored, offset, isClean, table, missing)
      }
      offsets.append(UInt64(offset))
      counts.append(UInt32(count))
      dropped.append(stored - count)
      offset += DeviceLayout.padded(stored)
    }
  }

  /// Leaves the source's memory alone from here on.
  func letGo() {
    held = nil
    unsafe heldStart = nil
  }

  /// Where the rows lie, if the kernels can read them there: vectors that begin in a row have to end in it.
  private static func hold(_ rows: Range<Int>, _ source: any RewardSource) -> UnsafePointer<Float>?
  {
    let counts = rows.map { source.sampleCount(row: $0) }
    guard counts.allSatisfy({ $0 % 8 == 0 }), counts.contains(where: { $0 > 0 }) else { return nil }
    return unsafe source.heldFloats(rows: rows)
  }

  /// Drops a row's missing cells and makes weights of its log weights.
  ///
  /// - Returns: how many samples are left.
  private func amend(
    _ row: Int, _ stored: Int, _ offset: Int, _ isClean: Bool, _ table: RewardTable,
    _ missing: MissingPolicy
  ) throws(EsscherError) -> Int {
    var weights: UnsafeMutablePointer<Double>?
    var isClean = isClean
    if let logWeights = table.logWeights {
      let place = unsafe weightMemory.doubles + offset
      try unsafe logWeights.copyDoubles(
        rows: row..<row + 1, columns: nil, to: .init(start: place, count: stored))
      isClean = unsafe place.allFinite(count: stored) && isClean
      unsafe weights = place
    }
    var count = stored
    func amend(
      _ rewards: UnsafeMutablePointer<Double>, _ gold: UnsafeMutablePointer<Double>?
    ) throws(EsscherError) -> Int {
      var cells = unsafe RowCells(values: rewards, gold: gold, weights: weights, count: stored)
      if !isClean { try cells.dropMissing(row: row, table: table, policy: missing) }
      if unsafe weights != nil { cells.normaliseWeights() }
      count = cells.count
      return count
    }
    try unsafe staged.edit(offset, stored) { (rewards) throws(EsscherError) -> Int in
      guard table.gold != nil else { return try unsafe amend(rewards, nil) }
      try unsafe stagedGold.edit(offset, stored) { (gold) throws(EsscherError) -> Int in
        try unsafe amend(rewards, gold)
      }
      return count
    }
    return count
  }

  /// Where each loaded row's tail begins among all, and one past the last.
  var tailStarts: [Int] {
    var starts = [0]
    for count in counts {
      starts.append(starts[starts.count - 1] + RowTail.count(sampleCount: Int(count)))
    }
    return starts
  }

  /// Starts the copies of the loaded rows to the device.
  func upload(
    classes rowClasses: [UInt32], withTails: Bool
  ) throws(OpenCLError) {
    guard usedCells > 0 else { return }
    try queue.enqueueWrite(offsets, to: deviceOffsets)
    try queue.enqueueWrite(counts, to: deviceCounts)
    if shape.ns > 0 { try queue.enqueueWrite(rowClasses, to: classes) }
    if shape.isSorted { try queue.enqueueWrite([UInt32(0)], to: tieCount) }
    if withTails { try queue.enqueueWrite(tailStarts.map { UInt64($0) }, to: tailOffsets) }
    held = nil
    if let start = unsafe heldStart {
      held = try unsafe HeldRows(start, cells: counts.reduce(0) { $0 + Int($1) }, on: queue.session)
    } else if shape.sendsFloats && shape.isSorted {
      try unsafe queue.enqueueWrite(staged.memory.start, 4 * usedCells, to: spareKeys)
    } else if shape.sendsFloats {
      try unsafe queue.enqueueWrite(staged.memory.start, 4 * usedCells, to: sent)
    } else {
      try unsafe queue.enqueueWrite(staged.memory.start, 8 * usedCells, to: rewards)
    }
    if shape.sendsGoldFloats && shape.isSorted {
      try unsafe queue.enqueueWrite(stagedGold.memory.start, 4 * usedCells, to: sortedGolds)
    } else if shape.sendsGoldFloats {
      try unsafe queue.enqueueWrite(stagedGold.memory.start, 4 * usedCells, to: sentGold)
    } else if shape.hasGold {
      try unsafe queue.enqueueWrite(stagedGold.memory.start, 8 * usedCells, to: golds)
    }
    if shape.hasWeights {
      try unsafe queue.enqueueWrite(weightMemory.start, 8 * usedCells, to: weightBuffer)
    }
  }

  /// Cells of the loaded rows, padding included: the kernels read whole vectors, and what lies behind a row's end is
  /// masked, whatever it is.
  var usedCells: Int {
    guard let last = offsets.last, let count = counts.last else { return 0 }
    return min(shape.cells, Int(last) + DeviceLayout.padded(max(Int(count), 1)))
  }
}

extension DeviceKernels {
  /// Cells that a lane makes doubles of.
  private static let widenedCells = 16

  /// Enqueues the doubles of what came as floats.
  func widen(_ tile: TileMemory, on queue: OpenCLQueue) throws(OpenCLError) {
    if tile.shape.sendsFloats {
      // Before the sort writes there.
      if tile.shape.isSorted {
        try widen.set(0, tile.spareKeys)
      } else {
        try widen.set(0, tile.sent)
      }
      try widen.set(1, tile.rewards)
      try launchWiden(tile.usedCells, on: queue)
    }
    if tile.shape.sendsGoldFloats {
      if tile.shape.isSorted {
        try widen.set(0, tile.sortedGolds)
      } else {
        try widen.set(0, tile.sentGold)
      }
      try widen.set(1, tile.golds)
      try launchWiden(tile.usedCells, on: queue)
    }
  }

  private func launchWiden(_ cells: Int, on queue: OpenCLQueue) throws(OpenCLError) {
    try widen.set(2, ulong: UInt64(cells))
    let share = tuning.lanes * Self.widenedCells
    try queue.launch(widen, groups: ((cells + share - 1) / share, 1), lanes: tuning.lanes)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Bootstrap sums that are the same bits in whatever order, and on whatever machines, prompts were added.

/// Replicate sums Σ c·x of the Poisson bootstrap in digits of 38 bits, so that they can be merged.
///
/// A column's value x = ± Σ_j d_j 2^{38j − 19} has digits that depend on x alone. The two uppermost digit places that any
/// prompt of a column fills are kept, and what lies below is cut off: which places these are is a maximum over
/// prompts, and integer sums are associative, so order, tiles, threads and shards change nothing. Backends add digits
/// as they add any statistics, in blocks short enough that sums of doubles hold integers exactly.
///
/// - Edge cases: an infinite or undefined value makes its column undefined in every replicate; values below 2^-969
///   in a column of nothing larger count as 0.
/// - Precision: each value is cut off at less than 2^-38 of the largest of its column, and at 2^-57 where that is near 1
///   (or 2^38, 2^-38, …): places lie so that the usual rewards and divergences fill half of their upper digit.
/// - Complexity: twice the columns of ``PoissonBootstrap``, and a pass over the sums every 2,048 prompts.
/// - Source: Demmel and Nguyen, Parallel reproducible summation, IEEE Trans. Comput. 64 (2015), for sums in bins.
public struct ReplicateSums: Sendable {
  /// Bits of a digit.
  static let digitBits = 38
  /// Numbers near 1 have their first bit this far up in their digit.
  private static let offset = 19
  /// Prompts of a block: counts are at most ``PoissonBootstrap/thresholds``' number, below 16, so that a block's sums
  /// of digits stay below 2^53: 2,048·15·2^38 < 2^53.
  package static let promptsPerBlock = 2048
  /// Places whose units are doubles with room to both sides.
  static let places = -24...27

  /// Number of replicates.
  public let replicateCount: Int
  /// Columns a prompt contributes.
  public let columnCount: Int
  /// Key of the counts.
  public let seed: UInt64
  /// Upper digit place of each column; nil of one with nothing but zeros so far.
  var upperPlaces: [Int?]
  /// Whether a column holds a value without digits.
  var isUndefined: [Bool]
  /// Σ c·digit, replicate-major, of each column the upper place and then the lower one: what fits 64 bits. Empty as
  /// long as the block holds all prompts.
  private var digits: [Int64] = []
  /// What does not, in units of 2^32; empty until there are many prompts.
  private var spilled: [Int64] = []
  /// Prompts in `digits` since the last spill.
  private var sinceSpill = 0
  /// Σ c of each replicate, without those of the block.
  var totals: [Int]
  /// Sums of digits of the prompts that came last, still doubles: adding them to `digits` is a pass over all sums.
  private var block: PoissonBootstrap?
  /// Prompts whose sums the block holds, at most ``promptsPerBlock``.
  private var blockPrompts = 0
  /// Digits of the prompts that are being added, kept from one call to the next: the allocator would give memory of this
  /// size back to the kernel, which would clear its pages anew. Not a part of the value.
  private var room: [Double] = []

  /// Prompts whose digits fit 64 bits beside 2^62: (2^19 + 2^11)·15·2^38 < 2^62.
  private static let promptsPerSpill = 1 << 19

  /// An empty bootstrap.
  public init(replicateCount: Int, columnCount: Int, seed: UInt64) {
    self.replicateCount = replicateCount
    self.columnCount = columnCount
    self.seed = seed
    upperPlaces = Array(repeating: nil, count: columnCount)
    isUndefined = Array(repeating: false, count: columnCount)
    totals = Array(repeating: 0, count: replicateCount)
  }

  /// Adds prompts.
  ///
  /// - Parameters:
  ///   - indices: the prompts' indices, which their counts depend on.
  ///   - values: a row of `columnCount` statistics for each of them.
  ///   - accumulate: adds digits to a block of at most 2,048 prompts.
  /// - Throws: what `accumulate` throws; the sums are of no use then.
  public mutating func add(
    indices: [Int], values: [Double],
    accumulate: (
      _ block: inout PoissonBootstrap, _ indices: [Int], _ digits: [Double]
    ) throws(EsscherError) -> Void
  ) throws(EsscherError) {
    precondition(values.count == indices.count * columnCount, "one row of values a prompt")
    guard replicateCount > 0, columnCount > 0 else { return }
    var start = 0
    while start < indices.count {
      if blockPrompts == Self.promptsPerBlock { fold(keepingRoom: true) }
      let prompts = start..<min(start + Self.promptsPerBlock - blockPrompts, indices.count)
      let cells = values[prompts.lowerBound * columnCount..<prompts.upperBound * columnCount]
      raise(to: cells)
      split(cells)
      // Taken out, lest it be copied.
      var block =
        self.block
        ?? PoissonBootstrap(
          replicateCount: replicateCount, columnCount: 2 * columnCount, seed: seed)
      self.block = nil
      defer { self.block = block }
      try accumulate(&block, Array(indices[prompts]), room)
      blockPrompts += prompts.count
      start = prompts.upperBound
    }
  }

  /// Frees the memory that only further prompts need; one that comes yet takes it anew.
  package mutating func releaseScratch() {
    room = []
    // Of few prompts the block holds everything.
    guard !digits.isEmpty else { return }
    fold()
    block = nil
  }

  /// Makes room for the largest of some values.
  private mutating func raise(to cells: ArraySlice<Double>) {
    var largest = [Double](repeating: 0, count: columnCount)
    unsafe cells.withUnsafeBufferPointer { cells in
      unsafe largest.withUnsafeMutableBufferPointer { largest in
        var slot = 0
        while slot < cells.count {
          for column in 0..<columnCount {
            let size = unsafe cells[slot + column].magnitude
            // An undefined value is not below anything, and leaves an infinite maximum.
            if !(unsafe size <= largest[column]) {
              unsafe largest[column] = size.isFinite ? size : .infinity
            }
          }
          slot += columnCount
        }
      }
    }
    for column in 0..<columnCount {
      guard largest[column].isFinite else {
        isUndefined[column] = true
        continue
      }
      if let place = Self.place(of: largest[column]) { raise(column, to: place) }
    }
  }

  /// The place of a number's first digit; nil of 0.
  static func place(of size: Double) -> Int? {
    guard size > 0 else { return nil }
    // Floor division also of negative exponents.
    let exponent = Int(size.exponent) + offset
    let place = exponent >= 0 ? exponent / digitBits : -((digitBits - 1 - exponent) / digitBits)
    return max(places.lowerBound, place)
  }

  /// Moves a column's digits down where a larger number is to come; those that fall off are dropped.
  private mutating func raise(_ column: Int, to place: Int) {
    guard let upper = upperPlaces[column], upper < place else {
      if upperPlaces[column] == nil { upperPlaces[column] = place }
      return
    }
    fold(keepingRoom: true)
    upperPlaces[column] = place
    guard !digits.isEmpty else { return }
    for replicate in 0..<replicateCount {
      let slot = 2 * (replicate * columnCount + column)
      let sum = place - upper == 1 ? digit(slot) : 0
      set(slot + 1, sum)
      set(slot, 0)
    }
  }

  /// Writes two digits a value, as doubles, to ``room``.
  private mutating func split(_ cells: ArraySlice<Double>) {
    let places = upperPlaces.map { $0 ?? 0 }
    let unit = places.map(Self.unit)
    let inverse = unit.map { 1 / $0 }
    let lowerInverse = places.map { 1 / Self.unit($0 - 1) }
    let (columns, isUndefined) = (columnCount, isUndefined)
    if room.count != 2 * cells.count {
      room.removeAll(keepingCapacity: true)
      room.append(contentsOf: repeatElement(0, count: 2 * cells.count))
    }
    unsafe room.withUnsafeMutableBufferPointer { digits in
      unsafe cells.withUnsafeBufferPointer { cells in
        for start in stride(from: 0, to: cells.count, by: columns) {
          for column in 0..<columns {
            let slot = start + column
            // Conversions cut off towards zero; powers of two make products and differences exact.
            let x = unsafe isUndefined[column] ? 0 : cells[slot]
            let upper = Double(Int64(x * inverse[column]))
            unsafe digits[2 * slot] = upper
            unsafe digits[2 * slot + 1] = Double(
              Int64((x - upper * unit[column]) * lowerInverse[column]))
          }
        }
      }
    }
  }

  /// 2^{38·place − 19}.
  private static func unit(_ place: Int) -> Double {
    Double(sign: .plus, exponent: digitBits * place - offset, significand: 1)
  }

  private mutating func makeRoom() {
    if digits.isEmpty { digits = Array(repeating: 0, count: slotCount) }
  }

  /// Adds the block to the digits.
  ///
  /// - Parameter keepingRoom: whether the block, empty, waits for further prompts.
  private mutating func fold(keepingRoom: Bool = false) {
    guard blockPrompts > 0, var block else { return }
    self.block = nil
    makeRoom()
    unsafe digits.withUnsafeMutableBufferPointer { digits in
      unsafe block.sums.withUnsafeBufferPointer { sums in
        // Integers below 2^53.
        for slot in 0..<sums.count { unsafe digits[slot] &+= Int64(sums[slot]) }
      }
    }
    for replicate in 0..<replicateCount { totals[replicate] += Int(block.totals[replicate]) }
    sinceSpill += blockPrompts
    if sinceSpill >= Self.promptsPerSpill { spill() }
    blockPrompts = 0
    guard keepingRoom else { return }
    block.reset()
    self.block = block
  }

  /// Sums of digits and of counts that are not folded yet; empty where none are.
  var pending: (digits: [Double], counts: [Double]) {
    blockPrompts > 0 ? (block?.sums ?? [], block?.totals ?? []) : ([], [])
  }

  /// The sum of a slot, with those of ``pending`` digits.
  func digit(_ slot: Int, pending: [Double] = []) -> Int128 {
    let inBlock = pending.isEmpty ? 0 : Int128(Int64(pending[slot]))
    guard !digits.isEmpty else { return inBlock }
    let small = Int128(truncatingIfNeeded: digits[slot]) &+ inBlock
    return spilled.isEmpty ? small : small &+ Int128(truncatingIfNeeded: spilled[slot]) &<< 32
  }

  /// Σ c of a replicate, with ``pending`` counts.
  func total(_ replicate: Int, pending: [Double]) -> Int {
    totals[replicate] + (pending.isEmpty ? 0 : Int(pending[replicate]))
  }

  /// Sets a slot's sum.
  mutating func set(_ slot: Int, _ sum: Int128) {
    makeRoom()
    if spilled.isEmpty {
      if let small = Int64(exactly: sum), small.magnitude < 1 << 62 {
        digits[slot] = small
        return
      }
      spill()
    }
    digits[slot] = Int64(truncatingIfNeeded: sum & 0xFFFF_FFFF)
    spilled[slot] = Int64(truncatingIfNeeded: sum >> 32)
  }

  /// Slots of sums.
  var slotCount: Int { 2 * replicateCount * columnCount }

  /// Leaves less than 2^32 in each of the sums of 64 bits.
  private mutating func spill() {
    if spilled.isEmpty { spilled = Array(repeating: 0, count: digits.count) }
    for slot in digits.indices {
      spilled[slot] &+= digits[slot] >> 32
      digits[slot] &= 0xFFFF_FFFF
    }
    sinceSpill = 0
  }

  /// Adds the sums of other prompts.
  ///
  /// - Precondition: the same replicates, columns and seed.
  public mutating func merge(_ other: ReplicateSums) {
    precondition(
      other.replicateCount == replicateCount && other.columnCount == columnCount
        && other.seed == seed, "sums of one bootstrap")
    var other = other
    fold()
    other.fold()
    for column in 0..<columnCount {
      isUndefined[column] = isUndefined[column] || other.isUndefined[column]
      if let place = other.upperPlaces[column] { raise(column, to: place) }
      if let place = upperPlaces[column] { other.raise(column, to: place) }
    }
    for slot in 0..<slotCount { set(slot, digit(slot) &+ other.digit(slot)) }
    sinceSpill = 0
    for replicate in totals.indices { totals[replicate] += other.totals[replicate] }
  }

  /// A column's replicate values, replicates without a prompt left out.
  public func replicates(column: Int) -> [Double] {
    var values: [Double] = []
    values.reserveCapacity(replicateCount)
    let unit = Self.unit((upperPlaces[column] ?? 0) - 1)
    let pending = pending
    for replicate in 0..<replicateCount {
      let total = total(replicate, pending: pending.counts)
      guard total > 0 else { continue }
      let slot = 2 * (replicate * columnCount + column)
      let sum =
        digit(slot, pending: pending.digits) &<< Int128(Self.digitBits)
        &+ digit(slot + 1, pending: pending.digits)
      values.append(
        isUndefined[column] ? .nan : Self.double(sum) * unit / Double(total))
    }
    return values
  }

  /// A double next to an integer, the nearest below 2^63; the library's own conversion is many times slower.
  private static func double(_ sum: Int128) -> Double {
    let high = Int64(truncatingIfNeeded: sum >> 64)
    let low = UInt64(truncatingIfNeeded: sum)
    if high == Int64(bitPattern: low) >> 63 { return Double(Int64(bitPattern: low)) }
    return Double(high) * 0x1p64 + Double(low)
  }

  /// Two-sided percentile interval of a column; see ``PoissonBootstrap/interval(column:confidence:)``.
  public func interval(column: Int, confidence: Double) -> (low: Double, high: Double)? {
    PoissonBootstrap.interval(of: replicates(column: column), confidence: confidence)
  }
}

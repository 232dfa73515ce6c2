// SPDX-License-Identifier: Apache-2.0
// What a shard of a sweep leaves for the merge, and a merge for the next round of shards.

/// A part of a sweep in a file's worth of bytes: what was asked, whose part it is, and the results of its passes.
///
/// The format begins with a line of text and a version and ends with a checksum. It holds sums and counts over
/// prompts, bootstrap sums and histograms, and nothing of a single prompt.
public struct SweepState: Sendable {
  /// Whose results these are.
  public enum Part: Sendable, Equatable {
    /// Some neighbouring prompts', as number `index` of `count`, from 1.
    case shard(index: Int, count: Int, rows: Range<Int>)
    /// All prompts', after a merge.
    case merged
  }

  /// One pass's result.
  package struct Pass: Sendable {
    package var name: String
    package var parameters: [Double]
    package var result: [UInt8]

    package init(name: String, parameters: [Double], result: [UInt8]) {
      (self.name, self.parameters, self.result) = (name, parameters, result)
    }
  }

  private static let magic = Array("Esscher sweep state\n".utf8)
  /// Version of the format.
  private static let format = 2

  /// Version of Esscher that made it.
  public private(set) var version: String
  /// Whose results these are.
  public private(set) var part: Part
  /// Rounds that are merged: of a merged state those that it holds, of a shard those before its own.
  public private(set) var round: Int
  /// Whether the sweep is answered, of a merged state.
  public private(set) var isFinished: Bool
  /// Whether every shard's table held all prompts.
  package private(set) var readsEverything: Bool
  /// Devices that the results came from.
  public private(set) var devices: [String]
  package private(set) var question: SweepQuestion
  package private(set) var inputs: [InputRecord]
  package private(set) var notes: [String]
  package private(set) var passes: [Pass]
  /// Passes that the next round has to answer, of a merged state that is not finished.
  package private(set) var pending: [Pass]
  /// Checksum of the merged state that a shard goes by; 0 in the first round.
  package private(set) var predecessor: UInt64

  /// A state from its parts.
  package init(
    version: String, part: Part, round: Int, isFinished: Bool,
    readsEverything: Bool, devices: [String], question: SweepQuestion, inputs: [InputRecord],
    notes: [String], passes: [Pass],
    pending: [Pass] = [], predecessor: UInt64 = 0
  ) {
    self.version = version
    self.part = part
    self.round = round
    self.isFinished = isFinished
    self.readsEverything = readsEverything
    self.devices = devices
    self.question = question
    self.inputs = inputs
    self.notes = notes
    self.passes = passes
    self.pending = pending
    self.predecessor = predecessor
  }

  // MARK: Bytes

  /// The state as bytes, the same on every machine.
  public var bytes: [UInt8] {
    var coder = StateCoder()
    var state = self
    // A writer has nothing to refuse.
    try? state.code(&coder)
    var bytes = Self.magic + coder.bytes
    let sum = Self.checksum(bytes)
    for shift in stride(from: 0, to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: sum >> UInt64(shift)))
    }
    return bytes
  }

  /// Checksum of the state, by which shards name the merge that they go by.
  package var checksum: UInt64 { Self.checksum(Array(bytes.dropLast(8))) }

  /// Reads a state.
  ///
  /// - Parameter bytes: what ``bytes`` gave.
  /// - Throws: `.badInput` for anything else, with a sentence that says what it is.
  public init(bytes: [UInt8]) throws(EsscherError) {
    try Self.checkHeader(bytes.prefix(Self.magic.count))
    guard bytes.count > Self.magic.count + 8 else { throw StateCoder.damaged }
    let body = Array(bytes.dropLast(8))
    var sum: UInt64 = 0
    for byte in bytes.suffix(8).reversed() { sum = sum << 8 | UInt64(byte) }
    guard sum == Self.checksum(body) else { throw StateCoder.damaged }
    var coder = StateCoder(reading: Array(body.dropFirst(Self.magic.count)))
    self.init(
      version: "", part: .merged, round: 0, isFinished: false, readsEverything: false,
      devices: [], question: SweepQuestion(), inputs: [], notes: [], passes: [])
    try code(&coder)
    guard coder.isAtEnd else { throw StateCoder.damaged }
  }

  /// Bytes that tell a state from other things.
  public static var headerLength: Int { magic.count }

  /// Refuses what does not begin as a state does.
  ///
  /// - Parameter bytes: the first ``headerLength``, or all there are.
  /// - Throws: `.badInput`.
  public static func checkHeader(_ bytes: some Sequence<UInt8>) throws(EsscherError) {
    guard bytes.starts(with: magic) else {
      throw EsscherError(
        .badInput,
        "is no state of a sweep; name files that esscher frontier --state or esscher merge wrote")
    }
  }

  /// FNV-1a of 64 bits: against truncation and accidents.
  private static func checksum(_ bytes: [UInt8]) -> UInt64 {
    var sum: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return sum
  }

  private mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    var format = Self.format
    try coder.code(&format)
    guard format == Self.format else {
      throw EsscherError(
        .badInput,
        "the state has format \(format), and this version of Esscher reads \(Self.format); use one "
          + "version for all shards and the merge")
    }
    try coder.code(&version)
    try code(part: &coder)
    try coder.code(&round)
    try coder.code(&isFinished)
    try coder.code(&readsEverything)
    try coder.code(&devices)
    try question.code(&coder)
    try coder.code(
      &inputs,
      empty: InputRecord(role: "", name: "", format: "", elementType: "", shape: [], path: nil)
    ) { (coder, input) throws(EsscherError) in
      try coder.code(&input.role)
      try coder.code(&input.name)
      try coder.code(&input.format)
      try coder.code(&input.elementType)
      try coder.code(&input.shape)
    }
    try coder.code(&notes)
    try Self.code(&passes, &coder)
    try Self.code(&pending, &coder)
    try coder.code(&predecessor)
  }

  private mutating func code(part coder: inout StateCoder) throws(EsscherError) {
    var numbers: [Int] = []
    if case .shard(let index, let count, let rows) = part {
      numbers = [index, count, rows.lowerBound, rows.upperBound]
    }
    try coder.code(&numbers)
    guard !numbers.isEmpty else {
      part = .merged
      return
    }
    guard numbers.count == 4, (1...1_000_000).contains(numbers[1]),
      (1...numbers[1]).contains(numbers[0]),
      numbers[2] >= 0, numbers[2] <= numbers[3]
    else { throw StateCoder.damaged }
    part = .shard(index: numbers[0], count: numbers[1], rows: numbers[2]..<numbers[3])
  }

  private static func code(
    _ passes: inout [Pass], _ coder: inout StateCoder
  ) throws(EsscherError) {
    try coder.code(&passes, empty: Pass(name: "", parameters: [], result: [])) {
      (coder, pass) throws(EsscherError) in
      try coder.code(&pass.name)
      try coder.code(&pass.parameters)
      try coder.code(&pass.result)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Rewards for benchmarks, in memory.

internal import EsscherCPU
public import EsscherCore

/// Normal rewards in single precision with a centre and a spread of each prompt's own, and gold rewards that
/// correlate with them.
///
/// Prompt p has centre N(0, ¼) and spread U(½, 3/2); a cell is a function of its position and the shape alone.
public struct BenchmarkMatrix: RewardSource {
  /// What the cells hold.
  public enum Content: Sendable {
    /// Centre + spread·z.
    case rewards
    /// 0.6·z + 0.8·noise, with the z of the rewards.
    case gold
  }

  /// Name for messages.
  public let name: String
  /// P, the number of prompts.
  public let rowCount: Int
  /// M of every prompt.
  public let longestSampleCount: Int
  /// Single precision.
  public var storage: CellStorage { .float32 }
  /// 1: rows are contiguous.
  public var preferredRowsPerRead: Int { 1 }
  private let cells: HeldFloats

  /// Makes the cells on every processor.
  ///
  /// - Parameters:
  ///   - prompts: P, at least 1.
  ///   - samples: M, at least 1.
  ///   - content: rewards, or the gold that goes with them.
  /// - Complexity: O(P·M), 4 bytes a cell and as many again while they are made.
  public init(prompts: Int, samples: Int, content: Content = .rewards) {
    precondition(prompts > 0 && samples > 0, "a matrix has rows and columns")
    name = content == .rewards ? "normal" : "gold"
    rowCount = prompts
    longestSampleCount = samples
    let (total, block) = (prompts * samples, 1 << 16)
    let parts = ParallelTiles.map(
      count: (total + block - 1) / block, threads: CPUBackend.availableThreads
    ) { index in
      let range = index * block..<min(total, (index + 1) * block)
      return Self.block(UInt64(index), range, samples: samples, content)
    }
    cells = HeldFloats(count: total)
    for (index, part) in parts.enumerated() { cells.set(part, at: index * block) }
  }

  /// Holds the cells of a source, so that jobs are timed without its reading.
  ///
  /// - Parameters:
  ///   - source: rewards.
  ///   - limit: bytes that they may take.
  /// - Returns: nil where the cells are not single precision, rows differ in length, or there are more of them.
  /// - Throws: what the source throws.
  public init?(holding source: any RewardSource, limit: Int) throws(EsscherError) {
    let samples = source.longestSampleCount
    let total = source.rowCount * samples
    guard source.storage == .float32, 4 * total <= limit,
      (0..<source.rowCount).allSatisfy({ source.sampleCount(row: $0) == samples })
    else { return nil }
    let held = HeldFloats(count: total)
    unsafe try source.copyFloats(rows: 0..<source.rowCount, columns: nil, to: held.buffer)
    name = source.name
    rowCount = source.rowCount
    longestSampleCount = samples
    cells = held
  }

  /// One block of cells, from random numbers of its own.
  private static func block(
    _ index: UInt64, _ range: Range<Int>, samples: Int, _ content: Content
  ) -> [Float] {
    var normals = NormalStream(seed: 2 * index)
    var noise = NormalStream(seed: 2 * index + 1)
    var (row, centre, spread) = (-1, 0.0, 1.0)
    return range.map { cell in
      let z = normals.next()
      if content == .gold { return Float(0.6 * z + 0.8 * noise.next()) }
      if cell / samples != row {
        row = cell / samples
        var numbers = NormalStream(seed: 1 << 63 + UInt64(row))
        centre = 0.5 * numbers.next()
        spread = 0.5 + numbers.uniform()
      }
      return Float(centre + spread * z)
    }
  }

  /// M.
  public func sampleCount(row: Int) -> Int { longestSampleCount }

  /// Copies cells; see `RewardSource`.
  public func copyFloats(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Float>
  ) throws(EsscherError) {
    let part = unsafe cells.buffer[cellRange(rows, columns)]
    _ = unsafe destination.update(fromContentsOf: part)
  }

  /// All cells are held; see `RewardSource`.
  public func heldFloats(rows: Range<Int>) -> UnsafePointer<Float>? {
    guard let base = unsafe cells.buffer.baseAddress else { return nil }
    return unsafe UnsafePointer(base + rows.lowerBound * longestSampleCount)
  }

  /// Copies cells as doubles; see `RewardSource`.
  public func copyDoubles(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Double>
  ) throws(EsscherError) {
    let range = cellRange(rows, columns)
    guard let base = unsafe cells.buffer.baseAddress, let target = destination.baseAddress
    else { return }
    let source = unsafe base + range.lowerBound
    for slot in 0..<range.count { unsafe target[slot] = Double(source[slot]) }
  }

  /// The name, row and column.
  public func location(row: Int, column: Int) -> EsscherError.Location {
    EsscherError.Location(file: name, row: row, column: column)
  }

  private func cellRange(_ rows: Range<Int>, _ columns: Range<Int>?) -> Range<Int> {
    let start = rows.lowerBound * longestSampleCount
    guard let columns else { return start..<rows.upperBound * longestSampleCount }
    return start + columns.lowerBound..<start + columns.upperBound
  }
}

/// Random numbers of a seed.
private struct NormalStream {
  private var state: UInt64
  private var spare: Double?

  /// Mixed, because streams whose states differ by few steps are shifts of one another.
  init(seed: UInt64) { state = Self.mix(seed &+ 1) }

  private static func mix(_ word: UInt64) -> UInt64 {
    var bits = (word ^ (word &>> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits &>> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits &>> 31)
  }

  /// In [0, 1).
  ///
  /// - Source: Steele, Lea and Flood (2014), SplitMix.
  @inline(__always)
  mutating func uniform() -> Double {
    state = state &+ 0x9E37_79B9_7F4A_7C15
    return Double(Self.mix(state) &>> 11) * 0x1p-53
  }

  /// N(0, 1), by Marsaglia's polar method: two at a time.
  @inline(__always)
  mutating func next() -> Double {
    if let number = spare {
      spare = nil
      return number
    }
    while true {
      let (u, v) = (2 * uniform() - 1, 2 * uniform() - 1)
      let square = u * u + v * v
      guard square < 1, square > 0 else { continue }
      let scale = (-2 * Elementary.log(square) / square).squareRoot()
      spare = v * scale
      return u * scale
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

public import EsscherCore
import Glibc
import Synchronization

/// Rows of floats that lie back to back at the very end of memory that may be read: whoever writes there, or reads a cell
/// further, ends the process.
@safe
public final class HeldFloatSource: RewardSource, @unchecked Sendable {
  // Unchecked: once it is filled, nothing can write to the memory.
  /// Name for messages.
  public let name = "held"
  /// Floats.
  public let storage = CellStorage.float32
  /// Samples of the longest prompt.
  public let longestSampleCount: Int
  private let offsets: [Int]
  private let region: UnsafeMutableRawPointer
  private let bytes: Int
  private let cells: UnsafeMutablePointer<Float>
  private let singles = Atomic<Int>(0)

  /// - Parameter rows: numbers that are floats, or NaN.
  public init(_ rows: [[Double]]) throws {
    longestSampleCount = rows.map(\.count).max() ?? 0
    offsets = rows.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    let page = Int(getpagesize())
    let total = 4 * offsets[rows.count]
    bytes = (total + page - 1) / page * page
    guard
      let region = unsafe mmap(
        nil, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      unsafe region != MAP_FAILED
    else { throw EsscherError(.internal, "no memory for \(total) bytes of rows") }
    unsafe self.region = region
    unsafe cells = (region + (bytes - total)).assumingMemoryBound(to: Float.self)
    for (row, values) in rows.enumerated() {
      for (column, value) in values.enumerated() {
        unsafe cells[offsets[row] + column] = Float(value)
      }
    }
    guard unsafe mprotect(region, bytes, PROT_READ) == 0,
      unsafe mprotect(region + bytes, page, PROT_NONE) == 0
    else { throw EsscherError(.internal, "memory cannot be protected") }
  }

  deinit { _ = unsafe munmap(region, bytes + Int(getpagesize())) }

  /// How often one row was asked for, in place or as a copy, as those do who look at each.
  public var singleReads: Int { singles.load(ordering: .relaxed) }

  /// P, the number of prompts.
  public var rowCount: Int { offsets.count - 1 }
  /// 1: rows are contiguous.
  public var preferredRowsPerRead: Int { 1 }
  /// Samples of one prompt.
  public func sampleCount(row: Int) -> Int { offsets[row + 1] - offsets[row] }

  /// The cells where they are.
  public func heldFloats(rows: Range<Int>) -> UnsafePointer<Float>? {
    countRead(rows)
    return unsafe UnsafePointer(cells + offsets[rows.lowerBound])
  }

  private func countRead(_ rows: Range<Int>) {
    if rows.count == 1 { singles.add(1, ordering: .relaxed) }
  }

  /// Copies cells as floats.
  public func copyFloats(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Float>
  ) throws(EsscherError) {
    countRead(rows)
    let start = offsets[rows.lowerBound] + (columns?.lowerBound ?? 0)
    for slot in 0..<destination.count { unsafe destination[slot] = cells[start + slot] }
  }

  /// Copies cells as doubles.
  public func copyDoubles(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Double>
  ) throws(EsscherError) {
    countRead(rows)
    let start = offsets[rows.lowerBound] + (columns?.lowerBound ?? 0)
    for slot in 0..<destination.count {
      unsafe destination[slot] = Double(cells[start + slot])
    }
  }

  /// The name, row and column.
  public func location(row: Int, column: Int) -> EsscherError.Location {
    EsscherError.Location(file: name, row: row, column: column)
  }
}

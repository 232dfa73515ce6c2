// SPDX-License-Identifier: Apache-2.0
// How bytes become fields and cells where readers take many at a time: against splitting and converting one
// by one.

import EsscherCore
import EsscherTestSupport
import Glibc
import Testing

@testable import EsscherIO

@Suite("Reading many bytes at a time")
struct ReadingTests {
  @Test("fields end where a byte-by-byte split says", arguments: [1, 2, 3, 4] as [UInt64])
  func fields(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    // Neighbours of separator and line feed in one bit, bytes with the top bit, zeros.
    let letters: [UInt8] = [0x2C, 0x0A, 0x2D, 0x0B, 0xAC, 0x8A, 0x00, 0x80, 0xFF, 0x61, 0x61, 0x61]
    for _ in 0..<2000 {
      let count = Int.random(in: 1...60, using: &random)
      let plain = Int.random(in: 1...letters.count, using: &random)
      let bytes = (0..<count).map { _ in
        // Stretches without an end are as long as the words that are searched, and longer.
        Int.random(in: 0..<4, using: &random) > 0
          ? letters[letters.count - 1] : letters[Int.random(in: 0..<plain, using: &random)]
      }
      var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
      if lines.last?.isEmpty == true { lines.removeLast() }
      let expected = lines.filter { !$0.isEmpty }.map { line in
        line.split(separator: 0x2C, omittingEmptySubsequences: false).map(Array.init)
      }
      var got: [[[UInt8]]] = []
      try unsafe bytes.withUnsafeBytes { bytes in
        var records = unsafe DelimitedRecords(bytes, separator: 0x2C, name: "made")
        while try records.next() { got.append(records.fields.indices.map { records.content($0) }) }
      }
      #expect(got == expected, "seed \(seed): \(bytes)")
    }
  }

  @Test(
    "runs of cells longer than one read, any rows and columns",
    arguments: [NPYElement.float32, .float64, .int16])
  func runs(element: NPYElement) throws {
    // A row has more cells than a read of 32 KiB; the header's length leaves cells unaligned.
    let (rows, columns) = (3, 20_011)
    var random = SeededGenerator(seed: 9)
    let stored = (0..<rows * columns).map { _ in Int16.random(in: -30_000...30_000, using: &random)
    }
    var payload: [UInt8] = []
    for value in stored {
      let bits: UInt64 =
        switch element {
        case .float32: UInt64(Float(value).bitPattern)
        case .float64: Double(value).bitPattern
        default: UInt64(UInt16(bitPattern: value))
        }
      for byte in 0..<element.size { payload.append(UInt8(truncatingIfNeeded: bits >> (8 * byte))) }
    }
    let file = ScratchFile(
      npy("<\(element.rawValue)", "(\(rows), \(columns))", payload), ending: ".npy")
    let source = try NPYSource(
      try InputFile(path: file.path, name: "made"), dtype: NPYDType(name: nil))
    for (part, cells) in [(0..<3, 0..<columns), (1..<2, 0..<columns), (2..<3, 17..<16_500)] {
      var got = [Double](repeating: .nan, count: part.count * cells.count)
      var failure: EsscherError?
      unsafe got.withUnsafeMutableBufferPointer { target in
        do throws(EsscherError) {
          try unsafe source.copyDoubles(
            rows: part, columns: part.count > 1 ? nil : cells, to: target)
        } catch { failure = error }
      }
      #expect(failure == nil)
      let want = part.flatMap { row in cells.map { Double(stored[row * columns + $0]) } }
      #expect(got == want)
    }
  }

  @Test("a file that becomes shorter is refused, not a crash")
  func shortened() throws {
    let payload = [UInt8](repeating: 0, count: 4 * 100_000)
    let file = ScratchFile(npy("<f4", "(10, 10000)", payload), ending: ".npy")
    let source = try NPYSource(
      try InputFile(path: file.path, name: "made"), dtype: NPYDType(name: nil))
    let status = unsafe truncate(file.path, 40_100)
    #expect(status == 0)
    var cells = [Double](repeating: 0, count: 10_000)
    var failure: EsscherError?
    unsafe cells.withUnsafeMutableBufferPointer { target in
      do throws(EsscherError) {
        try unsafe source.copyDoubles(rows: 5..<6, columns: nil, to: target)
      } catch { failure = error }
    }
    #expect(failure?.description.contains("shorter") == true)
  }
}

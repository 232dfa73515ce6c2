// SPDX-License-Identifier: Apache-2.0
// The numbers of the interface are the numbers of the program: the same cells from an .npy file, byte for byte.

import CEsscher
import EsscherCore
import EsscherTestSupport
import Testing

@testable import EsscherCLI

/// Streams that are kept.
private final class KeptConsole: Console {
  var outputIsTerminal: Bool { false }
  var errorIsTerminal: Bool { false }
  private(set) var output = ""
  private(set) var errors = ""

  func environment(_ name: String) -> String? { nil }
  func print(_ text: String) throws(EsscherError) { output += text }
  func report(_ text: String) { errors += text }
}

/// Arrays of every kind, in memory and as files.
@Suite("C interface: numbers")
struct NumberTests {
  /// What the program writes for a file.
  static func program(_ file: borrowing ScratchFile, _ options: [String] = []) throws -> String {
    let console = KeptConsole()
    let code = CommandLineTool.run(
      arguments: [
        "esscher", "frontier", file.path, "--lambdas", "0,0.3,2", "--ns", "1,2,3", "--resamples",
        "30", "--device", "cpu", "--format", "csv", "--quiet",
      ] + options, console: console, isCancelled: { false })
    #expect(code == 0, "\(console.errors)")
    return console.output
  }

  /// A report's lines without their label, which is the file's name in the program.
  static func unlabelled(_ csv: String) -> [String] {
    csv.split(separator: "\n").map { line in
      let cells = line.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false)
      return "\(cells[0]),\(cells[2])"
    }
  }

  /// An .npy file.
  static func npy(_ descr: String, _ rows: Int, _ columns: Int, _ payload: [UInt8]) -> ScratchFile {
    var header = "{'descr': '\(descr)', 'fortran_order': False, 'shape': (\(rows), \(columns)), }"
    header += String(repeating: " ", count: 118 - header.utf8.count - 1) + "\n"
    let prefix: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 118, 0]
    return ScratchFile(prefix + Array(header.utf8) + payload, ending: ".npy")
  }

  static func bytes<Value: BitwiseCopyable>(_ values: [Value]) -> [UInt8] {
    values.withUnsafeBytes { Array($0) }
  }

  /// 7 rows of 9 small whole numbers, so that every element type holds them, with ties.
  static let cells = (0..<63).map { ($0 * 37 + $0 / 5) % 11 }

  static let types: [(Int, String, [UInt8])] = [
    (ESSCHER_FLOAT16, "<f2", bytes(cells.map { Float16($0) })),
    (
      ESSCHER_BFLOAT16, "|V2",
      bytes(cells.map { UInt16(truncatingIfNeeded: Float($0).bitPattern >> 16) })
    ),
    (ESSCHER_FLOAT32, "<f4", bytes(cells.map { Float($0) / 3 })),
    (ESSCHER_FLOAT64, "<f8", bytes(cells.map { Double($0) / 3 })),
    (ESSCHER_INT8, "|i1", bytes(cells.map { Int8($0) - 5 })),
    (ESSCHER_INT16, "<i2", bytes(cells.map { Int16($0) - 5 })),
    (ESSCHER_INT32, "<i4", bytes(cells.map { Int32($0) - 5 })),
    (ESSCHER_INT64, "<i8", bytes(cells.map { Int64($0) - 5 })),
    (ESSCHER_UINT8, "|u1", bytes(cells.map { UInt8($0) })),
    (ESSCHER_UINT16, "<u2", bytes(cells.map { UInt16($0) })),
    (ESSCHER_UINT32, "<u4", bytes(cells.map { UInt32($0) })),
    (ESSCHER_UINT64, "<u8", bytes(cells.map { UInt64($0) })),
    (ESSCHER_BOOL, "|b1", bytes(cells.map { UInt8($0 > 4 ? 1 : 0) })),
  ]

  @Test("every element type gives the program's bytes", arguments: types.indices)
  func elementType(_ index: Int) throws {
    let (dtype, descr, payload) = Self.types[index]
    let table = try Table()
    try table.add(matrix: matrix(table.hold(payload), dtype, 7, 9))
    let ours = try FrontierReport(table).text()
    let file = Self.npy(descr, 7, 9, payload)
    let theirs = try Self.program(file, descr == "|V2" ? ["--dtype", "bf16"] : [])
    #expect(Self.unlabelled(ours) == Self.unlabelled(theirs), "\(descr)")
  }

  @Test(
    "strides of any sign, and cells without alignment, give the numbers of the same cells back to back"
  )
  func strides() throws {
    let (rows, columns) = (7, 9)
    let values = Self.cells.map { Float($0) / 3 }
    let dense = try Table()
    try dense.add(matrix: matrix(dense.hold(values), ESSCHER_FLOAT32, rows, columns))
    let expected = try FrontierReport(dense).text()

    let fortran = try Table()
    let turned = (0..<columns).flatMap { column in (0..<rows).map { values[$0 * columns + column] }
    }
    try fortran.add(
      matrix: matrix(
        fortran.hold(turned), ESSCHER_FLOAT32, rows, columns, rowStride: 4, columnStride: rows * 4))
    #expect(try FrontierReport(fortran).text() == expected)

    let reversed = try Table()
    let last = reversed.hold(Array(values.reversed())) + (values.count - 1)
    try reversed.add(
      matrix: matrix(
        last, ESSCHER_FLOAT32, rows, columns, rowStride: -columns * 4, columnStride: -4))
    #expect(try FrontierReport(reversed).text() == expected)

    // Every second cell of rows with a tail, from an odd address.
    let sparse = try Table()
    var padded = [UInt8](repeating: 0xFF, count: 1)
    for row in 0..<rows {
      for column in 0..<columns {
        padded += Self.bytes([values[row * columns + column], Float.nan])
      }
      padded += Self.bytes([Float.nan])
    }
    try sparse.add(
      matrix: matrix(
        sparse.hold(padded) + 1, ESSCHER_FLOAT32, rows, columns, rowStride: columns * 8 + 4,
        columnStride: 8))
    #expect(try FrontierReport(sparse).text() == expected)

    // One row for every prompt: a stride of 0.
    let broadcast = try Table()
    try broadcast.add(
      matrix: matrix(broadcast.hold(values), ESSCHER_FLOAT32, rows, columns, rowStride: 0))
    let repeated = try Table()
    try repeated.add(rows: (0..<rows).map { _ in Array(values[..<columns]) })
    #expect(try FrontierReport(broadcast).text() == FrontierReport(repeated).text())
  }

  @Test("rows of different lengths and missing cells give the program's bytes", arguments: [4, 8])
  func ragged(width: Int) throws {
    let rows: [[Double?]] = [
      [1, 2, 4.5, nil, 0], [3, 3, 8], [0, nil, -1, 7, 7, 2], [nil, 5, 6, 1],
    ]
    let values = rows.flatMap(\.self).map { $0 ?? 1e9 }
    // Bits from the fourth on; a 0 is a missing cell.
    var bits = [UInt8](repeating: 0, count: 4)
    for (index, cell) in rows.flatMap(\.self).enumerated() where cell != nil {
      bits[(index + 3) / 8] |= 1 << UInt8((index + 3) % 8)
    }
    let offsets = rows.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    let table = try Table()
    var argument = matrix(table.hold(values), ESSCHER_FLOAT64, rows.count, values.count)
    argument.offsets =
      width == 4
      ? UnsafeRawPointer(table.hold(offsets.map(Int32.init)))
      : UnsafeRawPointer(table.hold(offsets.map(Int64.init)))
    argument.offset_dtype = Int32(width == 4 ? ESSCHER_INT32 : ESSCHER_INT64)
    argument.validity = UnsafePointer(table.hold(bits))
    argument.validity_offset = 3
    try table.add(matrix: argument)
    let ours = try FrontierReport(table, Options([("missing", "drop")])).text()
    let lines = rows.enumerated().map { row, cells in
      let text = cells.map { $0.map { "\($0)" } ?? "null" }.joined(separator: ", ")
      return "{\"prompt_id\": \"\(row)\", \"rewards\": [\(text)]}\n"
    }
    let file = ScratchFile(lines.joined(), ending: ".jsonl")
    #expect(
      Self.unlabelled(ours)
        == Self.unlabelled(try Self.program(file, ["--missing", "drop"])))
    let place = try refusal { _ = try FrontierReport(table) }
    #expect(place.status == ESSCHER_BAD_INPUT)
    #expect(place.location == "made, row 0, column 3")
    #expect(place.message.contains("missing"))
  }

  @Test("rows of one cell each, of any stride, are those cells", arguments: [4, 8, 0, -4, -8])
  func single(stride: Int) throws {
    let count = 40
    let table = try Table()
    let cells = table.hold((0..<2 * count).map { Float($0 % 2 == 0 ? $0 : 1000 + $0) })
    let first = stride < 0 ? UnsafeRawPointer(cells + 2 * count - 2) : UnsafeRawPointer(cells)
    var argument = matrix(first, ESSCHER_FLOAT32, count, count, columnStride: stride)
    argument.offsets = UnsafeRawPointer(table.hold((0...count).map(Int64.init)))
    argument.offset_dtype = Int32(ESSCHER_INT64)
    try table.add(matrix: argument)
    let same = try Table()
    try same.add(
      rows: (0..<count).map { [first.load(fromByteOffset: $0 * stride, as: Float.self)] })
    let options = try Options([("ns", "1")])
    #expect(try FrontierReport(table, options).text() == FrontierReport(same, options).text())
  }

  @Test("an array with a bitmap and rows of one length misses what the bitmap says")
  func denseValidity() throws {
    let rows: [[Float]] = [[1, 2, 3, 4], [4, 3, .nan, 1], [2, 9, 2, 9]]
    let table = try Table()
    try table.add(rows: rows)
    let expected = try FrontierReport(table, Options([("missing", "drop")])).text()
    let other = try Table()
    var argument = matrix(
      other.hold(rows.flatMap(\.self).map { $0.isNaN ? 77 : $0 }), ESSCHER_FLOAT32, 3, 4)
    argument.validity = UnsafePointer(other.hold([UInt8(0b1011_1111), 0xFF]))
    try other.add(matrix: argument)
    #expect(try FrontierReport(other, Options([("missing", "drop")])).text() == expected)
  }

  @Test("gold, log weights, log-probabilities, an ensemble and counts give the program's bytes")
  func companions() throws {
    let values = Self.cells.map { Float($0) / 3 }
    let gold = Self.cells.map { Float(($0 * 7) % 5) }
    let logs = Self.cells.map { -Float($0) / 7 - 1 }
    let file = Self.npy("<f4", 7, 9, Self.bytes(values))
    let goldFile = Self.npy("<f4", 7, 9, Self.bytes(gold))
    let logFile = Self.npy("<f4", 7, 9, Self.bytes(logs))
    for (role, option) in [
      (ESSCHER_GOLD, "--gold"), (ESSCHER_LOG_WEIGHTS, "--log-weights"),
      (ESSCHER_LOGPROBS, "--logprobs"),
    ] {
      let table = try Table()
      try table.add(matrix: matrix(table.hold(values), ESSCHER_FLOAT32, 7, 9))
      let other = role == ESSCHER_GOLD ? gold : logs
      try table.add(role, "other", matrix(table.hold(other), ESSCHER_FLOAT32, 7, 9))
      let path = role == ESSCHER_GOLD ? goldFile.path : logFile.path
      #expect(
        Self.unlabelled(try FrontierReport(table).text())
          == Self.unlabelled(try Self.program(file, [option, path])), "\(option)")
    }
    let ensemble = try Table()
    try ensemble.add(ESSCHER_REWARDS, "a", matrix(ensemble.hold(values), ESSCHER_FLOAT32, 7, 9))
    try ensemble.add(ESSCHER_REWARDS, "b", matrix(ensemble.hold(gold), ESSCHER_FLOAT32, 7, 9))
    let together = try FrontierReport(
      ensemble, Options([("ensemble", "mean"), ("standardize", "model")])
    ).text()
    #expect(
      Self.unlabelled(together)
        == Self.unlabelled(
          try Self.program(file, [goldFile.path, "--ensemble", "mean", "--standardize", "model"])))

    let counts = try Table()
    let samples = counts.hold([Int64](arrayLiteral: 10, 4, 7))
    let corrects = counts.hold([Int64](arrayLiteral: 3, 0, 7))
    try call { esscher_table_set_counts(counts.handle, "counts", samples, corrects, 3, $0) }
    let countsFile = ScratchFile("num_samples,num_correct\n10,3\n4,0\n7,7\n", ending: ".csv")
    #expect(
      Self.unlabelled(try FrontierReport(counts).text())
        == Self.unlabelled(try Self.program(countsFile)))
  }
}

extension Table {
  func add(matrix: esscher_matrix) throws { try add(ESSCHER_REWARDS, "made", matrix) }
}

// SPDX-License-Identifier: Apache-2.0
// No argument is trapped on: each wrong one is a status and a sentence.

import CEsscher
import Testing

@Suite("C interface: refusals")
struct RefusalTests {
  @Test("null handles and null pointers are refused or do nothing")
  func nulls() throws {
    esscher_error_destroy(nil)
    esscher_text_destroy(nil)
    esscher_options_destroy(nil)
    esscher_table_destroy(nil)
    esscher_report_destroy(nil)
    #expect(esscher_error_status(nil) == ESSCHER_OK)
    #expect(String(cString: esscher_error_message(nil)).isEmpty)
    #expect(String(cString: esscher_error_location(nil)).isEmpty)
    #expect(esscher_table_create(nil, nil) == nil)
    #expect(esscher_options_set(nil, nil, nil, nil) == ESSCHER_USAGE)
    #expect(esscher_options_set_numbers(nil, nil, nil, 0, nil) == ESSCHER_USAGE)
    #expect(esscher_options_add_policy(nil, nil, 0, 0, 0, nil) == ESSCHER_USAGE)
    #expect(esscher_table_add(nil, 0, nil, nil, nil) == ESSCHER_USAGE)
    #expect(esscher_table_add_arrow(nil, 0, nil, nil, nil, nil) == ESSCHER_USAGE)
    #expect(esscher_table_set_counts(nil, nil, nil, nil, 1, nil) == ESSCHER_USAGE)
    #expect(esscher_frontier(nil, nil, nil, nil, nil) == ESSCHER_USAGE)
    #expect(esscher_report_text(nil, nil, nil, nil, nil) == ESSCHER_USAGE)
    #expect(esscher_devices(nil, nil) == ESSCHER_USAGE)
    #expect(esscher_set_probe_command(nil, 1, nil) == ESSCHER_USAGE)
    #expect(esscher_probe_main(2, nil) == ESSCHER_USAGE)
    #expect(esscher_report_point_count(nil) == 0)
    #expect(esscher_report_column_count(nil) == 0)
    #expect(esscher_report_column_name(nil, 0) == nil)
    #expect(esscher_report_column_kind(nil, 0) == -1)
    #expect(esscher_report_number(nil, 0, 0, nil) == ESSCHER_USAGE)
    #expect(esscher_report_numbers(nil, 0, nil, 0) == ESSCHER_USAGE)
    #expect(esscher_report_cell_text(nil, 0, 0) == nil)
    #expect(esscher_report_warning_count(nil) == 0)
    #expect(esscher_report_warning(nil, 0) == nil)
    let table = try Table()
    try table.add(rows: [[1, 2]])
    let found = try refusal { try call { esscher_frontier(table.handle, nil, nil, nil, $0) } }
    #expect(found.message.contains("nowhere to put the report"))
    #expect(esscher_table_add(table.handle, 0, "other", nil, nil) == ESSCHER_USAGE)
    var report: OpaquePointer? = table.handle
    #expect(esscher_frontier(nil, nil, nil, &report, nil) == ESSCHER_USAGE)
    #expect(report == nil, "a call that fails leaves no report")
  }

  /// A change of a good matrix, the status and a part of the sentence.
  static let changes: [(String, Int, @Sendable (inout esscher_matrix) -> Void)] = [
    ("is NULL", ESSCHER_USAGE, { $0.data = nil }),
    ("no element type", ESSCHER_USAGE, { $0.dtype = 0 }),
    ("no element type", ESSCHER_USAGE, { $0.dtype = .max }),
    ("0 rows", ESSCHER_USAGE, { $0.rows = 0 }),
    ("-1 rows", ESSCHER_USAGE, { $0.rows = -1 }),
    ("rows", ESSCHER_USAGE, { $0.rows = .max }),
    ("0 columns", ESSCHER_USAGE, { $0.columns = 0 }),
    ("columns", ESSCHER_USAGE, { $0.columns = .min }),
    ("columns", ESSCHER_USAGE, { $0.columns = .max }),
    ("reach farther", ESSCHER_USAGE, { $0.row_stride = .max }),
    ("reach farther", ESSCHER_USAGE, { $0.row_stride = .min + 1 }),
    ("reach farther", ESSCHER_USAGE, { $0.column_stride = .max }),
    ("reach farther", ESSCHER_USAGE, { $0.column_stride = .min + 1 }),
    (
      "reach farther", ESSCHER_USAGE,
      {
        $0.rows = Int64(UInt32.max)
        $0.columns = Int64(UInt32.max)
        $0.row_stride = 0
        $0.column_stride = 0
      }
    ),
    ("validity_offset", ESSCHER_USAGE, { $0.validity_offset = -1 }),
    ("validity_offset", ESSCHER_USAGE, { $0.validity_offset = .max }),
    ("offset_dtype", ESSCHER_USAGE, { $0.offset_dtype = 7 }),
    ("size", ESSCHER_USAGE, { $0.size = 0 }),
    ("size", ESSCHER_USAGE, { $0.size = 40 }),
    // In the middle of the member offsets.
    ("size", ESSCHER_USAGE, { $0.size = 60 }),
    ("size", ESSCHER_USAGE, { $0.size = .max }),
  ]

  @Test("a matrix whose numbers do not fit together is refused", arguments: changes.indices)
  func matrices(_ index: Int) throws {
    let (part, status, change) = Self.changes[index]
    let table = try Table()
    var argument = matrix(table.hold([Float](repeating: 1, count: 6)), ESSCHER_FLOAT32, 2, 3)
    change(&argument)
    let found = try refusal { try table.add(matrix: argument) }
    #expect(found.status == status)
    #expect(found.message.contains(part), "\(found.message)")
  }

  @Test("offsets that decrease, do not fit or have no type are refused with their row")
  func offsets() throws {
    let table = try Table()
    let values = table.hold([Float](repeating: 1, count: 6))
    for (offsets, row) in [([0, 4, 3], 1), ([0, 2, 7], 1), ([-1, 2, 6], 0), ([2, 1, 6], 0)] {
      for width in [4, 8] {
        var argument = matrix(values, ESSCHER_FLOAT32, 2, 6)
        argument.offsets =
          width == 4
          ? UnsafeRawPointer(table.hold(offsets.map(Int32.init)))
          : UnsafeRawPointer(table.hold(offsets.map(Int64.init)))
        argument.offset_dtype = Int32(width == 4 ? ESSCHER_INT32 : ESSCHER_INT64)
        let found = try refusal { try table.add(matrix: argument) }
        #expect(found.status == ESSCHER_BAD_INPUT)
        #expect(found.location == "made, row \(row)")
        argument.offset_dtype = Int32(ESSCHER_FLOAT64)
        #expect(try refusal { try table.add(matrix: argument) }.message.contains("offset_dtype"))
      }
    }
    // Offsets are looked at before memory is taken for so many rows.
    var claimed = matrix(values, ESSCHER_FLOAT32, Int(UInt32.max), 6)
    claimed.offsets = UnsafeRawPointer(table.hold([Int64](arrayLiteral: 5, 3)))
    claimed.offset_dtype = Int32(ESSCHER_INT64)
    #expect(try refusal { try table.add(matrix: claimed) }.location == "made, row 0")
    var empty = matrix(values, ESSCHER_FLOAT32, 2, 6)
    empty.offsets = UnsafeRawPointer(table.hold([Int64](arrayLiteral: 3, 3, 3)))
    empty.offset_dtype = Int32(ESSCHER_INT64)
    try table.add(matrix: empty)
    let found = try refusal { _ = try FrontierReport(table) }
    #expect(found.status == ESSCHER_BAD_INPUT)
    #expect(found.message.contains("no prompt has a sample"))
  }

  @Test(
    "a struct of another version: shorter is filled with 0, longer must be 0 where it is not known")
  func sizes() throws {
    let table = try Table()
    let values = table.hold([Float](arrayLiteral: 1, 2, 3, 4, 5, 6))
    var short = matrix(values, ESSCHER_FLOAT32, 2, 3)
    // What an older caller has not, full of what must not be read.
    short.size = 56
    short.offsets = UnsafeRawPointer(bitPattern: 8)
    short.validity = UnsafePointer(bitPattern: 8)
    short.validity_offset = -5
    try table.add(matrix: short)
    #expect(try !FrontierReport(table).text().isEmpty)

    let bytes = MemoryLayout<esscher_matrix>.size + 16
    let long = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
    defer { long.deallocate() }
    long.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    var known = matrix(values, ESSCHER_FLOAT32, 2, 3)
    known.size = bytes
    withUnsafeBytes(of: known) { long.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    let argument = long.assumingMemoryBound(to: esscher_matrix.self)
    try call { esscher_table_add(table.handle, 0, "longer", argument, $0) }
    long.storeBytes(of: 1, toByteOffset: bytes - 3, as: UInt8.self)
    let found = try refusal {
      try call { esscher_table_add(table.handle, 0, "newer", argument, $0) }
    }
    #expect(found.message.contains("does not know"))
  }

  @Test("text that is not UTF-8, empty names, unknown roles and second arrays are refused")
  func tables() throws {
    let bad: [CChar] = [0x61, -1, 0]
    #expect(
      try refusal { try call { esscher_table_create(bad, $0) == nil ? 2 : 0 } }.message.contains(
        "UTF-8"))
    let table = try Table()
    let rows: [[Float]] = [[1, 2, 3]]
    #expect(try refusal { try table.add(9, "made", rows: rows) }.message.contains("no role 9"))
    #expect(try refusal { try table.add(-1, "made", rows: rows) }.message.contains("no role"))
    #expect(try refusal { try table.add(0, "", rows: rows) }.message.contains("is empty"))
    #expect(try refusal { _ = try FrontierReport(table) }.message.contains("no rewards"))
    try table.add(rows: rows)
    #expect(try refusal { try table.add(rows: rows) }.message.contains("named twice"))
    try table.add(ESSCHER_GOLD, "gold", rows: rows)
    #expect(
      try refusal { try table.add(ESSCHER_GOLD, "more", rows: rows) }.message.contains("already"))
    let counts = table.hold([Int64](arrayLiteral: 3))
    let second = try refusal {
      try call { esscher_table_set_counts(table.handle, "counts", counts, counts, 1, $0) }
    }
    #expect(second.message.contains("rewards already"))
  }

  @Test("counts that are not possible are refused with their row")
  func counts() throws {
    let table = try Table()
    for (samples, corrects, row) in [
      ([4, 0], [2, 0], 1), ([4, 3], [5, 0], 0), ([4, -3], [1, 0], 1), ([4, 3], [1, -1], 1),
      ([Int64.max, 3], [1, 1], 0),
    ] as [([Int64], [Int64], Int)] {
      let found = try refusal {
        try call {
          esscher_table_set_counts(
            table.handle, "counts", table.hold(samples), table.hold(corrects), 2, $0)
        }
      }
      #expect(found.status == ESSCHER_BAD_INPUT)
      #expect(found.location == "counts, row \(row)")
    }
    let none = try refusal {
      try call {
        esscher_table_set_counts(
          table.handle, "counts", table.hold([Int64(1)]), table.hold([Int64(1)]), 0, $0)
      }
    }
    #expect(none.message.contains("0 rows"))
  }

  @Test("gold of another shape is refused with the array's name")
  func shapes() throws {
    let table = try Table()
    try table.add(rows: [[1, 2, 3], [4, 5, 6]])
    try table.add(ESSCHER_GOLD, "gold", rows: [[1, 2], [3, 4]])
    let found = try refusal { _ = try FrontierReport(table) }
    #expect(found.status == ESSCHER_BAD_INPUT)
    #expect(found.location == "gold, row 0")
  }
}

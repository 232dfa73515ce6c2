// SPDX-License-Identifier: Apache-2.0
// The C interface as a test calls it: through esscher.h, with nothing of the library's Swift.

import CEsscher
import Testing

/// What a call that failed said.
struct Refusal: Error, Equatable {
  var status: Int32
  var message: String
  var location: String
}

/// Runs a call that takes an error slot; throws what it stored there.
func call(_ body: (UnsafeMutablePointer<OpaquePointer?>) -> Int32) throws {
  var error: OpaquePointer?
  let status = body(&error)
  defer { esscher_error_destroy(error) }
  guard status != ESSCHER_OK else {
    #expect(error == nil, "a call that succeeds stores no error")
    return
  }
  #expect(esscher_error_status(error) == status)
  throw Refusal(
    status: status, message: String(cString: esscher_error_message(error)),
    location: String(cString: esscher_error_location(error)))
}

/// A table that is destroyed with its owner.
final class Table {
  let handle: OpaquePointer
  /// Memory that the table's arrays lie in.
  private var memory: [UnsafeMutableRawPointer] = []

  init(_ label: String = "made") throws {
    var created: OpaquePointer?
    try call { error in
      created = esscher_table_create(label, error)
      return created == nil ? esscher_error_status(error.pointee) : Int32(ESSCHER_OK)
    }
    handle = try #require(created)
  }

  /// Copies values to where they stay until the table goes.
  func hold<Value: BitwiseCopyable>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
    let bytes = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, values.count) * MemoryLayout<Value>.stride, alignment: 16)
    memory.append(bytes)
    let pointer = bytes.bindMemory(to: Value.self, capacity: max(1, values.count))
    pointer.update(from: values, count: values.count)
    return pointer
  }

  func add(_ role: Int = ESSCHER_REWARDS, _ name: String = "made", _ matrix: esscher_matrix) throws
  {
    var matrix = matrix
    try call { esscher_table_add(handle, Int32(role), name, &matrix, $0) }
  }

  /// Adds rows of floats of one length.
  func add(_ role: Int = ESSCHER_REWARDS, _ name: String = "made", rows: [[Float]]) throws {
    try add(
      role, name, matrix(hold(rows.flatMap(\.self)), ESSCHER_FLOAT32, rows.count, rows[0].count))
  }

  deinit {
    esscher_table_destroy(handle)
    for bytes in memory { bytes.deallocate() }
  }
}

/// A matrix argument; strides in bytes, nil where cells lie back to back.
func matrix(
  _ data: UnsafeRawPointer?, _ dtype: Int, _ rows: Int, _ columns: Int, rowStride: Int? = nil,
  columnStride: Int? = nil
) -> esscher_matrix {
  var matrix = esscher_matrix()
  matrix.size = MemoryLayout<esscher_matrix>.size
  matrix.data = data
  matrix.dtype = Int32(dtype)
  matrix.rows = Int64(rows)
  matrix.columns = Int64(columns)
  matrix.row_stride = rowStride.map(Int64.init) ?? .min
  matrix.column_stride = columnStride.map(Int64.init) ?? .min
  return matrix
}

/// Options that are destroyed with their owner.
final class Options {
  let handle: OpaquePointer?

  /// Grids and few resamples, so that every run is short; every default where it is not usual.
  init(_ settings: [(String, String?)] = [], isUsual: Bool = true) throws {
    handle = esscher_options_create()
    let usual: [(String, String?)] = [
      ("lambdas", "0,0.3,2"), ("ns", "1,2,3"), ("resamples", "30"), ("device", "cpu"),
    ]
    for (name, value) in (isUsual ? usual : []) + settings { try set(name, value) }
  }

  func set(_ name: String, _ value: String?) throws {
    try call { esscher_options_set(handle, name, value, $0) }
  }

  deinit { esscher_options_destroy(handle) }
}

/// A report that is destroyed with its owner.
final class FrontierReport {
  let handle: OpaquePointer

  init(
    _ table: Table, _ options: Options? = nil, observer: UnsafePointer<esscher_observer>? = nil
  ) throws {
    let options = try options ?? Options()
    var report: OpaquePointer?
    try call { esscher_frontier(table.handle, options.handle, observer, &report, $0) }
    handle = try #require(report)
  }

  func text(_ format: String = "csv") throws -> String {
    var text: UnsafePointer<CChar>?
    var length = 0
    try call { esscher_report_text(handle, format, &text, &length, $0) }
    let result = String(cString: try #require(text))
    #expect(result.utf8.count == length)
    return result
  }

  deinit { esscher_report_destroy(handle) }
}

/// The refusal of a body that must fail.
func refusal(_ body: () throws -> Void) throws -> Refusal {
  do { try body() } catch let refusal as Refusal { return refusal }
  Issue.record("the call did not fail")
  throw Refusal(status: 0, message: "", location: "")
}

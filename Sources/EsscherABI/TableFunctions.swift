// SPDX-License-Identifier: Apache-2.0
// Tables. What each function does is documented in esscher.h, whose names they have.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CEsscher
internal import EsscherCore

/// See esscher.h.
@c @implementation
public func esscher_table_create(
  _ label: UnsafePointer<CChar>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> OpaquePointer? {
  var table: OpaquePointer?
  _ = unsafe Call.status(error) { () throws(EsscherError) in
    unsafe table = TableHandle(label: try Argument.name(label, "The table's label")).handle
  }
  return unsafe table
}

/// See esscher.h.
@c @implementation
public func esscher_table_destroy(_ table: OpaquePointer?) { unsafe TableHandle.release(table) }

/// See esscher.h.
@c @implementation
public func esscher_table_add(
  _ table: OpaquePointer?, _ role: Int32, _ name: UnsafePointer<CChar>?,
  _ matrix: UnsafePointer<esscher_matrix>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  unsafe Call.status(error) { () throws(EsscherError) in
    let table = try unsafe TableHandle.required(table)
    let role = try TableRole(code: role)
    let name = try unsafe Argument.name(name, "The array's name")
    try table.checkRoom(for: role, name: name)
    let argument: MatrixArgument
    do throws(EsscherError) {
      argument = try unsafe MatrixArgument(matrix)
    } catch {
      throw EsscherError(
        error.code, error.message,
        at: EsscherError.Location(file: name, row: error.location?.row))
    }
    table.add(
      HeldSource(name: name, blocks: [argument.block]), role,
      InputRecord(
        role: role.name, name: name, format: "memory",
        elementType: argument.block.element.description, shape: argument.shape, path: nil))
  }
}

/// See esscher.h.
@c @implementation
public func esscher_table_add_arrow(
  _ table: OpaquePointer?, _ role: Int32, _ name: UnsafePointer<CChar>?,
  _ column: UnsafePointer<CChar>?, _ stream: UnsafeMutablePointer<ArrowArrayStream>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  unsafe Call.status(error) { () throws(EsscherError) in
    // First of all: it is released whatever else is wrong.
    let reader = try unsafe ArrowStream(stream)
    let table = try unsafe TableHandle.required(table)
    let role = try TableRole(code: role)
    let name = try unsafe Argument.name(name, "The array's name")
    let column: String? =
      unsafe column == nil ? nil : try Argument.name(column, "The column's name")
    try table.checkRoom(for: role, name: name)
    let read = try reader.source(name: name, column: column, guesses: role.guesses)
    let lengths = Set((0..<read.source.rowCount).map { read.source.sampleCount(row: $0) })
    table.add(
      read.source, role,
      InputRecord(
        role: role.name, name: name, format: "arrow", elementType: read.element.description,
        shape: [read.source.rowCount, lengths.count == 1 ? read.source.longestSampleCount : 0],
        path: nil))
  }
}

/// See esscher.h.
@c @implementation
public func esscher_table_set_counts(
  _ table: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ samples: UnsafePointer<Int64>?,
  _ corrects: UnsafePointer<Int64>?, _ rows: Int64,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  unsafe Call.status(error) { () throws(EsscherError) in
    let table = try unsafe TableHandle.required(table)
    let name = try unsafe Argument.name(name, "The name of the counts")
    guard let samples = unsafe samples, let corrects = unsafe corrects else {
      throw EsscherError(
        .usage, "The samples or the corrects are NULL; pass a number for each prompt.")
    }
    guard (1...Int64(UInt32.max)).contains(rows) else {
      throw EsscherError(.usage, "The counts have \(rows) rows; they take from 1 to \(UInt32.max).")
    }
    var counts = CountsTable(name: name, sampleCounts: [], correctCounts: [])
    for row in 0..<Int(rows) {
      let (sampleCount, correctCount) = unsafe (samples[row], corrects[row])
      guard (1...Int64(UInt32.max)).contains(sampleCount), (0...sampleCount).contains(correctCount)
      else {
        throw EsscherError(
          .badInput,
          "\(correctCount) of \(sampleCount) samples are correct; there is at least one sample, and the "
            + "correct ones are among them", at: EsscherError.Location(file: name, row: row))
      }
      counts.sampleCounts.append(Int(sampleCount))
      counts.correctCounts.append(Int(correctCount))
    }
    try table.set(counts)
  }
}

/// See esscher.h.
@c @implementation
public func esscher_table_set_prompts(
  _ table: OpaquePointer?, _ texts: UnsafePointer<CChar>?, _ offsets: UnsafePointer<Int64>?,
  _ rows: Int64, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  unsafe Call.status(error) { () throws(EsscherError) in
    let table = try unsafe TableHandle.required(table)
    guard let offsets = unsafe offsets else {
      throw EsscherError(.usage, "The offsets of the identifiers are NULL; pass rows + 1 of them.")
    }
    guard (1...Int64(UInt32.max)).contains(rows) else {
      throw EsscherError(
        .usage, "There are \(rows) identifiers; pass one for each prompt, from 1 to \(UInt32.max).")
    }
    var promptIDs: [String] = []
    for row in 0..<Int(rows) {
      let (start, end) = unsafe (Int(offsets[row]), Int(offsets[row + 1]))
      guard start >= 0, start <= end else {
        throw EsscherError(
          .badInput,
          "the identifier goes from byte \(start) to \(end); offsets begin at 0 or later and never "
            + "decrease", at: EsscherError.Location(file: "prompts", row: row))
      }
      let bytes: UnsafeBufferPointer<UInt8>
      if start == end {
        unsafe bytes = UnsafeBufferPointer(start: nil, count: 0)
      } else if let texts = unsafe texts {
        unsafe bytes = UnsafeBufferPointer(
          start: UnsafeRawPointer(texts).assumingMemoryBound(to: UInt8.self) + start,
          count: end - start)
      } else {
        throw EsscherError(.usage, "The identifiers are NULL; pass their texts.")
      }
      guard let text = unsafe String(validating: bytes, as: UTF8.self) else {
        throw EsscherError(
          .badInput, "the identifier is not UTF-8; encode it so",
          at: EsscherError.Location(file: "prompts", row: row))
      }
      promptIDs.append(text)
    }
    try table.set(promptIDs: promptIDs)
  }
}

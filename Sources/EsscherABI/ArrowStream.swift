// SPDX-License-Identifier: Apache-2.0
// Reads an Arrow stream to its end and releases it, whatever happens.

internal import CEsscher
internal import EsscherCore

/// A stream that is ours to release.
@safe
struct ArrowStream: ~Copyable {
  private let stream: UnsafeMutablePointer<ArrowArrayStream>

  init(_ stream: UnsafeMutablePointer<ArrowArrayStream>?) throws(EsscherError) {
    guard let stream = unsafe stream, let release = unsafe stream.pointee.release else {
      throw EsscherError(
        .usage, "The Arrow stream is NULL or was released already; a stream can be read once.")
    }
    guard unsafe stream.pointee.get_schema != nil, unsafe stream.pointee.get_next != nil else {
      unsafe release(stream)
      throw EsscherError(
        .usage, "The Arrow stream has no get_schema or no get_next; pass one that can be read.")
    }
    unsafe self.stream = stream
  }

  deinit {
    if let release = unsafe stream.pointee.release { unsafe release(stream) }
  }

  /// The stream's cells.
  ///
  /// - Parameters:
  ///   - name: of the array, for messages.
  ///   - column: the caller's name of it, or nil.
  ///   - guesses: names that are tried without one.
  /// - Returns: the source, and its element type.
  func source(
    name: String, column chosen: String?, guesses: [String]
  ) throws(EsscherError) -> (source: HeldSource, element: CellElement) {
    let place = EsscherError.Location(file: name)
    let (column, index) = try layout(chosen, guesses, place)
    var batches: [ArrowBatch] = []
    var blocks: [CellBlock] = []
    var rows = 0
    while true {
      let batch = ArrowBatch()
      let status = unsafe stream.pointee.get_next?(stream, batch.array) ?? 0
      guard status == 0 else { throw failure("its next batch", status, place) }
      guard unsafe batch.array.pointee.release != nil else { break }
      guard let block = try batch.block(column, index, place, firstRow: rows) else { continue }
      batches.append(batch)
      blocks.append(block)
      rows += block.rowCount
    }
    guard blocks.contains(where: { $0.longest > 0 }) else {
      throw EsscherError(.badInput, "holds no samples; check what was scored", at: place)
    }
    guard column.layout == .plain, blocks.count > 1 else {
      return (HeldSource(name: name, blocks: blocks, owner: batches), column.element)
    }
    let joined = JoinedCells(blocks)
    return (HeldSource(name: name, blocks: [joined.block], owner: joined), column.element)
  }

  private func layout(
    _ name: String?, _ guesses: [String], _ place: EsscherError.Location
  ) throws(EsscherError) -> (ArrowColumn, Int?) {
    var schema = unsafe ArrowSchema()
    let status = unsafe stream.pointee.get_schema?(stream, &schema) ?? 0
    guard status == 0 else { throw failure("its schema", status, place) }
    defer {
      if let release = unsafe schema.release { unsafe release(&schema) }
    }
    let index = try unsafe ArrowColumn.index(in: schema, name: name, guesses: guesses, place: place)
    guard let index else { return (try unsafe ArrowColumn(schema, place: place), nil) }
    guard let child = unsafe schema.children?[index] else {
      throw ArrowColumn.malformed("a column without a type", place)
    }
    return (try unsafe ArrowColumn(child.pointee, place: place), index)
  }

  private func failure(
    _ what: String, _ status: Int32, _ place: EsscherError.Location
  ) -> EsscherError {
    let words = unsafe stream.pointee.get_last_error?(stream).map { unsafe String(cString: $0) }
    return EsscherError(
      .badInput,
      "\(what) could not be read (\(words ?? "error \(status)")); check where the stream comes from",
      at: place)
  }
}

/// One prompt whose numbers came in several batches, copied into one row.
@safe
private final class JoinedCells: @unchecked Sendable {
  // Unchecked: written before it is shared, and never after.
  private let memory: UnsafeMutableRawPointer
  let block: CellBlock

  init(_ blocks: [CellBlock]) {
    let count = blocks.reduce(0) { $0 + $1.longest }
    // Cells that are floats stay floats: their precision is `mixed` unless asked for otherwise.
    let asFloats = blocks.allSatisfy { $0.element.storage == .float32 }
    let size = asFloats ? 4 : 8
    unsafe memory = .allocate(byteCount: max(size, count * size), alignment: size)
    var slot = 0
    for block in blocks {
      let cells = 0..<block.longest
      if asFloats {
        let floats = unsafe memory.bindMemory(to: Float.self, capacity: max(1, count))
        unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: cells.count) { scratch in
          guard let doubles = scratch.baseAddress else { return }
          unsafe block.copy(0, cells, to: doubles)
          for index in cells { unsafe floats[slot + index] = Float(doubles[index]) }
        }
      } else {
        let doubles = unsafe memory.bindMemory(to: Double.self, capacity: max(1, count))
        unsafe block.copy(0, cells, to: doubles + slot)
      }
      slot += cells.count
    }
    unsafe block = CellBlock(
      base: UnsafeRawPointer(memory), element: asFloats ? .float32 : .float64, columnStride: size,
      rows: .equal(count: 1, columns: count, stride: count * size))
  }

  deinit { unsafe memory.deallocate() }
}

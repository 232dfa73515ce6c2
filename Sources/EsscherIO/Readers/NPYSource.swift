// SPDX-License-Identifier: Apache-2.0
// A `.npy` array as a table of rewards, read row by row or through a memory map, either order, any number type.

internal import EsscherCore
internal import Glibc

/// One reward model of a mapped array of 1, 2 or 3 axes.
@safe
struct NPYSource: RewardSource {
  private(set) var name: String
  /// R, the reward models of the array.
  let memberCount: Int
  /// Which of them this is.
  private var member = 0
  let rowCount: Int
  let columns: Int
  let header: NPYHeader
  let element: NPYElement
  private let file: MappedFile

  /// - Parameter dtype: the user's `--dtype`.
  init(
    _ file: borrowing InputFile, dtype: NPYDType
  ) throws(EsscherError) {
    let place = EsscherError.Location(file: file.name)
    name = file.name
    header = try NPYHeader(try file.prefix(NPYHeader.longest), place: place)
    element = try NPYElement(descr: header.descr, dtype: dtype, place: place)
    (memberCount, rowCount, columns) = try Self.table(header, place: place)
    let (payload, overflow) = (header.cellCount ?? -1).multipliedReportingOverflow(by: element.size)
    let (total, carry) = header.length.addingReportingOverflow(payload)
    guard header.cellCount != nil, !overflow, !carry else {
      throw EsscherError(
        .badInput,
        "claims a shape of \(Self.text(header.shape)), which no file can hold; write it again with np.save",
        at: place
      )
    }
    guard file.size >= total else {
      throw EsscherError(
        .badInput,
        "is truncated: its header promises \(total) bytes (\(Self.text(header.shape)) of "
          + "\(header.descr)), but it holds \(file.size); write or copy it again", at: place)
    }
    guard file.size == total else {
      throw EsscherError(
        .badInput,
        "has \(file.size - total) bytes more than the \(total) its header promises "
          + "(\(Self.text(header.shape)) of \(header.descr)); write it again with np.save",
        at: place)
    }
    self.file = try MappedFile(file)
  }

  /// One of the array's reward models, named as NumPy would take it out.
  func member(_ index: Int) -> NPYSource {
    var source = self
    source.member = index
    source.name = "\(name)[\(index)]"
    return source
  }

  /// Reward models, prompts and samples of a shape.
  private static func table(
    _ header: NPYHeader, place: EsscherError.Location
  ) throws(EsscherError) -> (Int, Int, Int) {
    let shape = header.shape
    guard !shape.contains(0) else {
      throw EsscherError(
        .badInput, "holds no cells: its shape is \(text(shape)); check what was saved", at: place)
    }
    switch shape.count {
    case 1: return (1, 1, shape[0])
    case 2: return (1, shape[0], shape[1])
    case 3: return (shape[0], shape[1], shape[2])
    default:
      throw EsscherError(
        .badInput,
        "has \(shape.count) axes, but rewards have the shape (samples), (prompts, samples) or "
          + "(models, prompts, samples); reshape the array", at: place)
    }
  }

  static func text(_ shape: [Int]) -> String {
    "(" + shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? ",)" : ")")
  }

  var storage: CellStorage { element.storage }
  /// Neighbouring rows of a Fortran array share pages: 1,024 rows of two bytes fill half a page.
  var preferredRowsPerRead: Int { isTransposed ? 1024 : 1 }
  var longestSampleCount: Int { columns }
  func sampleCount(row: Int) -> Int { columns }

  func location(row: Int, column: Int) -> EsscherError.Location {
    EsscherError.Location(file: name, row: row, column: column)
  }

  private var isTransposed: Bool {
    header.isFortranOrder && (memberCount > 1 || (rowCount > 1 && columns > 1))
  }

  func copyDoubles(
    rows: Range<Int>, columns part: Range<Int>?, to destination: UnsafeMutableBufferPointer<Double>
  ) throws(EsscherError) {
    guard let target = destination.baseAddress, let base = unsafe file.bytes.baseAddress
    else { return }
    let cells = part ?? 0..<columns
    precondition(destination.count == rows.count * cells.count, "one slot a cell")
    let start = unsafe base + header.length
    if !isTransposed {
      let first = (member * rowCount + rows.lowerBound) * columns + cells.lowerBound
      let count = rows.count * cells.count
      try unsafe copyRun(first: first, count: count, to: target)
      return
    }
    // Column by column, so that each page is walked once; rows of the target are written with a stride.
    let rowStride = cells.count
    unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: rows.count) { scratch in
      guard let line = scratch.baseAddress else { return }
      for column in cells {
        let first = (column * rowCount + rows.lowerBound) * memberCount + member
        unsafe element.convert(
          start + first * element.size, stride: memberCount * element.size, count: rows.count,
          to: line)
        let offset = column - cells.lowerBound
        for row in 0..<rows.count { unsafe target[row &* rowStride &+ offset] = line[row] }
      }
    }
    // Every column was touched; give all of them back at once.
    let column = rowCount * memberCount
    release(cells.lowerBound * column..<cells.upperBound * column)
  }

  /// Bytes that are read at once to be converted: they stay in the first-level cache.
  private static let readSize = 1 << 15

  /// Reads cells that lie one behind the other.
  private func copyRun(
    first: Int, count: Int, to target: UnsafeMutablePointer<Double>
  ) throws(EsscherError) {
    if element == .float64 {
      try unsafe file.read(
        at: header.length + first * 8,
        into: UnsafeMutableRawBufferPointer(start: target, count: count * 8))
      return
    }
    var failure: EsscherError?
    unsafe withUnsafeTemporaryAllocation(byteCount: Self.readSize, alignment: 64) { scratch in
      let step = Self.readSize / element.size
      for done in stride(from: 0, to: count, by: step) {
        let part = min(step, count - done)
        let bytes = unsafe UnsafeMutableRawBufferPointer(
          rebasing: scratch[..<(part * element.size)])
        do throws(EsscherError) {
          try unsafe file.read(at: header.length + (first + done) * element.size, into: bytes)
        } catch {
          failure = error
          return
        }
        guard let source = bytes.baseAddress else { return }
        unsafe element.convert(
          UnsafeRawPointer(source), stride: element.size, count: part, to: target + done)
      }
    }
    if let failure { throw failure }
  }

  func copyFloats(
    rows: Range<Int>, columns part: Range<Int>?, to destination: UnsafeMutableBufferPointer<Float>
  ) throws(EsscherError) {
    precondition(storage == .float32, "these cells need doubles")
    if element == .float32 && !isTransposed {
      let cells = part ?? 0..<columns
      precondition(destination.count == rows.count * cells.count, "one slot a cell")
      let first = (member * rowCount + rows.lowerBound) * columns + cells.lowerBound
      try unsafe file.read(
        at: header.length + first * 4, into: UnsafeMutableRawBufferPointer(destination))
      return
    }
    // Through doubles: exact, since every stored value is a float.
    var doubles = [Double](repeating: 0, count: destination.count)
    var failure: EsscherError?
    unsafe doubles.withUnsafeMutableBufferPointer { buffer in
      do throws(EsscherError) {
        try unsafe copyDoubles(rows: rows, columns: part, to: buffer)
      } catch { failure = error }
    }
    if let failure { throw failure }
    for (index, value) in doubles.enumerated() { unsafe destination[index] = Float(value) }
  }

  private func release(_ cells: Range<Int>) {
    file.release(
      header.length + cells.lowerBound * element.size..<header.length + cells.upperBound
        * element.size)
  }
}

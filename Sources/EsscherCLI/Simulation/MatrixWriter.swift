// SPDX-License-Identifier: Apache-2.0
// A simulated matrix to an .npy file, block by block: workers fill a batch of blocks side by side, one
// write takes the batch, and the memory used does not depend on the size of the matrix.

internal import Dispatch
internal import Esscher
internal import EsscherIO
internal import Synchronization

/// Writes one matrix.
struct MatrixWriter {
  /// What the cells hold.
  enum Content {
    case rewards
    /// Gold rewards that go with the rewards.
    case golds(correlation: Double)
  }

  let stream: SampleStream
  let prompts: Int
  let elementType: ElementType
  let threads: Int

  /// Cells that are generated at once; few enough to stay in a near cache.
  private static let blockCells = 4096
  private static let blocksPerBatch = 256

  func write(
    _ content: Content, to file: OutputFile, progress: (Double) -> Void,
    checkCancelled: () throws(EsscherError) -> Void
  ) throws(EsscherError) {
    let header = Self.header(elementType, prompts, stream.samplesPerPrompt)
    try file.write(contentsOf: header)
    let total = prompts * stream.samplesPerPrompt
    let batchCells = Self.blockCells * Self.blocksPerBatch
    let batch = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(total, batchCells) * elementType.byteCount, alignment: 64)
    defer { unsafe batch.deallocate() }
    for start in stride(from: 0, to: total, by: batchCells) {
      let cells = min(batchCells, total - start)
      let bytes = unsafe UnsafeMutableRawBufferPointer(
        rebasing: batch[..<(cells * elementType.byteCount)])
      unsafe fill(bytes, with: content, from: start, cells: cells)
      unsafe try file.write(bytes: UnsafeRawBufferPointer(bytes))
      progress(Double(start + cells) / Double(total))
      try checkCancelled()
    }
  }

  /// Workers take the next block that nobody has; which worker fills a block cannot be seen in it.
  private func fill(
    _ bytes: UnsafeMutableRawBufferPointer, with content: Content, from start: Int, cells: Int
  ) {
    let blocks = (cells + Self.blockCells - 1) / Self.blockCells
    let next = Atomic<Int>(0)
    // Blocks are disjoint ranges of the batch, and the batch outlives the workers.
    nonisolated(unsafe) let destination = unsafe bytes
    DispatchQueue.concurrentPerform(iterations: min(threads, blocks)) { _ in
      unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * Self.blockCells) { pair in
        while true {
          let block = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard block < blocks else { return }
          let first = block * Self.blockCells
          let count = min(Self.blockCells, cells - first)
          let numbers = unsafe UnsafeMutableBufferPointer(rebasing: pair[..<count])
          let scratch = unsafe UnsafeMutableBufferPointer(
            rebasing: pair[Self.blockCells..<(Self.blockCells + count)])
          switch content {
          case .rewards: unsafe stream.rewards(from: start + first, into: numbers)
          case .golds(let correlation):
            unsafe stream.golds(
              correlation: correlation, from: start + first, into: numbers, noise: scratch)
          }
          let width = elementType.byteCount
          let place = unsafe destination[(first * width)..<((first + count) * width)]
          unsafe elementType.store(
            UnsafeBufferPointer(numbers), in: UnsafeMutableRawBufferPointer(rebasing: place))
        }
      }
    }
  }

  /// Magic, version 1.0, and a dictionary padded so that the cells start at a multiple of 64 bytes.
  static func header(_ type: ElementType, _ prompts: Int, _ samples: Int) -> [UInt8] {
    var text =
      "{'descr': '\(type.descriptor)', 'fortran_order': False, 'shape': (\(prompts), \(samples)), }"
    let length = (10 + text.utf8.count + 1 + 63) / 64 * 64 - 10
    text += String(repeating: " ", count: length - text.utf8.count - 1) + "\n"
    let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0]
    return magic + [UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8)
  }
}

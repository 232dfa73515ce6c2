// SPDX-License-Identifier: Apache-2.0

/// Memory of the host that a device copies from, or works on where the two share one memory.
@safe
final class HostMemory {
  /// Whole pages: drivers take only such memory for their own.
  private static let alignment = 4096

  let start: UnsafeMutableRawPointer
  let bytes: Int
  /// The device copies from it.
  let isCopied: Bool
  private let pinned: PinnedMemory?

  /// - Parameter isCopied: the device has memory of its own. What it copies from is then the driver's, so that copies
  ///   run beside the kernels; where the driver has none to give, ordinary memory.
  init(bytes: Int, isCopied: Bool, by queue: OpenCLQueue) {
    self.bytes = bytes
    self.isCopied = isCopied
    pinned = isCopied && bytes > 0 ? queue.session.pinned(bytes, by: queue) : nil
    unsafe start =
      pinned?.start
      ?? .allocate(byteCount: max(bytes, 64), alignment: Self.alignment)
  }

  deinit {
    if pinned == nil { unsafe start.deallocate() }
  }

  /// The memory as doubles, as many as fit.
  var doubles: UnsafeMutablePointer<Double> {
    unsafe start.assumingMemoryBound(to: Double.self)
  }

  /// The memory as floats.
  var floats: UnsafeMutablePointer<Float> {
    unsafe start.assumingMemoryBound(to: Float.self)
  }
}

/// Memory of the host that the driver allocated.
@safe
final class PinnedMemory {
  let start: UnsafeMutableRawPointer
  private let buffer: OpenCLBuffer
  private let queue: OpenCLQueue

  /// Nil where the buffer cannot be mapped.
  init?(_ buffer: consuming OpenCLBuffer, by queue: OpenCLQueue) {
    guard let start = unsafe queue.map(buffer) else { return nil }
    unsafe self.start = start
    self.buffer = buffer
    self.queue = queue
  }

  deinit { unsafe queue.unmap(buffer, start) }
}

extension UnsafeMutablePointer where Pointee: BinaryFloatingPoint & SIMDScalar {
  /// True where no cell is NaN or infinite.
  ///
  /// - Complexity: O(count), a vector of eight at a time.
  @_specialize(where Pointee == Double)
  @_specialize(where Pointee == Float)
  func allFinite(count: Int) -> Bool {
    var zeros = SIMD8<Pointee>(repeating: 0)
    let memory = UnsafeRawPointer(self)
    var index = 0
    while index &+ 8 <= count {
      let cells = unsafe memory.loadUnaligned(
        fromByteOffset: MemoryLayout<Pointee>.stride &* index, as: SIMD8<Pointee>.self)
      // 0 for finite cells, NaN for all others.
      zeros += cells * SIMD8(repeating: 0)
      index &+= 8
    }
    var rest = zeros.sum()
    while index < count {
      unsafe rest += self[index] * 0
      index &+= 1
    }
    return rest == 0
  }
}

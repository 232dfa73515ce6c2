// SPDX-License-Identifier: Apache-2.0
// The workers' memory between one tile and the next. The allocator gives blocks of this size back to the kernel, which
// would clear their pages anew for every tile.

internal import Synchronization

/// Blocks of one size, those of the plan that ran last. Freed with the backend.
final class ScratchShelf: Sendable {
  private struct State {
    var size = 0
    /// Addresses, because pointers do not cross threads; a block is on the shelf or with one owner, never both.
    var blocks: [UInt] = []
  }

  private let state = Mutex(State())

  /// Larger blocks are not kept: beside the work on such rows the kernel's is small.
  static let largestBlock = 32 << 20

  /// A block that was put back, or nil where there is none of this size; those of another size are freed then.
  func take(size: Int) -> UnsafeMutableRawPointer? {
    let (found, others) = state.withLock { state -> (UInt?, [UInt]) in
      if state.size == size { return (state.blocks.popLast(), []) }
      let others = state.blocks
      state.blocks = []
      state.size = size
      return (nil, others)
    }
    Self.free(others)
    return unsafe found.flatMap { unsafe UnsafeMutableRawPointer(bitPattern: $0) }
  }

  /// Keeps a block, or frees it where it is of another plan's size.
  func put(_ block: UnsafeMutableRawPointer, size: Int) {
    let address = UInt(bitPattern: block)
    let isKept = state.withLock { state in
      guard state.size == size, size <= Self.largestBlock else { return false }
      state.blocks.append(address)
      return true
    }
    if !isKept { Self.free([address]) }
  }

  private static func free(_ blocks: [UInt]) {
    for block in blocks { unsafe UnsafeMutableRawPointer(bitPattern: block)?.deallocate() }
  }

  deinit { Self.free(state.withLock(\.blocks)) }
}

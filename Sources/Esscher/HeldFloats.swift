// SPDX-License-Identifier: Apache-2.0
// Floats at one place in memory for as long as their owner lives, so that readers may keep the address.
//
// Why sharing is safe: they are written before their owner is handed to anyone, and never after.

/// Floats at one place in memory; `set` and the writes through `buffer` end before it is shared.
@safe
final class HeldFloats: @unchecked Sendable {
  let buffer: UnsafeMutableBufferPointer<Float>

  init(count: Int) {
    unsafe buffer = .allocate(capacity: count)
    unsafe buffer.initialize(repeating: 0)
  }

  func set(_ cells: [Float], at index: Int) {
    _ = unsafe buffer[index..<index + cells.count].update(fromContentsOf: cells)
  }

  deinit { unsafe buffer.deallocate() }
}

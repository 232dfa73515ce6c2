// SPDX-License-Identifier: Apache-2.0
// A state of a sweep behind `esscher_state`.

internal import Esscher

/// A state, its bytes at a fixed place.
@safe
final class StateHandle: Handle {
  static let kind = "state"
  let state: SweepState
  /// Name for messages.
  let name: String
  private let bytes: UnsafeMutableBufferPointer<UInt8>

  init(_ state: SweepState, name: String) {
    self.state = state
    self.name = name
    let written = state.bytes
    unsafe bytes = .allocate(capacity: written.count)
    _ = unsafe bytes.initialize(from: written)
  }

  deinit { unsafe bytes.deallocate() }

  /// The bytes, for as long as the handle lives.
  var rawBytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(bytes) }
}

// SPDX-License-Identifier: Apache-2.0
// The paths of outputs that are not complete yet, in a form that a signal handler may read: a fixed
// table of atomic pointers to C strings. Unlinking is async-signal-safe; nothing here allocates then.

internal import Glibc
internal import Synchronization

/// The incomplete outputs of this process.
public enum PartialFiles {
  private static let capacity = 64

  /// Slots hold the address of a C string, or 0. Never freed: the handler may run at any time.
  private nonisolated(unsafe) static let slots: UnsafeMutablePointer<Atomic<UInt>> = {
    let slots = UnsafeMutablePointer<Atomic<UInt>>.allocate(capacity: capacity)
    for index in 0..<capacity { unsafe (slots + index).initialize(to: Atomic(0)) }
    return unsafe slots
  }()

  /// Makes the table, so that no handler has to.
  public static func prepare() { _ = unsafe slots }

  /// Records a path; returns its slot, or nil where the table is full (the file is then removed in
  /// the ordinary way only).
  static func add(_ path: String) -> Int? {
    guard let copy = unsafe strdup(path) else { return nil }
    let address = UInt(bitPattern: copy)
    for index in 0..<capacity {
      let claimed = unsafe slots[index].compareExchange(
        expected: 0, desired: address, ordering: .sequentiallyConsistent)
      if claimed.exchanged { return index }
    }
    unsafe free(copy)
    return nil
  }

  /// Strings of forgotten paths, a few bytes a file: a handler on another thread may still be reading
  /// one, so they are kept.
  private static let retired = Mutex<[UInt]>([])

  /// Forgets a path.
  static func remove(_ slot: Int) {
    let address = unsafe slots[slot].exchange(0, ordering: .sequentiallyConsistent)
    retired.withLock { $0.append(address) }
  }

  /// Unlinks every recorded path. Safe to call from a signal handler.
  public static func unlinkAll() {
    for index in 0..<capacity {
      let address = unsafe slots[index].load(ordering: .sequentiallyConsistent)
      if let path = unsafe UnsafePointer<CChar>(bitPattern: address) { _ = unsafe unlink(path) }
    }
  }
}

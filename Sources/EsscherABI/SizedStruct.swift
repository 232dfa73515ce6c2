// SPDX-License-Identifier: Apache-2.0
// Structs that say how long they are, so that they can grow: a shorter one is of an older caller, a longer one
// of a newer.

internal import EsscherCore
internal import Glibc

enum SizedStruct {
  /// A copy of a struct whose first member is its size.
  ///
  /// - Parameters:
  ///   - pointer: the caller's.
  ///   - zero: the struct with every member 0.
  ///   - least: bytes that even the oldest caller has.
  ///   - name: for messages.
  /// - Throws: `.usage` where the size is not one that a caller can have, or members that are not known here are set.
  static func read<Value: BitwiseCopyable>(
    _ pointer: UnsafePointer<Value>, zero: Value, least: Int, name: String
  ) throws(EsscherError) -> Value {
    let bytes = unsafe UnsafeRawPointer(pointer)
    let size = unsafe bytes.loadUnaligned(as: Int.self)
    let known = MemoryLayout<Value>.size
    // Every version of a struct begins with a size_t, so that none ends within a member of 8 bytes.
    guard size >= least, size <= 1024, size.isMultiple(of: MemoryLayout<Int>.size) else {
      throw EsscherError(
        .usage,
        "The member size of \(name) is \(size); set it to sizeof(\(name)), which is \(known).")
    }
    for offset in known..<max(known, size)
    where unsafe bytes.load(fromByteOffset: offset, as: UInt8.self) != 0 {
      throw EsscherError(
        .usage,
        "\(name) has members that this version of the library does not know; leave them 0, or load a newer "
          + "library.")
    }
    var value = zero
    unsafe withUnsafeMutableBytes(of: &value) { target in
      if let target = target.baseAddress { unsafe _ = memcpy(target, bytes, min(size, known)) }
    }
    return value
  }
}

// SPDX-License-Identifier: Apache-2.0
// Text on its way through the interface: in, checked; out, in memory that stays where it is.

internal import EsscherCore
internal import Glibc

/// A text that ends in a NUL, at one place for as long as it lives.
@safe
final class CText: @unchecked Sendable {
  // Unchecked: the bytes are written before the object is shared, and never after.
  let pointer: UnsafePointer<CChar>
  /// Bytes without the NUL.
  let length: Int
  private let bytes: UnsafeMutableBufferPointer<CChar>

  init(_ text: String) {
    let characters = text.utf8CString
    length = characters.count - 1
    unsafe bytes = .allocate(capacity: characters.count)
    _ = unsafe bytes.initialize(from: characters)
    // Never empty: there is at least the NUL.
    unsafe pointer = UnsafePointer(bytes.baseAddress ?? .allocate(capacity: 1))
  }

  deinit { unsafe bytes.deallocate() }

  /// A copy for the caller, freed by `esscher_text_destroy`; nil where there is no memory.
  static func handOver(_ text: String) -> UnsafeMutablePointer<CChar>? {
    unsafe text.withCString { unsafe strdup($0) }
  }
}

enum Argument {
  /// Longest text that is taken: a grid of 100,000 numbers of 20 digits.
  private static let longest = 1 << 22

  /// A text argument.
  ///
  /// - Throws: `.usage` where it is null, longer than 4 MiB or not UTF-8.
  static func text(
    _ pointer: UnsafePointer<CChar>?, _ name: String
  ) throws(EsscherError) -> String {
    guard let pointer = unsafe pointer else {
      throw EsscherError(.usage, "\(name) is NULL; pass a text.")
    }
    guard unsafe strnlen(pointer, longest) < longest else {
      throw EsscherError(.usage, "\(name) is longer than \(longest >> 20) MiB; pass less.")
    }
    guard let text = unsafe String(validatingCString: pointer) else {
      throw EsscherError(.usage, "\(name) is not UTF-8; encode it so.")
    }
    return text
  }

  /// A text argument that must not be empty.
  static func name(
    _ pointer: UnsafePointer<CChar>?, _ name: String
  ) throws(EsscherError) -> String {
    let text = try unsafe text(pointer, name)
    guard !text.isEmpty else { throw EsscherError(.usage, "\(name) is empty; pass a name.") }
    return text
  }
}

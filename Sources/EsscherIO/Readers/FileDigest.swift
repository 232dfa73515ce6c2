// SPDX-License-Identifier: Apache-2.0

internal import CDigest
internal import EsscherCore
internal import Glibc

/// SHA-256 of bytes as they stream by.
@safe
struct StreamDigest: ~Copyable {
  private let state: OpaquePointer?

  init() { unsafe state = cdigest_create() }
  deinit { if let state = unsafe state { unsafe cdigest_free(state) } }

  func update(_ bytes: UnsafeRawBufferPointer) {
    if let state = unsafe state { unsafe _ = cdigest_update(state, bytes.baseAddress, bytes.count) }
  }

  /// Lower-case hexadecimal digest, nil where libcrypto failed.
  consuming func finish() -> String? {
    guard let state = unsafe state else { return nil }
    var digest = [UInt8](repeating: 0, count: 32)
    let status = unsafe digest.withUnsafeMutableBufferPointer {
      unsafe cdigest_finish(state, $0.baseAddress)
    }
    guard status == 0 else { return nil }
    let digits = Array("0123456789abcdef")
    return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}

/// SHA-256 of files, for provenance.
enum FileDigest {
  /// Lower-case hexadecimal SHA-256 of a file's bytes, read through a 1 MiB buffer.
  ///
  /// Leaves the file's offset where it was.
  /// - Throws: `.badInput` where the file cannot be read.
  static func sha256(
    of file: borrowing InputFile, observer: RunObserver
  ) throws(EsscherError) -> String {
    let digest = StreamDigest()
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var offset = 0
    while true {
      if observer.isCancelled() { throw EsscherError.interruption }
      let got = unsafe buffer.withUnsafeMutableBytes { bytes in
        let count = unsafe pread(file.descriptor, bytes.baseAddress, bytes.count, offset)
        if count > 0 { unsafe digest.update(UnsafeRawBufferPointer(rebasing: bytes[..<count])) }
        return count
      }
      if got < 0 && errno == EINTR { continue }
      if got == 0 { break }
      guard got > 0 else {
        throw EsscherError(
          .badInput, "cannot be read: \(InputFile.message(errno))",
          at: EsscherError.Location(file: file.name))
      }
      offset += got
      observer.progress("hashing", Double(offset) / Double(max(file.size, offset)))
    }
    guard let text = digest.finish() else {
      throw EsscherError(.internal, "libcrypto could not compute a SHA-256")
    }
    return text
  }
}

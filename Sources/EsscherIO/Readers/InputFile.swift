// SPDX-License-Identifier: Apache-2.0
// Opening a file the user named: every way that can fail gets its own sentence.

internal import EsscherCore
internal import Glibc

/// An open, readable, non-empty regular file.
struct InputFile: ~Copyable {
  let descriptor: Int32
  /// Name for messages.
  let name: String
  let size: Int

  init(path: String, name: String) throws(EsscherError) {
    let place = EsscherError.Location(file: name)
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let reason =
        switch errno {
        case ENOENT: "no such file; check the path"
        case EACCES: "no permission to read it; check its mode and owner"
        default: "cannot be opened: \(Self.message(errno))"
        }
      throw EsscherError(.badInput, reason, at: place)
    }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      let reason = Self.message(errno)
      close(descriptor)
      throw EsscherError(.badInput, "cannot be examined: \(reason)", at: place)
    }
    let kind = status.st_mode & S_IFMT
    if kind == S_IFDIR {
      close(descriptor)
      throw EsscherError(.badInput, "is a directory; name a file inside it", at: place)
    }
    if kind != S_IFREG {
      close(descriptor)
      throw EsscherError(
        .badInput, "is not a regular file; pipe it in and use - with --input-format", at: place)
    }
    if status.st_size == 0 {
      close(descriptor)
      throw EsscherError(.badInput, "is empty; write the scores to it first", at: place)
    }
    self.descriptor = descriptor
    self.name = name
    size = Int(status.st_size)
  }

  /// Takes over an open descriptor of a regular file.
  init(adopting descriptor: Int32, name: String, size: Int) {
    self.descriptor = descriptor
    self.name = name
    self.size = size
  }

  deinit { close(descriptor) }

  /// Reads up to `count` bytes from the start of the file.
  func prefix(_ count: Int) throws(EsscherError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: min(count, size))
    let capacity = bytes.count
    let got = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, capacity, 0)
    }
    guard got == capacity else {
      throw EsscherError(
        .badInput, "cannot be read: \(Self.message(errno))", at: EsscherError.Location(file: name))
    }
    return bytes
  }

  /// The C library's words for an error number.
  static func message(_ code: Int32) -> String {
    unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
  }
}

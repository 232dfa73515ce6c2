// SPDX-License-Identifier: Apache-2.0
// Temporary files without a name: they vanish with the process, however it ends.

internal import EsscherCore
internal import Glibc

/// A growing temporary file, unlinked from the start.
struct SpoolFile: ~Copyable {
  private var descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: bufferSize)
  /// Bytes of the buffer that wait to be written.
  private var used = 0
  private(set) var size = 0
  private let purpose: String

  private static let bufferSize = 1 << 20

  /// - Parameters:
  ///   - directory: where to make it; nil for TMPDIR, or /var/tmp where that is unset (it may be large,
  ///     and /tmp is memory on many machines).
  ///   - purpose: what is being spooled, for messages.
  init(directory: String?, purpose: String) throws(EsscherError) {
    self.purpose = purpose
    let folder = directory ?? Self.defaultDirectory
    // mkstemp puts letters of its own in place of the last six.
    let name = "\(folder)/esscher." + String(repeating: "X", count: 6)
    var template = Array(name.utf8CString)
    descriptor = unsafe template.withUnsafeMutableBufferPointer { name in
      guard let base = name.baseAddress else { return -1 }
      let opened = unsafe mkstemp(base)
      if opened >= 0 {
        _ = fcntl(opened, F_SETFD, FD_CLOEXEC)
        unsafe unlink(base)
      }
      return opened
    }
    guard descriptor >= 0 else {
      throw EsscherError(
        .badInput,
        "cannot make a temporary file in \(folder) for \(purpose): "
          + "\(InputFile.message(errno)); set TMPDIR to a writable folder")
    }
  }

  static var defaultDirectory: String {
    if let name = unsafe getenv("TMPDIR"), unsafe name.pointee != 0 {
      return unsafe String(cString: name)
    }
    return "/var/tmp"
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Bytes free on the file's disk.
  var freeBytes: Int {
    var status = statvfs()
    guard unsafe fstatvfs(descriptor, &status) == 0 else { return Int.max }
    let (bytes, overflow) = Int(status.f_bavail).multipliedReportingOverflow(
      by: Int(status.f_frsize))
    return overflow ? Int.max : bytes
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) throws(EsscherError) {
    size += bytes.count
    if used + bytes.count <= Self.bufferSize {
      let place = used
      unsafe buffer.withUnsafeMutableBytes { buffer in
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[place...]).copyMemory(from: bytes)
      }
      used += bytes.count
      return
    }
    try flush()
    try unsafe write(bytes)
  }

  mutating func append(_ value: Double) throws(EsscherError) {
    if used + 8 > Self.bufferSize { try flush() }
    let place = used
    unsafe buffer.withUnsafeMutableBytes {
      unsafe $0.storeBytes(of: value, toByteOffset: place, as: Double.self)
    }
    used += 8
    size += 8
  }

  private mutating func flush() throws(EsscherError) {
    guard used > 0 else { return }
    let count = used
    used = 0
    var failure: EsscherError?
    unsafe buffer.withUnsafeBytes { bytes in
      do throws(EsscherError) {
        try unsafe write(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
      } catch { failure = error }
    }
    if let failure { throw failure }
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws(EsscherError) {
    var rest = unsafe bytes
    while unsafe !rest.isEmpty {
      let written = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else {
        throw EsscherError(
          .badInput,
          "cannot spool \(purpose): \(InputFile.message(errno)); free disk space or set TMPDIR to "
            + "another disk")
      }
      unsafe rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  /// Ends writing and hands the file over for reading.
  consuming func finish(name: String) throws(EsscherError) -> InputFile {
    try flush()
    let taken = descriptor
    descriptor = -1
    return InputFile(adopting: taken, name: name, size: size)
  }

  /// An unlinked file of a given size, its disk space reserved.
  ///
  /// - Throws: `.badInput` where the disk has no room: writing through a map would fault instead.
  static func sized(
    _ size: Int, directory: String?, purpose: String
  ) throws(EsscherError) -> InputFile {
    var spool = try SpoolFile(directory: directory, purpose: purpose)
    var status = posix_fallocate(spool.descriptor, 0, size)
    while status == EINTR { status = posix_fallocate(spool.descriptor, 0, size) }
    guard status == 0 else {
      throw EsscherError(
        .badInput,
        "cannot spool \(purpose): \(InputFile.message(status)); free disk space or set TMPDIR to "
          + "another disk")
    }
    spool.size = size
    return try spool.finish(name: purpose)
  }
}

// SPDX-License-Identifier: Apache-2.0
// An output that appears whole or not at all: bytes go to `.esscher.PID.N.partial` in the same folder,
// which takes the name when it is complete and is removed in every other case.

public import EsscherCore
internal import Glibc
internal import Synchronization

/// A file being written.
///
/// Where the name stands for something that is not a regular file (a device, a pipe), renaming would
/// destroy it, so the bytes go there directly. A symbolic link keeps its place: its target is replaced.
public final class OutputFile {
  /// The name as the user gave it.
  public let name: String
  private let target: String
  private let partial: String?
  private var descriptor: Int32
  private var slot: Int?
  /// Whether the partial file exists under its own name.
  private var isPending = false
  private var buffer: [UInt8] = []

  private static let bufferSize = 1 << 18
  /// Tells the partial files of one process apart.
  private static let created = Atomic<Int>(0)

  /// Creates the partial file, so that a folder that cannot be written is found before the work.
  /// - Throws: `.usage` where the file cannot be created.
  public init(creating name: String) throws(EsscherError) {
    self.name = name
    let place = try Self.place(name)
    let target = place.target
    self.target = target
    let mode = place.mode & 0o7777
    let opened: Int32
    if place.isSpecial {
      partial = nil
      opened = unsafe open(target, O_WRONLY | O_CLOEXEC)
    } else {
      let folder = target.lastIndex(of: "/").map { target[...$0] } ?? ""
      // Not the file's own name, which may already be as long as names can be.
      let number = Self.created.wrappingAdd(1, ordering: .relaxed).newValue
      let path = "\(folder).esscher.\(getpid()).\(number).partial"
      partial = path
      slot = PartialFiles.add(path)
      opened = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    }
    descriptor = opened
    guard descriptor >= 0 else {
      let error = errno
      forget()
      if error == EINTR { throw EsscherError.interruption }
      throw EsscherError(
        .usage,
        "Cannot create this output: \(ByteWriting.reason(error)). Name a file in a folder that "
          + "exists and can be written.",
        at: EsscherError.Location(file: name))
    }
    isPending = partial != nil
  }

  deinit {
    discard()
  }

  /// Appends text.
  /// - Throws: `.internal` where the bytes cannot be written, for example on a full disk.
  public func write(_ text: String) throws(EsscherError) {
    buffer += text.utf8
    if buffer.count >= Self.bufferSize { try flush() }
  }

  /// Appends bytes that are in an array.
  public func write(contentsOf bytes: [UInt8]) throws(EsscherError) {
    buffer += bytes
    if buffer.count >= Self.bufferSize { try flush() }
  }

  /// Appends bytes, without a copy.
  public func write(bytes: UnsafeRawBufferPointer) throws(EsscherError) {
    try flush()
    try check(unsafe ByteWriting.write(bytes, to: descriptor))
  }

  /// Where the bytes go until the file takes its name, for a program that writes them itself.
  public var workingPath: String { partial ?? target }

  /// Empties the file.
  /// - Throws: `.internal` where it is a pipe or a device, which cannot take anything back.
  public func rewind() throws(EsscherError) {
    buffer.removeAll(keepingCapacity: true)
    guard partial != nil else {
      throw EsscherError(
        .internal,
        "The run has to start again, and lines that went into this pipe cannot be taken back; name a "
          + "file, or use --device cpu.", at: EsscherError.Location(file: name))
    }
    try check(ftruncate(descriptor, 0) == 0 && lseek(descriptor, 0, SEEK_SET) == 0 ? 0 : errno)
  }

  /// Makes the bytes durable, and the file complete under its partial name.
  public func finish() throws(EsscherError) {
    try flush()
    guard partial != nil else { return }
    while fsync(descriptor) != 0 {
      guard errno == EINTR else { return try check(errno) }
    }
  }

  /// Finishes the file and gives it its name, replacing what had it.
  public func commit() throws(EsscherError) {
    try finish()
    let closed = close(descriptor)
    descriptor = -1
    try check(closed == 0 ? 0 : errno)
    guard let partial else { return }
    try check(unsafe rename(partial, target) == 0 ? 0 : errno)
    forget()
  }

  /// Gives the file up. Harmless after `commit`.
  public func discard() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    if isPending, let partial { _ = unsafe unlink(partial) }
    forget()
  }

  private func flush() throws(EsscherError) {
    guard !buffer.isEmpty else { return }
    let error = unsafe buffer.withUnsafeBytes { unsafe ByteWriting.write($0, to: descriptor) }
    buffer.removeAll(keepingCapacity: true)
    try check(error)
  }

  private func check(_ error: Int32) throws(EsscherError) {
    // A reader that left early (`-o /dev/stdout | head`) has what it wants.
    guard error != 0, !(error == EPIPE && partial == nil) else { return }
    discard()
    throw EsscherError(
      .internal,
      "Writing this output failed: \(ByteWriting.reason(error)). Nothing was left behind; free "
        + "some space or name another place.",
      at: EsscherError.Location(file: name))
  }

  /// Where a name leads: links are followed, and an existing file's permissions kept.
  private static func place(
    _ name: String
  ) throws(EsscherError) -> (target: String, mode: mode_t, isSpecial: Bool) {
    var target = name
    if let resolved = unsafe realpath(name, nil) {
      target = unsafe String(cString: resolved)
      unsafe free(resolved)
    }
    var status = stat()
    guard unsafe stat(target, &status) == 0 else {
      guard unsafe lstat(target, &status) != 0 || status.st_mode & S_IFMT != S_IFLNK else {
        throw EsscherError(
          .usage, "This is a link to a file that is not there; name that file, or remove the link.",
          at: EsscherError.Location(file: name))
      }
      return (target, 0o666, false)
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return (target, status.st_mode, false)
    case S_IFDIR:
      throw EsscherError(
        .usage, "This is a folder; name a file inside it.", at: EsscherError.Location(file: name))
    default: return (target, status.st_mode, true)
    }
  }

  private func forget() {
    if let slot { PartialFiles.remove(slot) }
    slot = nil
    isPending = false
  }
}

// SPDX-License-Identifier: Apache-2.0
// An input as it lies before us: a regular file, or standard input copied into one.

internal import EsscherCore
internal import Glibc

/// An open input and its digest.
struct OpenedInput: ~Copyable {
  let file: InputFile
  /// SHA-256 of the bytes where it was asked for.
  let sha256: String?

  private init(_ file: consuming InputFile, sha256: String?) {
    self.file = file
    self.sha256 = sha256
  }

  /// Opens `path`, or takes in standard input where it is `-`.
  static func open(
    _ path: String, computeDigest: Bool, spoolDirectory: String?, observer: RunObserver
  ) throws(EsscherError) -> OpenedInput {
    guard path == "-" else {
      let file = try InputFile(path: path, name: path)
      let digest = computeDigest ? try FileDigest.sha256(of: file, observer: observer) : nil
      return OpenedInput(file, sha256: digest)
    }
    return try spoolStandardInput(
      computeDigest: computeDigest, spoolDirectory: spoolDirectory, observer: observer)
  }

  /// A path under which a library can open the file again.
  var path: String { "/proc/self/fd/\(file.descriptor)" }

  private static func spoolStandardInput(
    computeDigest: Bool, spoolDirectory: String?, observer: RunObserver
  ) throws(EsscherError) -> OpenedInput {
    let name = "standard input"
    var spool = try SpoolFile(directory: spoolDirectory, purpose: name)
    let digest = StreamDigest()
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      if observer.isCancelled() { throw EsscherError.interruption }
      let got = unsafe buffer.withUnsafeMutableBytes {
        unsafe read(STDIN_FILENO, $0.baseAddress, $0.count)
      }
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else {
        throw EsscherError(
          .badInput,
          "cannot be read (\(InputFile.message(errno))); pipe a file or a command's output in",
          at: EsscherError.Location(file: name))
      }
      if got == 0 { break }
      var failure: EsscherError?
      unsafe buffer.withUnsafeBytes { bytes in
        let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<got])
        if computeDigest { unsafe digest.update(part) }
        do throws(EsscherError) { try unsafe spool.append(part) } catch { failure = error }
      }
      if let failure { throw failure }
    }
    guard spool.size > 0 else {
      throw EsscherError(
        .badInput, "is empty; check the command that writes into the pipe",
        at: EsscherError.Location(file: name))
    }
    return OpenedInput(
      try spool.finish(name: name), sha256: computeDigest ? digest.finish() : nil)
  }
}

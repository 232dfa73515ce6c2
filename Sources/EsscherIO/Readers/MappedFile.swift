// SPDX-License-Identifier: Apache-2.0
// A file mapped read-only, whose pages are given back as they have been used; or read piece by piece.

internal import EsscherCore
internal import Glibc

/// Read-only bytes of a file, which outlive the descriptor they came from.
///
/// Bytes that are used once and in order are cheaper to ``read(at:into:)`` than to map: on cached files half the
/// time, since no page tables are filled and emptied.
@safe
final class MappedFile: @unchecked Sendable {
  // Unchecked: the memory is never written after `init`, and madvise may run beside readers, who then
  // fault the page in again.
  let bytes: UnsafeRawBufferPointer
  private let name: String
  private let descriptor: Int32

  init(_ file: borrowing InputFile) throws(EsscherError) {
    let address = unsafe mmap(nil, file.size, PROT_READ, MAP_PRIVATE, file.descriptor, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw EsscherError(
        .badInput, "cannot be mapped into memory: \(InputFile.message(errno))",
        at: EsscherError.Location(file: file.name))
    }
    let own = fcntl(file.descriptor, F_DUPFD_CLOEXEC, 0)
    guard own >= 0 else {
      let reason = InputFile.message(errno)
      unsafe munmap(address, file.size)
      throw EsscherError(
        .badInput, "cannot be kept open: \(reason)", at: EsscherError.Location(file: file.name))
    }
    name = file.name
    descriptor = own
    unsafe madvise(address, file.size, MADV_SEQUENTIAL)
    posix_fadvise(own, 0, 0, POSIX_FADV_SEQUENTIAL)
    unsafe bytes = UnsafeRawBufferPointer(start: address, count: file.size)
  }

  deinit {
    unsafe munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    close(descriptor)
  }

  /// Fills `target` with the bytes from `offset` on.
  ///
  /// - Parameters:
  ///   - offset: where in the file to begin.
  ///   - target: memory for the bytes; the file must have as many.
  /// - Throws: `.badInput` where the file cannot be read, or has become shorter.
  func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(EsscherError) {
    var done = 0
    while done < target.count {
      let got = unsafe pread(
        descriptor, target.baseAddress.map { unsafe $0 + done }, target.count - done, offset + done)
      if got < 0 && errno == EINTR { continue }
      guard got > 0 else {
        throw EsscherError(
          .badInput,
          got < 0
            ? "cannot be read: \(InputFile.message(errno))"
            : "became shorter while it was read; leave it alone until the run ends",
          at: EsscherError.Location(file: name))
      }
      done += got
    }
  }

  /// Gives back the pages of a range: they count as resident until then.
  ///
  /// The page at its start goes too, though it may hold a neighbour's cells: rows are mostly read in order, and
  /// rows about as long as a page would otherwise never give one back. A page that is wanted again is read
  /// again. The page at the end stays for the row that follows.
  func release(_ range: Range<Int>) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let start = range.lowerBound / page * page
    // The last page of the file belongs to nobody after it.
    let end =
      unsafe range.upperBound == bytes.count ? range.upperBound : range.upperBound / page * page
    guard end > start, let base = unsafe bytes.baseAddress else { return }
    unsafe madvise(UnsafeMutableRawPointer(mutating: base + start), end - start, MADV_DONTNEED)
  }
}

// SPDX-License-Identifier: Apache-2.0
// A file mapped read-only, whose pages are given back as they have been used.

internal import EsscherCore
internal import Glibc

/// Read-only bytes of a file. The mapping outlives the descriptor it came from.
@safe
final class MappedFile: @unchecked Sendable {
  // Unchecked: the memory is never written after `init`, and madvise may run beside readers, who then
  // fault the page in again.
  let bytes: UnsafeRawBufferPointer

  init(_ file: borrowing InputFile) throws(EsscherError) {
    let address = unsafe mmap(nil, file.size, PROT_READ, MAP_PRIVATE, file.descriptor, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw EsscherError(
        .badInput, "cannot be mapped into memory: \(InputFile.message(errno))",
        at: EsscherError.Location(file: file.name))
    }
    unsafe madvise(address, file.size, MADV_SEQUENTIAL)
    unsafe bytes = UnsafeRawBufferPointer(start: address, count: file.size)
  }

  deinit {
    unsafe munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
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

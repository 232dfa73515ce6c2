// SPDX-License-Identifier: Apache-2.0
// One block of memory that a worker carves its arrays from. Rows too long for the memory budget get
// theirs from an unlinked temporary file instead, whose pages the kernel may write out.

internal import EsscherCore
internal import Glibc

/// A bump allocator over memory, or over a mapped file. Freed as a whole.
@safe
final class ScratchMemory {
  private let base: UnsafeMutableRawPointer
  private let size: Int
  private let isMapped: Bool
  private let shelf: ScratchShelf?
  private var used = 0

  /// Arrays start at multiples of a cache line, which is also the widest vector.
  private static let alignment = 64

  /// Bytes that arrays of the given sizes take together.
  static func bytes(_ arrays: [Int]) -> Int {
    arrays.reduce(0) { $0 + ($1 + alignment - 1) / alignment * alignment }
  }

  /// Memory of the process, from a shelf and back to it where there is one.
  init(bytes: Int, shelf: ScratchShelf? = nil) {
    size = bytes
    isMapped = false
    self.shelf = shelf
    unsafe base =
      shelf?.take(size: bytes)
      ?? .allocate(byteCount: max(bytes, 1), alignment: Self.alignment)
  }

  /// Memory of a temporary file in TMPDIR, or /var/tmp where that is unset.
  ///
  /// - Throws: `.usage` where the disk has no room, with the budget that needs none.
  init(spooling bytes: Int) throws(EsscherError) {
    size = bytes
    isMapped = true
    shelf = nil
    // An empty TMPDIR is as good as none; it must not mean the root folder.
    let named = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? ""
    let folder = named.isEmpty ? "/var/tmp" : named
    // mkstemp puts letters of its own in place of the last six.
    let name = "\(folder)/esscher." + String(repeating: "X", count: 6)
    var template = Array(name.utf8CString)
    let descriptor = unsafe template.withUnsafeMutableBufferPointer { name in
      guard let base = name.baseAddress else { return -1 as Int32 }
      let opened = unsafe mkstemp(base)
      if opened >= 0 { unsafe unlink(base) }
      return opened
    }
    defer { if descriptor >= 0 { close(descriptor) } }
    var reserved = descriptor >= 0 ? posix_fallocate(descriptor, 0, bytes) : errno
    while reserved == EINTR { reserved = posix_fallocate(descriptor, 0, bytes) }
    let address =
      reserved == 0
      ? unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0) : nil
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw EsscherError(
        .usage,
        "the longest prompt needs \(bytes >> 20) MiB of scratch, more than half of --memory-budget, "
          + "and \(folder) has no room for it; raise the budget to \((2 * bytes >> 20) + 1)MiB, or "
          + "set TMPDIR to a larger disk")
    }
    unsafe base = address
  }

  deinit {
    if isMapped {
      unsafe munmap(base, size)
    } else if let shelf {
      unsafe shelf.put(base, size: size)
    } else {
      unsafe base.deallocate()
    }
  }

  /// The next `count` elements, not initialised.
  ///
  /// - Precondition: the block was made large enough.
  func take<Element: BitwiseCopyable>(
    _ count: Int, of type: Element.Type = Element.self
  ) -> UnsafeMutablePointer<Element> {
    let bytes = Self.bytes([count * MemoryLayout<Element>.stride])
    precondition(used + bytes <= size, "scratch is planned before it is taken")
    defer { used += bytes }
    return unsafe (base + used).bindMemory(to: Element.self, capacity: count)
  }
}

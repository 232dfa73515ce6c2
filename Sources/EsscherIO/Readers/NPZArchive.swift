// SPDX-License-Identifier: Apache-2.0
// One member of a `.npz` archive, unpacked into a temporary file and then read like any `.npy`.

internal import CZipArchive
internal import EsscherCore

/// An open `.npz`.
@safe
struct NPZArchive: ~Copyable {
  private let archive: OpaquePointer
  private let name: String
  /// How the user names a member, for messages.
  private let keyRemedy: String

  /// Deflate cannot expand by more than this; a directory entry that claims more lies.
  static let largestExpansion: UInt64 = 1032

  /// Arrays of scores shrink by 2 to 10 times; more than this is believed of small members only.
  private static let plausibleExpansion: UInt64 = 200
  private static let freeSize: UInt64 = 64 << 20

  init(path: String, name: String, keyRemedy: String) throws(EsscherError) {
    var message = [CChar](repeating: 0, count: 256)
    let opened = unsafe message.withUnsafeMutableBufferPointer {
      unsafe czip_open(path, $0.baseAddress, $0.count)
    }
    guard let opened = unsafe opened else {
      let reason = String(
        decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      throw EsscherError(
        .badInput, "is not a readable .npz archive (\(reason)); write it again with np.savez",
        at: EsscherError.Location(file: name))
    }
    unsafe archive = opened
    self.name = name
    self.keyRemedy = keyRemedy
  }

  deinit { unsafe czip_close(archive) }

  private var place: EsscherError.Location { EsscherError.Location(file: name) }

  private var members: [String] {
    let count = unsafe czip_count(archive)
    return (0..<count).map { index in
      unsafe czip_name(archive, index).map { unsafe String(cString: $0) } ?? ""
    }
  }

  /// Index and name of the member a key stands for, or of the only one.
  private func member(key: String?) throws(EsscherError) -> (Int64, String) {
    let members = members
    let shown = members.prefix(10).map { $0.hasSuffix(".npy") ? String($0.dropLast(4)) : $0 }
      .joined(separator: ", ")
    guard !members.isEmpty else {
      throw EsscherError(
        .badInput, "holds no arrays; write it again with np.savez", at: place)
    }
    guard let key else {
      guard members.count == 1 else {
        throw EsscherError(
          .badInput, "holds \(members.count) arrays (\(shown)); say which with \(keyRemedy)",
          at: place)
      }
      return (0, members[0])
    }
    guard let index = members.firstIndex(where: { $0 == key || $0 == key + ".npy" }) else {
      throw EsscherError(.badInput, "has no array '\(key)'; it holds \(shown)", at: place)
    }
    return (Int64(index), members[index])
  }

  /// Unpacks a member.
  ///
  /// - Returns: a file of exactly the bytes that the member's own `.npy` header promises.
  /// - Throws: `.badInput` for a damaged or encrypted member, and for one that unpacks to more than it
  ///   says (a zip bomb): nothing is written beyond the promised size.
  func unpack(
    key: String?, directory: String?, dtype: NPYDType, observer: RunObserver
  ) throws(EsscherError) -> InputFile {
    let (index, member) = try member(key: key)
    var size: UInt64 = 0
    var compressed: UInt64 = 0
    guard unsafe czip_sizes(archive, index, &size, &compressed) == 0, size <= UInt64(Int.max) else {
      throw EsscherError(.badInput, "does not say how large \(member) is", at: place)
    }
    guard size <= (compressed + 16).multipliedReportingOverflow(by: Self.largestExpansion).0 else {
      throw EsscherError(
        .badInput,
        "claims that \(compressed) bytes of \(member) unpack to \(size), which no honest archive "
          + "does; it was not unpacked", at: place)
    }
    guard size <= Self.freeSize || size / Self.plausibleExpansion <= compressed else {
      throw EsscherError(
        .badInput,
        "\(member) would unpack from \(compressed) to \(size) bytes, as a zip bomb does and scores "
          + "do not; if it is meant, unpack it and pass the .npy", at: place)
    }
    guard let stream = unsafe czip_member_open(archive, index) else {
      throw EsscherError(
        .badInput,
        "\(member) cannot be unpacked (encrypted, or an unknown compression); write it "
          + "again with np.savez or np.savez_compressed", at: place)
    }
    defer { unsafe czip_member_close(stream) }
    var spool = try SpoolFile(directory: directory, purpose: "\(name):\(member)")
    guard spool.freeBytes > Int(size) else {
      throw EsscherError(
        .badInput,
        "\(member) unpacks to \(size) bytes, more than the \(spool.freeBytes) free for temporary "
          + "files; set TMPDIR to a larger disk", at: place)
    }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var head: [UInt8] = []
    var checked = false
    while true {
      let got = unsafe buffer.withUnsafeMutableBytes {
        unsafe czip_member_read(stream, $0.baseAddress, $0.count)
      }
      guard got >= 0 else {
        throw EsscherError(
          .badInput, "\(member) is damaged and cannot be unpacked; copy or write the archive again",
          at: place)
      }
      if got == 0 { break }
      if observer.isCancelled() { throw EsscherError.interruption }
      observer.progress("unpacking", Double(spool.size) / Double(max(1, size)))
      guard spool.size + Int(got) <= Int(size) else {
        throw EsscherError(
          .badInput, "\(member) unpacks to more than the \(size) bytes it claims; it was not read",
          at: place)
      }
      if !checked {
        head += buffer.prefix(Int(got))
        if head.count >= min(NPYHeader.longest, Int(size)) {
          try check(head, member: member, size: Int(size), dtype: dtype)
          checked = true
          head = []
        }
      }
      var failure: EsscherError?
      unsafe buffer.withUnsafeBytes { bytes in
        do throws(EsscherError) {
          try unsafe spool.append(UnsafeRawBufferPointer(rebasing: bytes[..<Int(got)]))
        } catch { failure = error }
      }
      if let failure { throw failure }
    }
    guard spool.size > 0 else {
      throw EsscherError(.badInput, "\(member) is empty", at: place)
    }
    return try spool.finish(name: "\(name):\(member)")
  }

  /// The array inside must fill the member, no more and no less, before the rest is unpacked.
  private func check(
    _ head: [UInt8], member: String, size: Int, dtype: NPYDType
  ) throws(EsscherError) {
    let place = EsscherError.Location(file: "\(name):\(member)")
    let header = try NPYHeader(head, place: place)
    let element = try NPYElement(descr: header.descr, dtype: dtype, place: place)
    let (payload, overflow) = (header.cellCount ?? Int.max).multipliedReportingOverflow(
      by: element.size)
    let (total, carry) = payload.addingReportingOverflow(header.length)
    guard !overflow, !carry, total == size else {
      throw EsscherError(
        .badInput,
        "promises \(NPYSource.text(header.shape)) cells of \(header.descr), but the archive holds "
          + "\(size) bytes of it; write the archive again", at: place)
    }
  }
}

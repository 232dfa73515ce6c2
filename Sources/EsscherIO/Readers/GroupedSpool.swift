// SPDX-License-Identifier: Apache-2.0
// A counting sort on disk: samples in file order go to the places of their prompts.

internal import EsscherCore
internal import Glibc

enum GroupedSpool {
  /// Copies runs of doubles to their rows.
  ///
  /// - Parameters:
  ///   - stored: the samples in file order.
  ///   - runs: pairs of doubles, row and length of each run, in file order.
  ///   - offsets: first sample of each row, and one past the last.
  static func scatter(
    _ stored: MappedFile, runs: MappedFile, offsets: [Int], directory: String?, name: String
  ) throws(EsscherError) -> MappedFile {
    let file = try SpoolFile.sized(unsafe stored.bytes.count, directory: directory, purpose: name)
    let address = unsafe mmap(
      nil, file.size, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0)
    guard let target = unsafe address, unsafe target != MAP_FAILED,
      let source = unsafe stored.bytes.baseAddress
    else {
      throw EsscherError(
        .badInput, "cannot be grouped by prompt: \(InputFile.message(errno))",
        at: EsscherError.Location(file: name))
    }
    var next = offsets
    var position = 0
    for run in 0..<(unsafe runs.bytes.count / 16) {
      let row = unsafe Int(runs.bytes.loadUnaligned(fromByteOffset: run * 16, as: Double.self))
      let count = unsafe Int(
        runs.bytes.loadUnaligned(fromByteOffset: run * 16 + 8, as: Double.self))
      unsafe memcpy(target + next[row] * 8, source + position * 8, count * 8)
      next[row] += count
      position += count
    }
    unsafe munmap(target, file.size)
    return try MappedFile(file)
  }
}

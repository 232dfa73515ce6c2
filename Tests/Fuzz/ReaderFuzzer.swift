// SPDX-License-Identifier: Apache-2.0
// Feeds the readers bytes: the first one chooses the format and what is asked of it, the rest is the
// file. Whatever they hold, a load ends in a table that can be read or in a sentence.

internal import EsscherCore
internal import EsscherIO
internal import Glibc

/// One input of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzReaders(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard count > 0 else { return 0 }
  let choice = unsafe data[0]
  let path = "/dev/shm/esscher-fuzz-\(getpid())"
  let descriptor = unsafe open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0o600)
  guard descriptor >= 0 else { return 0 }
  unsafe _ = write(descriptor, data + 1, count - 1)
  close(descriptor)
  defer { unsafe _ = unlink(path) }
  let formats = InputFormat.allCases
  let request = LoadRequest(
    rewards: [path], inputFormat: formats[Int(choice & 7) % formats.count],
    columns: choice & 32 == 0 ? [:] : ["logweight": "w"], dtype: choice & 8 == 0 ? nil : "bf16",
    missing: choice & 16 == 0 ? .error : .drop, computeDigests: choice & 64 != 0)
  do throws(EsscherError) {
    let table = try RewardLoader.load(request)
    if case .cells(let source) = table.rewards { try readAll(source) }
    if let gold = table.gold { try readAll(gold) }
    if let weights = table.logWeights { try readAll(weights) }
  } catch {
    // A sentence that says nothing would be a fault too.
    precondition(!error.message.isEmpty, "a refusal without a sentence")
  }
  return 0
}

/// Reads every cell, as the engine would, in rows of bounded length.
private func readAll(_ source: any RewardSource) throws(EsscherError) {
  var cells = [Double](repeating: 0, count: 4096)
  for row in 0..<min(source.rowCount, 4096) {
    let count = min(source.sampleCount(row: row), cells.count)
    guard count > 0 else { continue }
    var failure: EsscherError?
    unsafe cells.withUnsafeMutableBufferPointer { buffer in
      let part = unsafe UnsafeMutableBufferPointer(rebasing: buffer[..<count])
      do throws(EsscherError) {
        try unsafe source.copyDoubles(rows: row..<row + 1, columns: 0..<count, to: part)
      } catch { failure = error }
    }
    if let failure { throw failure }
    _ = source.location(row: row, column: 0).description
  }
}

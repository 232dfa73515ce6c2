// SPDX-License-Identifier: Apache-2.0
// From `esscher_observer` to the engine's callbacks.

internal import CEsscher
internal import EsscherCore
internal import EsscherReport
internal import Synchronization

/// A caller's observer for one run; does nothing where there is none.
@safe
final class ObserverArgument {
  /// Lines are handed over by about so many bytes: few calls, and few bytes held.
  private static let batch = 1 << 16

  private let caller: esscher_observer
  private let promptIDs: [String]?
  private var wantsEnd = false
  private var lines = ""

  /// - Parameters:
  ///   - pointer: the caller's.
  ///   - promptIDs: identifiers in row order, where the table has them.
  init(
    _ pointer: UnsafePointer<esscher_observer>?, promptIDs: [String]? = nil
  ) throws(EsscherError) {
    self.promptIDs = promptIDs
    guard let pointer = unsafe pointer else {
      unsafe caller = esscher_observer()
      return
    }
    unsafe caller = try SizedStruct.read(
      pointer, zero: esscher_observer(), least: MemoryLayout<Int>.size, name: "esscher_observer")
    if isCancelled { throw EsscherError.interruption }
  }

  /// The engine's view of it, for the time of this object.
  var observer: RunObserver {
    var observer = RunObserver(
      progress: { stage, fraction in self.report(stage, fraction) },
      isCancelled: { self.isCancelled })
    if unsafe caller.prompts != nil {
      lines = PromptPointText.header
      observer.promptPoints = { (points) throws(EsscherError) in try self.take(points) }
      observer.restarted = { () throws(EsscherError) in try self.restart() }
    }
    return observer
  }

  private var isCancelled: Bool {
    if wantsEnd { return true }
    // Set from other threads and from signal handlers.
    let flag = unsafe caller.cancel.map {
      unsafe UnsafeRawPointer($0).assumingMemoryBound(to: Atomic<Int32>.self)
    }
    guard let flag = unsafe flag else { return false }
    return unsafe flag.pointee.load(ordering: .relaxed) != 0
  }

  private func report(_ stage: String, _ fraction: Double) {
    guard let progress = unsafe caller.progress else { return }
    let answer = unsafe stage.withCString {
      unsafe progress(caller.context, $0, min(1, max(0, fraction)))
    }
    if answer != 0 { wantsEnd = true }
  }

  // MARK: Lines of prompts

  private func take(_ points: [PromptPoint]) throws(EsscherError) {
    for point in points { lines += PromptPointText.line(point, promptIDs: promptIDs) }
    if lines.utf8.count >= Self.batch { try handOver() }
  }

  private func restart() throws(EsscherError) {
    lines = PromptPointText.header
    guard let prompts = unsafe caller.prompts else { return }
    if unsafe prompts(caller.context, nil, 0) != 0 { throw EsscherError.interruption }
  }

  /// Hands over the lines that are left; asked once the run has ended well.
  func finish() throws(EsscherError) {
    if !lines.isEmpty { try handOver() }
  }

  private func handOver() throws(EsscherError) {
    guard let prompts = unsafe caller.prompts else { return }
    let length = lines.utf8.count
    let answer = unsafe lines.withCString { unsafe prompts(caller.context, $0, length) }
    lines.removeAll(keepingCapacity: true)
    if answer != 0 { throw EsscherError.interruption }
  }
}

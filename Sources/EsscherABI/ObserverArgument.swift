// SPDX-License-Identifier: Apache-2.0
// From `esscher_observer` to the engine's callbacks.

internal import CEsscher
internal import EsscherCore
internal import Synchronization

enum ObserverArgument {
  /// The engine's view of a caller's observer; one that does nothing where there is none.
  static func observer(
    _ pointer: UnsafePointer<esscher_observer>?
  ) throws(EsscherError) -> RunObserver {
    guard let pointer = unsafe pointer else { return RunObserver() }
    let observer = try unsafe SizedStruct.read(
      pointer, zero: esscher_observer(), least: MemoryLayout<Int>.size, name: "esscher_observer")
    var wantsEnd = false
    // Set from other threads and from signal handlers.
    let flag = unsafe observer.cancel.map {
      unsafe UnsafeRawPointer($0).assumingMemoryBound(to: Atomic<Int32>.self)
    }
    return RunObserver(
      progress: { stage, fraction in
        guard let progress = unsafe observer.progress else { return }
        let answer = unsafe stage.withCString {
          unsafe progress(observer.context, $0, min(1, max(0, fraction)))
        }
        if answer != 0 { wantsEnd = true }
      },
      isCancelled: {
        if wantsEnd { return true }
        guard let flag = unsafe flag else { return false }
        return unsafe flag.pointee.load(ordering: .relaxed) != 0
      })
  }
}

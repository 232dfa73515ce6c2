// SPDX-License-Identifier: Apache-2.0
// The threads that work on one thing together: Dispatch's, or in a child made by fork some of our own. There Dispatch has the
// bookkeeping of its pool and none of the pool's threads, and may hold locks that nobody will give back; programs
// that load the library fork at any time.

internal import CForkState
internal import Dispatch

enum WorkerThreads {
  /// Runs `body` on up to `count` threads at once and returns when all have returned.
  ///
  /// `body` may run fewer times than `count`; it takes its work from a common counter, so that the others do the
  /// rest.
  static func run(_ count: Int, _ body: @Sendable () -> Void) {
    if cforkstate_is_child() != 0 {
      runOnOwn(count, body)
    } else {
      DispatchQueue.concurrentPerform(iterations: max(1, count)) { _ in body() }
    }
  }

  /// As ``run(_:_:)``, on threads that end with the call, while the caller's only waits.
  ///
  /// Not on the caller's thread too: a `Mutex` knows its owner by the number of the thread, which the standard library asks
  /// for once a thread. The thread that forked still has its parent's number in the child, and a lock that it shares
  /// with another thread there ends the process. New threads have numbers of their own.
  static func runOnOwn(_ count: Int, _ body: @Sendable () -> Void) {
    guard count > 1 else { return body() }
    let threads = withoutActuallyEscaping(body) { body in
      let work = Work(body: body)
      return withExtendedLifetime(work) {
        unsafe cforkstate_run_on_new_threads(
          Int32(clamping: count),
          { unsafe Unmanaged<Work>.fromOpaque($0).takeUnretainedValue().body() },
          Unmanaged.passUnretained(work).toOpaque())
      }
    }
    if threads == 0 { body() }
  }

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(body: @escaping @Sendable () -> Void) { self.body = body }
  }
}

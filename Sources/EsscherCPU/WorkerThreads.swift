// SPDX-License-Identifier: Apache-2.0
// The threads that work on one thing together: Dispatch's, or in a child made by fork some of our own. There Dispatch has the
// bookkeeping of its pool and none of the pool's threads, and may hold locks that nobody will give back; programs
// that load the library fork at any time.

internal import CForkState
internal import Dispatch
internal import Glibc

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
    withoutActuallyEscaping(body) { body in
      let work = unsafe Unmanaged.passRetained(Work(body: body))
      var threads: [pthread_t] = []
      threads.reserveCapacity(count)
      withSignalsBlocked {
        for _ in 0..<count {
          var thread = pthread_t()
          let status = unsafe pthread_create(
            &thread, nil,
            { argument in
              if let argument = unsafe argument {
                unsafe Unmanaged<Work>.fromOpaque(argument).takeUnretainedValue().body()
              }
              return nil
            }, work.toOpaque())
          // No more threads: fewer do the same work.
          guard status == 0 else { break }
          threads.append(thread)
        }
      }
      if threads.isEmpty { body() }
      for thread in threads { pthread_join(thread, nil) }
      unsafe work.release()
    }
  }

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Signals that a thread brings upon itself; blocking them would hide where it happened.
  private static let ownFaults = [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT]

  /// New threads inherit the caller's mask: signals of the process go on reaching the threads that had them, whose
  /// system calls they are meant to interrupt.
  private static func withSignalsBlocked(_ body: () -> Void) {
    var blocked = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&blocked)
    for signal in ownFaults { unsafe sigdelset(&blocked, signal) }
    guard unsafe pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0 else { return body() }
    body()
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
  }
}

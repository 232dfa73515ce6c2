// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM. The first asks the run to stop, which removes what is half-written; the second
// does not wait. The handler touches atomics and async-signal-safe calls only.

internal import EsscherIO
internal import Glibc
internal import Synchronization

private let signalsReceived = Atomic<Int>(0)

/// The user's wish to stop.
enum Interruption {
  /// Whether a signal has come.
  static var isRequested: Bool { signalsReceived.load(ordering: .relaxed) > 0 }

  private static func isIgnored(_ action: sigaction) -> Bool {
    let handler = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: UInt.self)
    return unsafe handler == unsafeBitCast(SIG_IGN, to: UInt.self)
  }

  /// Fills standard streams that the caller closed, so that no file we open takes their place. Writing
  /// to one of them fails, as it should.
  static func guardStandardStreams() {
    for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) < 0 {
      unsafe _ = open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY)
    }
  }

  /// Installs the handlers, and ignores SIGPIPE so that a closed pipe is an error number.
  static func install() {
    // Both are made on first use, which must not be inside the handler.
    PartialFiles.prepare()
    _ = isRequested
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = { _ in
      let earlier = signalsReceived.wrappingAdd(1, ordering: .relaxed).oldValue
      if earlier > 0 {
        PartialFiles.unlinkAll()
        _exit(130)
      }
    }
    // No SA_RESTART: a read that waits for a pipe must come back to ask whether to go on.
    action.sa_flags = 0
    for number in [SIGINT, SIGTERM, SIGHUP] {
      // What a caller such as nohup ignores stays ignored.
      var inherited = sigaction()
      unsafe sigaction(number, nil, &inherited)
      if unsafe inherited.__sigaction_handler.sa_handler == nil || !isIgnored(inherited) {
        unsafe sigaction(number, &action, nil)
      }
    }
    // A mapped input that shrinks under us, or a full disk under a mapped temporary file.
    var fault = sigaction()
    unsafe fault.__sigaction_handler.sa_handler = { _ in
      PartialFiles.unlinkAll()
      let sentence: StaticString =
        "esscher: error: an input changed while it was read, or the disk of TMPDIR filled up; run again.\n"
      unsafe _ = write(STDERR_FILENO, sentence.utf8Start, sentence.utf8CodeUnitCount)
      _exit(3)
    }
    unsafe sigaction(SIGBUS, &fault, nil)
    signal(SIGPIPE, SIG_IGN)
  }
}

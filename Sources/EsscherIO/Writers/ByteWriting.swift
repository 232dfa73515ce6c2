// SPDX-License-Identifier: Apache-2.0
// Bytes to a file descriptor: short writes are continued, interrupted ones repeated.

internal import Glibc

package enum ByteWriting {
  /// Writes all bytes. Returns 0, or the error number of the write that failed.
  package static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
    var rest = unsafe bytes[...]
    while let start = unsafe UnsafeRawBufferPointer(rebasing: rest).baseAddress,
      unsafe !rest.isEmpty
    {
      let count = unsafe Glibc.write(descriptor, start, rest.count)
      if count >= 0 {
        unsafe rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        // A terminal or pipe that someone else made non-blocking: wait until it takes more.
        var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = unsafe poll(&poller, 1, -1)
      } else if errno != EINTR {
        return errno
      }
    }
    return 0
  }

  /// Writes a text in UTF-8. Returns 0 or an error number.
  package static func write(_ text: String, to descriptor: Int32) -> Int32 {
    var text = text
    return text.withUTF8 { unsafe write(UnsafeRawBufferPointer($0), to: descriptor) }
  }

  /// The system's words for an error number.
  package static func reason(_ error: Int32) -> String {
    guard let text = unsafe strerror(error) else { return "error \(error)" }
    return unsafe String(cString: text)
  }
}

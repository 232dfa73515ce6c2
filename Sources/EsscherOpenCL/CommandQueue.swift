// SPDX-License-Identifier: Apache-2.0
// Copies and launches in order. Queues of one session run beside each other.

internal import COpenCL
internal import EsscherCore

/// An in-order queue on one device.
@safe
final class OpenCLQueue {
  let session: OpenCLSession
  private let queue: cl_command_queue
  private var library: OpenCLLibrary { session.library }

  init(_ session: OpenCLSession, _ queue: cl_command_queue) {
    self.session = session
    unsafe self.queue = queue
  }

  deinit { _ = unsafe copencl_release_queue(library.api, queue) }

  /// Copies to the device; returns when the bytes are there, for the commands of every queue.
  ///
  /// A blocking write need only have taken the bytes when it returns: Intel's runtime let kernels of another queue read what
  /// was there before.
  func write<Element: BitwiseCopyable>(
    _ values: [Element], to buffer: borrowing OpenCLBuffer
  ) throws(OpenCLError) {
    guard !values.isEmpty else { return }
    let bytes = values.count * MemoryLayout<Element>.stride
    precondition(bytes <= buffer.size, "a write fits its buffer")
    let memory = unsafe buffer.memory
    let status = unsafe values.withUnsafeBytes {
      unsafe copencl_write(library.api, queue, memory, 0, bytes, $0.baseAddress, 1)
    }
    try OpenCLError.check(status, "clEnqueueWriteBuffer of \(bytes) bytes")
    try finish()
  }

  /// Starts a copy to the device; `source` must stay as it is until the queue has got there.
  func enqueueWrite(
    _ source: UnsafeRawPointer, _ bytes: Int, to buffer: borrowing OpenCLBuffer
  ) throws(OpenCLError) {
    guard bytes > 0 else { return }
    precondition(bytes <= buffer.size, "a write fits its buffer")
    try OpenCLError.check(
      unsafe copencl_write(library.api, queue, buffer.memory, 0, bytes, source, 0),
      "clEnqueueWriteBuffer of \(bytes) bytes")
  }

  /// Copies `count` elements back; returns when everything before it on the queue is done.
  func read<Element: BitwiseCopyable>(
    _ count: Int, from buffer: borrowing OpenCLBuffer, zero: Element
  ) throws(OpenCLError) -> [Element] {
    guard count > 0 else { return [] }
    var values = [Element](repeating: zero, count: count)
    let bytes = count * MemoryLayout<Element>.stride
    precondition(bytes <= buffer.size, "a read fits its buffer")
    let memory = unsafe buffer.memory
    let status = unsafe values.withUnsafeMutableBytes {
      unsafe copencl_read(library.api, queue, memory, 0, bytes, $0.baseAddress, nil)
    }
    try OpenCLError.check(status, "clEnqueueReadBuffer of \(bytes) bytes")
    return values
  }

  /// Starts a copy of values to the device, through the memory of the host that the buffer has; they must not be
  /// followed by others before the queue has got there.
  func enqueueWrite<Element: BitwiseCopyable>(
    _ values: [Element], to buffer: borrowing OpenCLBuffer
  ) throws(OpenCLError) {
    guard !values.isEmpty else { return }
    let bytes = values.count * MemoryLayout<Element>.stride
    let host = buffer.exchange(bytes)
    unsafe values.withUnsafeBytes {
      unsafe UnsafeMutableRawBufferPointer(start: host.start, count: bytes).copyMemory(from: $0)
    }
    try unsafe enqueueWrite(host.start, bytes, to: buffer)
  }

  /// Starts a copy of the first `bytes` back to the memory of the host that the buffer has.
  ///
  /// - Returns: what tells when it is there; nil where there is nothing to copy.
  func enqueueRead(
    _ bytes: Int, of buffer: borrowing OpenCLBuffer
  ) throws(OpenCLError) -> OpenCLEvent? {
    guard bytes > 0 else { return nil }
    let host = buffer.exchange(bytes)
    var event: cl_event?
    try OpenCLError.check(
      unsafe copencl_read(library.api, queue, buffer.memory, 0, bytes, host.start, &event),
      "clEnqueueReadBuffer of \(bytes) bytes")
    guard let event = unsafe event else {
      throw OpenCLError(call: "clEnqueueReadBuffer of \(bytes) bytes", status: -30)
    }
    return unsafe OpenCLEvent(library: library, event: event)
  }

  /// Launches `groups` work-groups of `lanes` lanes.
  func launch(
    _ kernel: borrowing OpenCLKernel, groups: (Int, Int), lanes: Int
  ) throws(OpenCLError) {
    guard groups.0 > 0, groups.1 > 0 else { return }
    guard lanes <= kernel.largestGroup else {
      throw OpenCLError(
        call: "", status: 0,
        detail: "the kernel \(kernel.name) runs in groups of at most \(kernel.largestGroup) lanes, "
          + "and \(lanes) were planned")
    }
    let global = [groups.0 * lanes, groups.1]
    let local = [lanes, 1]
    let handle = unsafe kernel.kernel
    let status = unsafe global.withUnsafeBufferPointer { global in
      unsafe local.withUnsafeBufferPointer { local in
        unsafe copencl_launch(library.api, queue, handle, global.baseAddress, local.baseAddress)
      }
    }
    try OpenCLError.check(status, "clEnqueueNDRangeKernel of \(kernel.name)")
  }

  func flush() throws(OpenCLError) {
    try OpenCLError.check(unsafe copencl_flush(library.api, queue), "clFlush")
  }

  /// Waits for everything.
  func finish() throws(OpenCLError) {
    try OpenCLError.check(unsafe copencl_finish(library.api, queue), "clFinish")
  }

  /// Maps a buffer of the host for good; nil where the driver cannot.
  func map(_ buffer: borrowing OpenCLBuffer) -> UnsafeMutableRawPointer? {
    var start: UnsafeMutableRawPointer?
    let status = unsafe copencl_map(library.api, queue, buffer.memory, buffer.size, &start)
    return unsafe status == 0 ? start : nil
  }

  /// Gives a mapped buffer back.
  func unmap(_ buffer: borrowing OpenCLBuffer, _ start: UnsafeMutableRawPointer) {
    _ = unsafe copencl_unmap(library.api, queue, buffer.memory, start)
  }
}

/// The end of one command.
@safe
final class OpenCLEvent {
  private let library: OpenCLLibrary
  private let event: cl_event

  init(library: OpenCLLibrary, event: cl_event) {
    self.library = library
    unsafe self.event = event
  }

  deinit { _ = unsafe copencl_release_event(library.api, event) }

  /// Returns when the command is done.
  ///
  /// - Throws: also where the command failed.
  func wait() throws(OpenCLError) {
    try OpenCLError.check(unsafe copencl_wait(library.api, event), "clWaitForEvents")
  }
}

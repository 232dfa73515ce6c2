// SPDX-License-Identifier: Apache-2.0
// One noncopyable owner for each kind of OpenCL object. Releasing cannot fail in a way that matters.

internal import COpenCL
internal import EsscherCore
internal import Synchronization

/// A context on one device.
@safe
final class OpenCLSession {
  let library: OpenCLLibrary
  let profile: DeviceProfile
  let device: cl_device_id
  private let context: cl_context

  private init(
    library: OpenCLLibrary, profile: DeviceProfile, device: cl_device_id, context: cl_context
  ) {
    self.library = library
    self.profile = profile
    unsafe self.device = device
    unsafe self.context = context
  }

  /// One at a time: drivers that are asked for their devices by two threads at once may say that there
  /// are none (PoCL does).
  private static let opening = Mutex(())

  /// Opens a device by its indices.
  static func open(
    _ library: OpenCLLibrary, platform: Int, device: Int
  ) throws(OpenCLError) -> OpenCLSession {
    try opening.withLock { _ throws(OpenCLError) in
      try openAlone(library, platform: platform, device: device)
    }
  }

  private static func openAlone(
    _ library: OpenCLLibrary, platform: Int, device: Int
  ) throws(OpenCLError) -> OpenCLSession {
    let platforms = try unsafe DeviceProfile.platforms(library)
    guard unsafe platforms.indices.contains(platform) else {
      throw OpenCLError(
        call: "", status: 0, detail: "there is no platform \(platform); esscher devices lists them")
    }
    let devices = try unsafe DeviceProfile.devices(library, platforms[platform])
    guard unsafe devices.indices.contains(device) else {
      throw OpenCLError(
        call: "", status: 0,
        detail: "platform \(platform) has no device \(device); esscher devices lists them")
    }
    let id = unsafe devices[device]
    let profile = unsafe DeviceProfile(
      library, platform: platform, platformID: platforms[platform], device: device, deviceID: id)
    if let shortcoming = profile.shortcoming {
      throw OpenCLError(call: "", status: 0, detail: shortcoming.reason)
    }
    var context: cl_context?
    try OpenCLError.check(
      unsafe copencl_create_context(library.api, platforms[platform], id, &context),
      "clCreateContext")
    guard let context = unsafe context else {
      throw OpenCLError(call: "clCreateContext", status: -30)
    }
    return unsafe OpenCLSession(
      library: library, profile: profile, device: id, context: context)
  }

  deinit { _ = unsafe copencl_release_context(library.api, context) }

  /// A queue of its own.
  func queue() throws(OpenCLError) -> OpenCLQueue {
    var queue: cl_command_queue?
    try OpenCLError.check(
      unsafe copencl_create_queue(library.api, context, device, &queue), "clCreateCommandQueue")
    guard let queue = unsafe queue else {
      throw OpenCLError(call: "clCreateCommandQueue", status: -30)
    }
    return unsafe OpenCLQueue(self, queue)
  }

  /// A buffer of at least `bytes`, checked against the device's limit first.
  ///
  /// - Parameter host: what the buffer is filled from, which it is made of where host and device share one
  ///   memory: copies from there then cost nothing. The buffer keeps it.
  func buffer(
    _ bytes: Int, _ what: String, host: HostMemory? = nil
  ) throws(OpenCLError) -> OpenCLBuffer {
    let size = max(bytes, 64)
    guard size <= profile.largestBuffer else {
      throw OpenCLError(
        call: "", status: 0,
        detail: "\(what) need \(size >> 20) MiB in one buffer, and the device allows "
          + "\(profile.largestBuffer >> 20) MiB")
    }
    var memory: cl_mem?
    let status =
      if let host, !host.isCopied, bytes >= 64, bytes <= host.bytes {
        unsafe copencl_create_shared_buffer(library.api, context, size, host.start, &memory)
      } else {
        unsafe copencl_create_buffer(library.api, context, size, &memory)
      }
    try OpenCLError.check(
      status,
      "clCreateBuffer of \(size) bytes for \(what)")
    guard let memory = unsafe memory else {
      throw OpenCLError(call: "clCreateBuffer", status: -30)
    }
    return unsafe OpenCLBuffer(library: library, memory: memory, size: size, host: host)
  }

  /// Memory of the host that the device reads where it lies, and never writes.
  ///
  /// - Parameter start: of what must stay there until the buffer is released.
  func heldBuffer(
    _ start: UnsafeRawPointer, _ bytes: Int, _ what: String
  ) throws(OpenCLError) -> OpenCLBuffer {
    var memory: cl_mem?
    try OpenCLError.check(
      unsafe copencl_create_held_buffer(library.api, context, bytes, start, &memory),
      "clCreateBuffer of \(bytes) bytes for \(what)")
    guard let memory = unsafe memory else {
      throw OpenCLError(call: "clCreateBuffer", status: -30)
    }
    return unsafe OpenCLBuffer(library: library, memory: memory, size: bytes, host: nil)
  }

  /// Memory of the host that the device copies from without a detour, as the driver allocates it.
  ///
  /// - Returns: nil where the driver has none; ordinary memory then does, more slowly.
  func pinned(_ bytes: Int, by queue: OpenCLQueue) -> PinnedMemory? {
    var memory: cl_mem?
    guard bytes <= profile.largestBuffer,
      unsafe copencl_create_pinned_buffer(library.api, context, bytes, &memory) == 0,
      let memory = unsafe memory
    else { return nil }
    return unsafe PinnedMemory(
      OpenCLBuffer(library: library, memory: memory, size: bytes, host: nil), by: queue)
  }

  /// The programs that are embedded: one to evaluate statistics, one to measure a device.
  enum Source {
    case engine, ceilings

    /// NUL-terminated.
    var text: UnsafePointer<CChar>? {
      switch self {
      case .engine: unsafe copencl_kernel_source()
      case .ceilings: unsafe copencl_ceiling_source()
      }
    }
  }

  /// Builds a program, once and for good.
  func program(
    _ source: Source = .engine, options: String
  ) throws(OpenCLError) -> OpenCLProgram {
    var program: cl_program?
    let source = unsafe source.text
    guard let source = unsafe source else {
      throw OpenCLError(call: "", status: 0, detail: "the kernels are missing from this build")
    }
    var length = 0
    while unsafe source[length] != 0 { length += 1 }
    try OpenCLError.check(
      unsafe copencl_create_program(library.api, context, source, length, &program),
      "clCreateProgramWithSource")
    guard let program = unsafe program else {
      throw OpenCLError(call: "clCreateProgramWithSource", status: -30)
    }
    let built = unsafe OpenCLProgram(library: library, program: program)
    let status = unsafe copencl_build(library.api, program, device, options)
    guard status == 0 else {
      var log = [CChar](repeating: 0, count: 1 << 14)
      _ = unsafe log.withUnsafeMutableBufferPointer {
        unsafe copencl_build_log(library.api, program, device, $0.baseAddress, $0.count)
      }
      let text = String(
        decoding: log.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      throw OpenCLError(
        call: "clBuildProgram", status: status,
        detail: text.isEmpty ? "no build log" : "build log: \(text.prefix(2000))")
    }
    return built
  }
}

/// Memory on a device.
@safe
struct OpenCLBuffer: ~Copyable {
  let library: OpenCLLibrary
  let memory: cl_mem
  let size: Int
  /// Freed after the buffer.
  private let host: HostMemory?

  init(library: OpenCLLibrary, memory: cl_mem, size: Int, host: HostMemory?) {
    self.library = library
    unsafe self.memory = memory
    self.size = size
    self.host = host
  }

  deinit { _ = unsafe copencl_release_buffer(library.api, memory) }

  /// The memory of the host that `bytes` are exchanged through.
  func exchange(_ bytes: Int) -> HostMemory {
    guard let host, bytes <= min(size, host.bytes) else {
      preconditionFailure("\(bytes) bytes fit the buffer's memory of the host")
    }
    return host
  }

  /// What was read back to the memory of the host.
  func values<Element: BitwiseCopyable>(_ count: Int, of type: Element.Type) -> [Element] {
    values(0..<count, of: type)
  }

  /// Some of it.
  func values<Element: BitwiseCopyable>(
    _ range: Range<Int>, of type: Element.Type
  ) -> [Element] {
    guard !range.isEmpty else { return [] }
    let host = exchange(range.upperBound * MemoryLayout<Element>.stride)
    let start = unsafe host.start.assumingMemoryBound(to: type) + range.lowerBound
    return unsafe Array(UnsafeBufferPointer(start: start, count: range.count))
  }
}

/// A built program.
@safe
struct OpenCLProgram: ~Copyable {
  let library: OpenCLLibrary
  let program: cl_program

  deinit { _ = unsafe copencl_release_program(library.api, program) }

  func kernel(
    _ name: String, on session: OpenCLSession
  ) throws(OpenCLError) -> OpenCLKernel {
    var kernel: cl_kernel?
    try OpenCLError.check(
      unsafe copencl_create_kernel(library.api, program, name, &kernel), "clCreateKernel of \(name)"
    )
    guard let kernel = unsafe kernel else {
      throw OpenCLError(call: "clCreateKernel of \(name)", status: -30)
    }
    var largest = 0
    let status = unsafe copencl_kernel_work_group(library.api, kernel, session.device, &largest)
    let made = unsafe OpenCLKernel(
      library: library, kernel: kernel, name: name, largestGroup: status == 0 ? largest : 1)
    try OpenCLError.check(status, "clGetKernelWorkGroupInfo of \(name)")
    return made
  }
}

/// A kernel with its arguments.
@safe
struct OpenCLKernel: ~Copyable {
  let library: OpenCLLibrary
  let kernel: cl_kernel
  let name: String
  let largestGroup: Int

  deinit { _ = unsafe copencl_release_kernel(library.api, kernel) }

  func set(_ index: Int, _ buffer: borrowing OpenCLBuffer) throws(OpenCLError) {
    try OpenCLError.check(
      unsafe copencl_set_buffer(library.api, kernel, cl_uint(index), buffer.memory),
      "clSetKernelArg \(index) of \(name)")
  }

  func set(_ index: Int, uint value: UInt32) throws(OpenCLError) {
    try OpenCLError.check(
      unsafe copencl_set_uint(library.api, kernel, cl_uint(index), value),
      "clSetKernelArg \(index) of \(name)")
  }

  /// Local memory of `bytes` for each work-group.
  func set(_ index: Int, localBytes bytes: Int) throws(OpenCLError) {
    try OpenCLError.check(
      unsafe copencl_set_local(library.api, kernel, cl_uint(index), bytes),
      "clSetKernelArg \(index) of \(name)")
  }

  func set(_ index: Int, ulong value: UInt64) throws(OpenCLError) {
    try OpenCLError.check(
      unsafe copencl_set_ulong(library.api, kernel, cl_uint(index), value),
      "clSetKernelArg \(index) of \(name)")
  }
}

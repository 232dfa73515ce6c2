// SPDX-License-Identifier: Apache-2.0
// A device as its driver describes it, and the limits that every launch is checked against.

internal import COpenCL
internal import EsscherCore

/// Facts about one device. Every query may fail: drivers leave out what they like.
struct DeviceProfile: Equatable, Sendable {
  var platform: Int
  var device: Int
  var name = ""
  var vendor = ""
  var platformName = ""
  var driver = ""
  var isGPU = false
  var hasDouble = false
  /// Floats below 2^-126 are what they are, and not 0.
  var keepsSmallFloats = false
  var computeUnits = 0
  var globalMemory = 0
  var largestBuffer = 0
  var localMemory = 0
  var largestGroup = 0
  /// Host and device have one memory.
  var sharesMemory = false
  var isAvailable = true

  /// As `--device` takes it.
  var spelling: String { "opencl:\(platform).\(device)" }

  var description: DeviceDescription {
    DeviceDescription(
      name: spelling, model: name, target: "\(platformName), driver \(driver)",
      units: computeUnits, memoryBytes: globalMemory > 0 ? globalMemory : nil,
      isAutomaticChoice: false)
  }

  /// Reads a device.
  init(
    _ library: OpenCLLibrary, platform: Int, platformID: cl_platform_id, device: Int,
    deviceID: cl_device_id
  ) {
    self.platform = platform
    self.device = device
    func text(_ what: Int32) -> String {
      unsafe Self.text { unsafe copencl_device_text(library.api, deviceID, cl_uint(what), $0, $1) }
    }
    func number(_ what: Int32) -> Int {
      var value: cl_ulong = 0
      let status = unsafe copencl_device_number(library.api, deviceID, cl_uint(what), &value)
      return status == 0 ? Int(clamping: value) : 0
    }
    platformName = unsafe Self.text {
      unsafe copencl_platform_text(library.api, platformID, cl_uint(CL_PLATFORM_NAME), $0, $1)
    }
    name = text(CL_DEVICE_NAME)
    vendor = text(CL_DEVICE_VENDOR)
    driver = text(CL_DRIVER_VERSION)
    isGPU = number(CL_DEVICE_TYPE) & Int(CL_DEVICE_TYPE_GPU) != 0
    hasDouble =
      number(CL_DEVICE_DOUBLE_FP_CONFIG) != 0
      || text(CL_DEVICE_EXTENSIONS).split(separator: " ").contains("cl_khr_fp64")
    keepsSmallFloats = number(CL_DEVICE_SINGLE_FP_CONFIG) & Int(CL_FP_DENORM) != 0
    computeUnits = number(CL_DEVICE_MAX_COMPUTE_UNITS)
    globalMemory = number(CL_DEVICE_GLOBAL_MEM_SIZE)
    largestBuffer = number(CL_DEVICE_MAX_MEM_ALLOC_SIZE)
    localMemory = number(CL_DEVICE_LOCAL_MEM_SIZE)
    largestGroup = number(CL_DEVICE_MAX_WORK_GROUP_SIZE)
    sharesMemory = number(CL_DEVICE_HOST_UNIFIED_MEMORY) != 0
    isAvailable = number(CL_DEVICE_AVAILABLE) != 0
  }

  static func text(
    _ query: (_ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int) -> cl_int
  ) -> String {
    var buffer = [CChar](repeating: 0, count: 8192)
    let status = unsafe buffer.withUnsafeMutableBufferPointer {
      unsafe query($0.baseAddress, $0.count)
    }
    guard status == 0 else { return "" }
    let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    // Drivers pad names with blanks; tabs and line ends would break the probe's lines.
    return String(decoding: bytes, as: UTF8.self)
      .split { $0.isWhitespace }.joined(separator: " ")
  }

  /// Why the device cannot run the kernels, nil where it can.
  var shortcoming: DeviceFallback? {
    func fallback(_ reason: String, _ remedy: String) -> DeviceFallback {
      DeviceFallback(device: "\(spelling) (\(name))", reason: reason, remedy: remedy)
    }
    if !isAvailable {
      return fallback("the driver says that it is not available", "check it with clinfo")
    }
    if !hasDouble {
      return fallback(
        "it has no double precision, without which the accuracy contract cannot be kept",
        "use --device cpu")
    }
    if largestBuffer < 1 << 20 || localMemory < 1 << 15 {
      return fallback(
        "it allows buffers of \(largestBuffer) bytes and \(localMemory) bytes of local memory, less "
          + "than the kernels need", "use --device cpu")
    }
    return nil
  }

  /// Platforms of a library; an empty list with the reason where it has none.
  static func platforms(_ library: OpenCLLibrary) throws(OpenCLError) -> [cl_platform_id] {
    var ids = unsafe [cl_platform_id?](repeating: nil, count: 32)
    var count: cl_uint = 0
    let status = unsafe copencl_platforms(library.api, cl_uint(ids.count), &ids, &count)
    try OpenCLError.check(status, "clGetPlatformIDs of \(library.path)")
    return unsafe ids.prefix(Int(count)).compactMap { unsafe $0 }
  }

  /// Devices of a platform, in the driver's order.
  static func devices(
    _ library: OpenCLLibrary, _ platform: cl_platform_id
  ) throws(OpenCLError) -> [cl_device_id] {
    var ids = unsafe [cl_device_id?](repeating: nil, count: 32)
    var count: cl_uint = 0
    let status = unsafe copencl_devices(library.api, platform, cl_uint(ids.count), &ids, &count)
    try OpenCLError.check(status, "clGetDeviceIDs")
    return unsafe ids.prefix(Int(count)).compactMap { unsafe $0 }
  }
}

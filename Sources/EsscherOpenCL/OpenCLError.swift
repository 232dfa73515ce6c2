// SPDX-License-Identifier: Apache-2.0

internal import EsscherCore

/// A call of the driver that failed, or a limit of the device that a launch would have broken.
struct OpenCLError: Error, Equatable {
  /// What was being done, such as `clCreateBuffer of 64 MiB`.
  var call: String
  /// OpenCL's status; 0 where the engine refused before the driver could.
  var status: Int32
  /// The build log, or what the engine refused.
  var detail = ""

  /// Name of a status as the specification spells it.
  static func name(_ status: Int32) -> String { names[status] ?? "error \(status)" }

  private static let names: [Int32: String] = [
    -1: "CL_DEVICE_NOT_FOUND", -2: "CL_DEVICE_NOT_AVAILABLE", -3: "CL_COMPILER_NOT_AVAILABLE",
    -4: "CL_MEM_OBJECT_ALLOCATION_FAILURE", -5: "CL_OUT_OF_RESOURCES", -6: "CL_OUT_OF_HOST_MEMORY",
    -11: "CL_BUILD_PROGRAM_FAILURE", -30: "CL_INVALID_VALUE", -33: "CL_INVALID_DEVICE",
    -34: "CL_INVALID_CONTEXT", -36: "CL_INVALID_COMMAND_QUEUE", -43: "CL_INVALID_BUILD_OPTIONS",
    -45: "CL_INVALID_PROGRAM_EXECUTABLE", -46: "CL_INVALID_KERNEL_NAME", -48: "CL_INVALID_KERNEL",
    -49: "CL_INVALID_ARG_INDEX", -52: "CL_INVALID_KERNEL_ARGS", -54: "CL_INVALID_WORK_GROUP_SIZE",
    -61: "CL_INVALID_BUFFER_SIZE", -1001: "CL_PLATFORM_NOT_FOUND_KHR",
    -9999: "illegal address on an NVIDIA device",
  ]

  /// What a user can do about it.
  var remedy: String {
    switch status {
    case 0: "raise --memory-budget, or use --device cpu"
    case -4, -5, -6, -61: "free memory on the device, lower --memory-budget, or use --device cpu"
    case -3, -11, -43: "report this together with the driver's version, and use --device cpu"
    case -36, -9999: "the device's context is lost: run again, or use --device cpu"
    case -1, -2, -1001: "check the driver's installation with clinfo, or use --device cpu"
    default: "use --device cpu, and report this together with the driver's version"
    }
  }

  /// As the engine reports it, `device` being the one that failed.
  func report(device: String) -> EsscherError {
    EsscherError(
      .deviceUnavailable, "\(device) failed: \(sentence); \(remedy)")
  }

  /// What happened, without the remedy.
  var sentence: String {
    let reason = status == 0 ? detail : "\(call) gave \(Self.name(status)) (\(status))"
    guard status != 0, !detail.isEmpty else { return reason }
    return reason + ", " + detail
  }

  /// Throws where a status is not success.
  @inline(__always)
  static func check(_ status: Int32, _ call: @autoclosure () -> String) throws(OpenCLError) {
    guard status == 0 else { throw OpenCLError(call: call(), status: status) }
  }
}

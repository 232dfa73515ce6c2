// SPDX-License-Identifier: Apache-2.0
// What bounds a benchmark's jobs, measured on the device that they run on.

internal import EsscherCPU
public import EsscherCore
internal import EsscherOpenCL

/// What a device of this machine allows at best, measured on the spot.
public struct BenchmarkCeilings: Sendable {
  /// Device as `--device` names it.
  public var device: String
  /// Worker threads of the probes; compute units of an OpenCL device.
  public var threads: Int
  /// Bytes read from memory a second, the device's own where it has its own.
  public var readBytes: Double
  /// Multiply-adds a second in double precision.
  public var multiplyAdds: Double
  /// Multiply-adds a second in single precision.
  public var floatMultiplyAdds: Double
  /// Exponentials a second in double precision.
  public var exponentials: Double

  /// Measures the processor's.
  ///
  /// - Parameter threads: workers; nil for one a processor.
  public init(threads: Int? = nil) {
    let workers = CPUBackend(threads: threads).threads
    let measured = ProcessorCeilings(threads: workers)
    device = "cpu"
    self.threads = workers
    readBytes = measured.readBytes
    multiplyAdds = measured.multiplyAdds
    floatMultiplyAdds = measured.floatMultiplyAdds
    exponentials = measured.exponentials
  }

  /// Measures an OpenCL device's.
  ///
  /// - Parameter device: an OpenCL device by name, as `--device` takes it.
  /// - Returns: nil for the processor, whose are measured above, for several devices, which have none together, and
  ///   for `auto`, which stands for whichever suits some rewards.
  /// - Throws: `.deviceUnavailable` where the device cannot be used or fails.
  public init?(device: String) throws(EsscherError) {
    guard device.lowercased() != "auto",
      let backend = try DeviceChoice.single(device) as? OpenCLBackend
    else { return nil }
    let measured = try backend.ceilings()
    self.device = device
    threads = backend.threads
    readBytes = measured.readBytes
    multiplyAdds = measured.multiplyAdds
    floatMultiplyAdds = measured.floatMultiplyAdds
    exponentials = measured.exponentials
  }

  /// Units a second of a ceiling.
  public func rate(_ ceiling: BenchmarkCeiling) -> Double {
    switch ceiling {
    case .memory: readBytes
    case .multiplyAdd: multiplyAdds
    case .exponentials: exponentials
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Element types of .npy files as NumPy names them, and the conversion of a block of numbers.

internal import Esscher

/// An element type that `simulate` can write.
enum ElementType: String, CaseIterable, Sendable {
  case float32 = "f4"
  case float64 = "f8"
  case float16 = "f2"
  case int8 = "i1"
  case uint8 = "u1"
  case int16 = "i2"
  case uint16 = "u2"
  case int32 = "i4"
  case uint32 = "u4"
  case int64 = "i8"
  case uint64 = "u8"
  case boolean = "b1"

  var byteCount: Int { rawValue.last.flatMap(\.wholeNumberValue) ?? 1 }

  /// The `descr` of the header: byte order and type; a single byte has no order.
  var descriptor: String { (byteCount == 1 ? "|" : "<") + rawValue }

  private var isFloatingPoint: Bool { rawValue.hasPrefix("f") }

  /// Largest n such that 0...n are all represented exactly.
  private var largestWhole: Int {
    switch self {
    case .float16: 1 << 11
    case .float32: 1 << 24
    case .float64, .int64, .uint64: 1 << 53
    case .int8: 127
    case .uint8: 255
    case .int16: 32_767
    case .uint16: 65_535
    case .int32: Int(Int32.max)
    case .uint32: Int(UInt32.max)
    case .boolean: 1
    }
  }

  /// Refuses a type that cannot hold the law's values.
  func checkHolds(_ law: Law) throws(EsscherError) {
    guard let largest = law.largestWhole else {
      guard isFloatingPoint else {
        throw EsscherError(
          .usage,
          "--dtype \(rawValue) holds whole numbers only, and this law is continuous; use "
            + "f4, f8 or f2.")
      }
      return
    }
    guard largest <= largestWhole else {
      throw EsscherError(
        .usage,
        "--dtype \(rawValue) holds values up to \(largestWhole) exactly, and this law "
          + "reaches \(largest); use f4 or a larger integer.")
    }
  }

  /// Converts numbers, rounding to nearest, into bytes in little-endian order.
  ///
  /// - Precondition: `bytes.count` is `byteCount` for each number; whole numbers fit the type.
  func store(
    _ numbers: UnsafeBufferPointer<Double>, in bytes: UnsafeMutableRawBufferPointer
  ) {
    switch self {
    case .float64: unsafe Self.copy(numbers, bytes) { $0 }
    case .float32: unsafe Self.copy(numbers, bytes) { Float($0) }
    case .float16: unsafe Self.copy(numbers, bytes) { Float16($0) }
    case .int8, .uint8, .boolean: unsafe Self.copy(numbers, bytes) { UInt8($0) }
    case .int16, .uint16: unsafe Self.copy(numbers, bytes) { UInt16($0) }
    case .int32, .uint32: unsafe Self.copy(numbers, bytes) { UInt32($0) }
    case .int64, .uint64: unsafe Self.copy(numbers, bytes) { UInt64($0) }
    }
  }

  @inline(__always)
  private static func copy<Stored: BitwiseCopyable>(
    _ numbers: UnsafeBufferPointer<Double>, _ bytes: UnsafeMutableRawBufferPointer,
    _ convert: (Double) -> Stored
  ) {
    for index in 0..<numbers.count {
      unsafe bytes.storeBytes(
        of: convert(numbers[index]), toByteOffset: index * MemoryLayout<Stored>.size,
        as: Stored.self)
    }
  }
}

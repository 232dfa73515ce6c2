// SPDX-License-Identifier: Apache-2.0
// The element types that rewards may be stored in, and how each becomes a number: the same for files and for
// arrays in memory, so that both give the same bits.

/// An element type that rewards may be stored in, by NumPy's name for it; bfloat16 is `V2` there.
package enum CellElement: String, CaseIterable {
  case float16 = "f2"
  case bfloat16 = "V2"
  case float32 = "f4"
  case float64 = "f8"
  case int8 = "i1"
  case uint8 = "u1"
  case int16 = "i2"
  case uint16 = "u2"
  case int32 = "i4"
  case uint32 = "u4"
  case int64 = "i8"
  case uint64 = "u8"
  case bool = "b1"

  /// Bytes of a cell.
  package var size: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    }
  }

  /// What the numbers need.
  package var storage: CellStorage {
    switch self {
    case .float64, .int32, .uint32, .int64, .uint64: .float64
    default: .float32
    }
  }

  /// Converts `count` cells at `source`, `stride` bytes apart, to `Double`. They need not be aligned, and a stride may
  /// be negative.
  package func convert(
    _ source: UnsafeRawPointer, stride: Int, count: Int, to target: UnsafeMutablePointer<Double>
  ) {
    switch self {
    case .float16: unsafe Self.each(source, stride, count, target, Float16.self) { Double($0) }
    case .bfloat16:
      unsafe Self.each(source, stride, count, target, UInt16.self) {
        Double(Float(bitPattern: UInt32($0) &<< 16))
      }
    case .float32: unsafe Self.each(source, stride, count, target, Float.self) { Double($0) }
    case .float64: unsafe Self.each(source, stride, count, target, Double.self) { $0 }
    case .int8: unsafe Self.each(source, stride, count, target, Int8.self) { Double($0) }
    case .uint8: unsafe Self.each(source, stride, count, target, UInt8.self) { Double($0) }
    case .int16: unsafe Self.each(source, stride, count, target, Int16.self) { Double($0) }
    case .uint16: unsafe Self.each(source, stride, count, target, UInt16.self) { Double($0) }
    case .int32: unsafe Self.each(source, stride, count, target, Int32.self) { Double($0) }
    case .uint32: unsafe Self.each(source, stride, count, target, UInt32.self) { Double($0) }
    case .int64: unsafe Self.each(source, stride, count, target, Int64.self) { Double($0) }
    case .uint64: unsafe Self.each(source, stride, count, target, UInt64.self) { Double($0) }
    case .bool: unsafe Self.each(source, stride, count, target, UInt8.self) { $0 == 0 ? 0 : 1 }
    }
  }

  @inline(__always)
  private static func each<Stored: BitwiseCopyable>(
    _ source: UnsafeRawPointer, _ stride: Int, _ count: Int, _ target: UnsafeMutablePointer<Double>,
    _ type: Stored.Type, _ number: (Stored) -> Double
  ) {
    // Two loops, because the compiler turns the contiguous one into vector code.
    if stride == MemoryLayout<Stored>.size {
      for index in 0..<count {
        unsafe target[index] = number(
          source.loadUnaligned(fromByteOffset: index &* MemoryLayout<Stored>.size, as: Stored.self))
      }
    } else {
      for index in 0..<count {
        unsafe target[index] = number(
          source.loadUnaligned(fromByteOffset: index &* stride, as: Stored.self))
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// The element types of `.npy` files and how each becomes a number.

internal import EsscherCore

/// The user's `--dtype`.
struct NPYDType {
  var name: String?
  /// Whether a file of another type is a mistake, and not just a file beside the one that is meant.
  var mustMatch = true
}

/// An element type that rewards may be stored in.
enum NPYElement: String, CaseIterable {
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

  var size: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    }
  }

  var storage: CellStorage {
    switch self {
    case .float64, .int32, .uint32, .int64, .uint64: .float64
    default: .float32
    }
  }

  /// Reads the type of a header's `descr`.
  ///
  /// - Parameter dtype: the user's `--dtype`, which alone can say that two opaque bytes are bfloat16.
  init(descr: String, dtype: NPYDType, place: EsscherError.Location) throws(EsscherError) {
    let order = descr.first ?? " "
    let kind = String(descr.dropFirst())
    if let name = dtype.name, name != "bf16" {
      throw EsscherError(.usage, "--dtype knows only bf16; other types are read from the file")
    }
    if kind.first == "O" {
      throw EsscherError(
        .badInput,
        "holds Python objects (pickle), which are never run; save numbers instead, for example "
          + "with np.save(path, array.astype('float32'))", at: place)
    }
    if order == ">" && kind.dropFirst() != "1" {
      throw EsscherError(
        .badInput,
        "is big-endian (\(descr)); convert it with array.astype('<\(kind)') before saving",
        at: place)
    }
    guard ["<", "|", "=", ">"].contains(order), let element = NPYElement(rawValue: kind) else {
      throw EsscherError(
        .badInput,
        "has the element type '\(descr)', which is not a number type Esscher reads (f2 f4 f8, bf16, "
          + "i1 to i8, u1 to u8, b1); convert it, for example with array.astype('float32')",
        at: place)
    }
    if element == .bfloat16 && dtype.name == nil {
      throw EsscherError(
        .badInput,
        "holds two opaque bytes a cell ('\(descr)'); if they are bfloat16, say --dtype bf16",
        at: place)
    }
    if dtype.name != nil && dtype.mustMatch && element != .bfloat16 {
      throw EsscherError(
        .usage, "\(place): --dtype bf16 is for files of type |V2, and this one is '\(descr)'")
    }
    self = element
  }

  /// Converts `count` cells at `source`, `stride` bytes apart, to `Double`.
  func convert(
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

// SPDX-License-Identifier: Apache-2.0

internal import CJSONLines

/// What a cell of text says.
enum DecimalNumber: Equatable {
  case number(Double)
  /// Empty, `nan`, `na`, `n/a`, `null` or `none`.
  case missing
  case malformed

  /// Parses bytes to the nearest double; true and false are 1 and 0.
  @inline(__always)
  init(_ start: UnsafePointer<CChar>, _ count: Int) {
    var value = 0.0
    switch unsafe cjl_parse_number(start, count, &value) {
    case 1, 3: self = .number(value)
    case 2: self = .missing
    default: self = .malformed
    }
  }
}

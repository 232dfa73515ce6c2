// SPDX-License-Identifier: Apache-2.0
// The element types of `.npy` files, as their headers name them.

internal import EsscherCore

/// The user's `--dtype`.
struct NPYDType {
  var name: String?
  /// Whether a file of another type is a mistake, and not just a file beside the one that is meant.
  var mustMatch = true
}

typealias NPYElement = CellElement

extension CellElement {
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
}

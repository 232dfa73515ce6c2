// SPDX-License-Identifier: Apache-2.0
// From the text of an option's value to a number, a choice or a size; each refusal is a sentence that
// names the option and says what it takes.

package import EsscherCore

package enum ValueParsing {
  /// What was given, for a message: all of it, or the beginning of what is long.
  public static func excerpt(_ text: String) -> String {
    text.utf8.count <= 200 ? text : "\(String(decoding: text.utf8.prefix(200), as: UTF8.self))..."
  }

  /// A whole number inside a range.
  package static func integer(
    _ text: String, option: String, in range: ClosedRange<Int>
  ) throws(EsscherError) -> Int {
    guard let value = Int(text), range.contains(value) else {
      let limits =
        range.upperBound == .max
        ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
      throw EsscherError(
        .usage, "\(option) takes a whole number \(limits), not '\(excerpt(text))'.")
    }
    return value
  }

  /// A seed: any whole number of 64 bits without sign.
  package static func seed(_ text: String, option: String) throws(EsscherError) -> UInt64 {
    guard let value = UInt64(text) else {
      throw EsscherError(
        .usage, "\(option) takes a whole number from 0 to \(UInt64.max), not '\(excerpt(text))'.")
    }
    return value
  }

  /// A number strictly between two bounds.
  package static func number(
    _ text: String, option: String, between low: Double, and high: Double
  ) throws(EsscherError) -> Double {
    guard let value = Double(text), value > low, value < high else {
      throw EsscherError(
        .usage, "\(option) takes a number between \(low) and \(high), not '\(excerpt(text))'.")
    }
    return value
  }

  /// One of the cases of an enumeration.
  package static func choice<Choice: RawRepresentable & CaseIterable>(
    _ text: String, option: String, as type: Choice.Type = Choice.self
  ) throws(EsscherError) -> Choice where Choice.RawValue == String {
    guard let value = Choice(rawValue: text) else {
      let names = Choice.allCases.map(\.rawValue)
      throw EsscherError(
        .usage,
        "\(option) takes \(list(names)), not '\(excerpt(text))'."
          + Suggestion.sentence(for: text, among: names))
    }
    return value
  }

  /// The curves that `--curves` chooses from, in report order.
  private static let selectableCurves: [Curve] = [
    .tilt, .bestOfN, .bestOfPoisson, .softBestOfN, .rewindAndRepeat, .equalKL,
  ]

  /// A list of curves.
  package static func curves(_ text: String, option: String) throws(EsscherError) -> Set<Curve> {
    let names = selectableCurves.map(\.rawValue)
    var curves: Set<Curve> = []
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let curve = selectableCurves.first(where: { $0.rawValue == item }) else {
        throw EsscherError(
          .usage,
          "\(option) takes a list of \(list(names)), such as tilt,best_of_n, and '\(item)' is none "
            + "of them." + Suggestion.sentence(for: String(item), among: names))
      }
      curves.insert(curve)
    }
    return curves
  }

  /// A value that must not be empty.
  package static func nonEmpty(_ text: String, option: String) throws(EsscherError) -> String {
    guard !text.isEmpty else {
      throw EsscherError(.usage, "\(option) needs a value that is not empty.")
    }
    return text
  }

  /// A number of bytes: `256MiB`, `2GiB`, `500MB`, `1e9`.
  package static func byteCount(
    _ text: String, option: String, minimum: Int
  ) throws(EsscherError) -> Int {
    let units: [(String, Double)] = [
      ("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("TiB", 1_099_511_627_776),
      ("kB", 1e3), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("B", 1),
    ]
    var (digits, factor) = (text, 1.0)
    if let (unit, scale) = units.first(where: { text.hasSuffix($0.0) }) {
      (digits, factor) = (String(text.dropLast(unit.count)), scale)
    }
    guard let number = Double(digits), number.isFinite, number >= 0,
      let bytes = Int(exactly: (number * factor).rounded(.down))
    else {
      throw EsscherError(
        .usage, "\(option) takes a size such as 256MiB, 2GiB, 500MB or 1e9, not '\(excerpt(text))'."
      )
    }
    guard bytes >= minimum else {
      throw EsscherError(
        .usage,
        "\(option) must be at least \(minimum >> 20)MiB; '\(excerpt(text))' is \(bytes) bytes.")
    }
    return bytes
  }

  /// `a, b or c`.
  package static func list(_ names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "" }
    return names.dropLast().joined(separator: ", ") + " or " + last
  }
}

// SPDX-License-Identifier: Apache-2.0
// Numbers for people: a few significant digits. Files use the shortest digits that read back alike.

package enum NumberText {
  /// `value` with `digits` significant digits, without trailing zeros; empty where it is undefined.
  ///
  /// Plain notation from 1e-4 up to the number of digits before the point, scientific outside.
  package static func short(_ value: Double?, digits: Int) -> String {
    guard let value, value.isFinite else { return "" }
    guard value != 0 else { return "0" }
    let (mantissa, exponent) = decimal(abs(value), digits: digits)
    let sign = value < 0 ? "-" : ""
    guard exponent >= -4, exponent < max(digits, 6) else {
      let fraction = trimmed(mantissa.dropFirst())
      return sign + mantissa.prefix(1) + (fraction.isEmpty ? "" : "." + fraction) + "e"
        + String(exponent)
    }
    if exponent < 0 {
      return sign + "0." + String(repeating: "0", count: -exponent - 1) + trimmed(mantissa[...])
    }
    let padding = String(repeating: "0", count: max(0, exponent + 1 - mantissa.count))
    let whole = mantissa.prefix(exponent + 1) + padding
    let fraction = trimmed(mantissa.dropFirst(exponent + 1))
    return sign + whole + (fraction.isEmpty ? "" : "." + fraction)
  }

  /// Leading decimal digits and the power of ten of the first one.
  ///
  /// Works from the shortest decimal form, whose digits are exact enough for six places.
  private static func decimal(_ value: Double, digits: Int) -> (String, Int) {
    let parts = value.description.split(separator: "e")
    let point = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    var exponent = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) + point[0].count - 1
    var figures = (point[0] + (point.count > 1 ? point[1] : "")).utf8.map { Int($0) - 48 }
    while figures.first == 0, figures.count > 1 {
      figures.removeFirst()
      exponent -= 1
    }
    if figures.count > digits {
      let roundsUp = figures[digits] >= 5
      figures.removeLast(figures.count - digits)
      if roundsUp {
        var index = digits - 1
        while index >= 0, figures[index] == 9 {
          figures[index] = 0
          index -= 1
        }
        if index >= 0 {
          figures[index] += 1
        } else {
          figures = [1] + figures.dropLast()
          exponent += 1
        }
      }
    }
    return (figures.map(String.init).joined(), exponent)
  }

  private static func trimmed(_ digits: Substring) -> String {
    var result = digits
    while result.last == "0" { result.removeLast() }
    return String(result)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Grids as the command line writes them: `0.1,0.5,2`, `log:LO:HI:COUNT`, `lin:LO:HI:COUNT`, and
// `pow2` for whole numbers. A spec is checked when it is parsed and becomes numbers later.

package import EsscherCore
internal import Glibc

/// A grid of real numbers.
package enum GridSpec: Sendable, Equatable {
  case list([Double])
  case logarithmic(low: Double, high: Double, count: Int)
  case linear(low: Double, high: Double, count: Int)

  /// More points than this are a slip of the keyboard, and would fill the memory.
  package static let countLimit = 100_000

  /// - Parameter allowsZero: whether 0 is a value (it is for lambda, and not for beta or a budget).
  package init(parsing text: String, option: String, allowsZero: Bool) throws(EsscherError) {
    self = try Self.form(of: text, option: option)
    try check("'\(ValueParsing.excerpt(text))'", option: option, allowsZero: allowsZero)
  }

  /// A grid from numbers that need no reading.
  ///
  /// - Parameters:
  ///   - numbers: in any order.
  ///   - option: the option they are the value of, as messages name it.
  ///   - allowsZero: as of ``init(parsing:option:allowsZero:)``.
  package init(numbers: [Double], option: String, allowsZero: Bool) throws(EsscherError) {
    guard !numbers.isEmpty else { throw Self.empty(option) }
    guard numbers.count <= Self.countLimit else { throw Self.long(option) }
    self = .list(numbers)
    try check("the list", option: option, allowsZero: allowsZero)
  }

  private func check(_ what: String, option: String, allowsZero: Bool) throws(EsscherError) {
    for value in values {
      guard value.isFinite, value >= 0 else {
        throw EsscherError(
          .usage, "\(option) takes numbers of at least 0; \(value) in \(what) is not one.")
      }
      guard value > 0 || allowsZero else {
        throw EsscherError(.usage, "\(option) takes numbers above 0, and \(what) holds 0.")
      }
    }
  }

  private static func empty(_ option: String) -> EsscherError {
    EsscherError(.usage, "\(option) needs at least one number, for example 0.1,0.5,2.")
  }

  private static func long(_ option: String) -> EsscherError {
    EsscherError(.usage, "\(option) takes at most \(countLimit) numbers.")
  }

  private static func form(of text: String, option: String) throws(EsscherError) -> GridSpec {
    guard !text.isEmpty else { throw empty(option) }
    let fields = text.split(separator: ":", omittingEmptySubsequences: false)
    guard fields.count > 1 else {
      var numbers: [Double] = []
      for item in text.split(separator: ",", omittingEmptySubsequences: false) {
        numbers.append(try number(item, in: text, option: option))
      }
      guard numbers.count <= countLimit else { throw long(option) }
      return .list(numbers)
    }
    guard fields.count == 4, fields[0] == "log" || fields[0] == "lin" else {
      throw EsscherError(
        .usage,
        "\(option) takes a list such as 0.1,0.5,2, or log:LOW:HIGH:COUNT, or lin:LOW:HIGH:COUNT, "
          + "not '\(ValueParsing.excerpt(text))'.")
    }
    let low = try number(fields[1], in: text, option: option)
    let high = try number(fields[2], in: text, option: option)
    guard let count = Int(fields[3]), (1...countLimit).contains(count) else {
      throw EsscherError(
        .usage,
        "The count in \(option) '\(ValueParsing.excerpt(text))' must be a whole number from 1 to \(countLimit)."
      )
    }
    guard low <= high else {
      throw EsscherError(
        .usage,
        "\(option) '\(ValueParsing.excerpt(text))' runs downwards; write the lower end first.")
    }
    guard fields[0] == "log" else { return .linear(low: low, high: high, count: count) }
    guard low > 0 else {
      throw EsscherError(
        .usage,
        "\(option) '\(ValueParsing.excerpt(text))' starts at \(low), and a log grid must start above 0; use lin:."
      )
    }
    return .logarithmic(low: low, high: high, count: count)
  }

  private static func number(
    _ field: Substring, in text: String, option: String
  ) throws(EsscherError) -> Double {
    guard let value = Double(field), value.isFinite else {
      throw EsscherError(
        .usage, "'\(field)' in \(option) '\(ValueParsing.excerpt(text))' is not a finite number.")
    }
    return value
  }

  /// The grid's numbers as written, neither sorted nor freed of repeats.
  package var values: [Double] {
    switch self {
    case .list(let numbers): numbers
    case .linear(let low, let high, let count):
      Self.steps(count).map { $0 == 1 ? high : low + (high - low) * $0 }
    case .logarithmic(let low, let high, let count):
      Self.steps(count).map { $0 == 0 ? low : $0 == 1 ? high : low * exp($0 * log(high / low)) }
    }
  }

  private static func steps(_ count: Int) -> [Double] {
    guard count > 1 else { return [0] }
    return (0..<count).map { Double($0) / Double(count - 1) }
  }
}

/// A grid of whole numbers, for n of best-of-n.
package enum IntegerGridSpec: Sendable, Equatable {
  /// Powers of two up to the number of samples, and that number.
  case powersOfTwo
  case list([Int])

  package init(parsing text: String, option: String) throws(EsscherError) {
    guard text != "pow2" else {
      self = .powersOfTwo
      return
    }
    try self.init(
      values: try GridSpec(parsing: text, option: option, allowsZero: true).values,
      in: "'\(ValueParsing.excerpt(text))'", option: option)
  }

  /// A grid from numbers that need no reading.
  ///
  /// - Parameters:
  ///   - numbers: whole numbers in any order.
  ///   - option: the option they are the value of, as messages name it.
  package init(numbers: [Double], option: String) throws(EsscherError) {
    try self.init(
      values: try GridSpec(numbers: numbers, option: option, allowsZero: true).values,
      in: "the list", option: option)
  }

  private init(values: [Double], in what: String, option: String) throws(EsscherError) {
    var numbers: [Int] = []
    for value in values {
      // Points of a log grid miss the whole number they mean by rounding alone.
      let whole = value.rounded()
      guard abs(value - whole) <= 1e-9 * whole, let n = Int(exactly: whole), n >= 1 else {
        throw EsscherError(
          .usage,
          "\(option) takes whole numbers of at least 1, or pow2; \(value) in \(what) is not one.")
      }
      numbers.append(n)
    }
    self = .list(numbers)
  }
}

extension Sequence where Element: Comparable {
  /// The elements ascending, each once.
  package func ascendingDistinct() -> [Element] {
    sorted().reduce(into: []) { result, value in
      if result.last != value { result.append(value) }
    }
  }
}

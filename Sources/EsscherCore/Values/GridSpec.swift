// SPDX-License-Identifier: Apache-2.0

/// A grid as users write it: a list `0.1,0.5,2`, or `log:LO:HI:COUNT`, or `lin:LO:HI:COUNT`.
public enum GridSpec {
  /// Most points a grid may have.
  public static let largestCount = 100_000

  /// The numbers of a spec, in the order written.
  ///
  /// - Throws: `.usage` with what a spec looks like.
  public static func numbers(_ spec: String, option: String) throws(EsscherError) -> [Double] {
    let parts = spec.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts[0] == "log" || parts[0] == "lin" else {
      return try list(spec, option: option)
    }
    guard parts.count == 4, let low = number(parts[1]), let high = number(parts[2]),
      let count = Int(parts[3]), count >= 1, count <= largestCount, low <= high
    else {
      throw fault(spec, option)
    }
    if parts[0] == "log" {
      guard low > 0 else {
        throw EsscherError(.usage, "\(option) \(spec): a log grid needs LO above 0")
      }
      let (start, end) = (Elementary.log(low), Elementary.log(high))
      return points(low, high, count) { Elementary.exp(start + (end - start) * $0) }
    }
    return points(low, high, count) { low + (high - low) * $0 }
  }

  private static func points(
    _ low: Double, _ high: Double, _ count: Int, _ at: (Double) -> Double
  ) -> [Double] {
    guard count > 1 else { return [low] }
    // The ends are exactly what was written.
    return (0..<count).map { index in
      index == 0 ? low : index == count - 1 ? high : at(Double(index) / Double(count - 1))
    }
  }

  private static func list(_ spec: String, option: String) throws(EsscherError) -> [Double] {
    var values: [Double] = []
    for part in spec.split(separator: ",", omittingEmptySubsequences: false) {
      guard let value = number(String(part)) else { throw fault(spec, option) }
      values.append(value)
    }
    return values
  }

  private static func number(_ text: String) -> Double? {
    guard let value = Double(text), value.isFinite else { return nil }
    return value
  }

  private static func fault(_ spec: String, _ option: String) -> EsscherError {
    EsscherError(
      .usage,
      "\(option) '\(spec)' is not a grid; write a list such as 0.1,0.5,2, or log:LO:HI:COUNT, or "
        + "lin:LO:HI:COUNT")
  }

  /// Sorted and without repeats.
  public static func ascending(_ values: [Double]) -> [Double] {
    Array(Set(values)).sorted()
  }
}

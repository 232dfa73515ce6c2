// SPDX-License-Identifier: Apache-2.0
// Coefficients by which the Chebyshev moments of a row become its sums at every lambda of a plan
// (docs/design/014-block-tilt.md, "Short rows").

internal import Synchronization

/// Coefficients of e^{λd}, d e^{λd} and d² e^{λd} in T_k(x), x = 1 + 2d/width, for rows that reach down to −width.
///
/// With z = λ·width/2: e^{λd} = e^{−z}·(I_0(z) + 2 Σ_k I_k(z) T_k(x)), and multiplication by d = width/2·(x − 1) takes
/// coefficients g to width/2·((g_{k−1} + g_{k+1})/2 − g_k).
final class ChebyshevTable: Sendable {
  /// Eight neighbouring lambdas of the plan.
  struct Group {
    /// Terms that their sums take, a multiple of two.
    var terms: Int
    /// Where their coefficients begin.
    var place: Int
  }

  let width: Double
  /// The first lambdas that are here are those of this group of eight, and those from `end` on have no coefficients.
  let firstGroup: Int
  let end: Int
  let groups: [Group]
  private let coefficients: [Double]
  /// Bytes it takes.
  var bytes: Int { 8 * coefficients.capacity }

  /// Largest λ·width/2: 72 terms.
  static let largestExponent = 64.0
  /// λ·width/2 below which other methods serve, with room to spare: a row's range is at most `width`, and the power
  /// moments serve λ·max|d| ≤ ½.
  private static let smallestExponent = 0.2

  /// - Parameters:
  ///   - lambdas: ascending.
  ///   - width: λ·width/2 ≤ 64 for the lambdas that are served.
  /// - Complexity: O(lambdas · 200), 3 µs each.
  init(lambdas: [Double], width: Double) {
    self.width = width
    let half = width / 2
    let end = lambdas.firstIndex { $0 > Self.largestExponent / half } ?? lambdas.count
    let start = lambdas.firstIndex { $0 >= Self.smallestExponent / half } ?? lambdas.count
    self.end = end
    firstGroup = start / 8
    let stride = CPUKernels.chebyshevStride
    var groups: [Group] = []
    var all: [Double] = []
    for group in firstGroup..<max(firstGroup, (end + 7) / 8) {
      let lanes = (0..<8).map { lane in
        let exponent = lambdas[min(8 * group + lane, end - 1)] * half
        return ExponentialSeries(
          exponent: max(Self.smallestExponent, min(Self.largestExponent, exponent)))
      }
      // Two terms at a time.
      let terms = (lanes.reduce(0) { max($0, $1.terms) } + 1) & ~1
      let place = all.count
      all.append(contentsOf: repeatElement(0, count: terms * stride))
      for (lane, series) in lanes.enumerated() {
        for term in 0..<series.terms {
          let values = series.coefficients[term]
          let first = place + term * stride + lane
          all[first] = values.zeroth
          all[first + 8] = values.first * half
          all[first + 16] = values.second * half * half
        }
      }
      groups.append(Group(terms: terms, place: place))
    }
    self.groups = groups
    coefficients = all
  }

  /// Calls `body` with the coefficients, of which each group has its own from its place on.
  func withCoefficients(_ body: (UnsafePointer<Double>) -> Void) {
    unsafe coefficients.withUnsafeBufferPointer { buffer in
      if let start = buffer.baseAddress { unsafe body(start) }
    }
  }

  /// Eight lambdas of the plan, counted from its first eight.
  func group(_ index: Int) -> Group { groups[index - firstGroup] }

  /// Terms that the lambdas below `end` take.
  func terms(upTo end: Int) -> Int {
    let last = (end - 1) / 8 - firstGroup
    // Lambdas ascend, and so do their terms.
    return (groups[last].terms + 3) & ~3
  }

  /// Number of the narrowest width that is no smaller: widths are 2^(number/4).
  static func number(width: Double) -> Int {
    var quarter = 0
    while quarter < 4 && width.significand > Self.quarters[quarter] { quarter += 1 }
    return 4 * Int(width.exponent) + quarter
  }

  /// The width of a number.
  static func width(number: Int) -> Double {
    let quarter = number & 3
    return Double(sign: .plus, exponent: (number - quarter) / 4, significand: quarters[quarter])
  }

  /// 2^(j/4).
  private static let quarters = [
    1, 0x1.306fe0a31b715p+0, 0x1.6a09e667f3bcdp+0, 0x1.ae89f995ad3adp+0,
  ]
}

/// Coefficients of e^{z(x−1)}, of that times x − 1 and times (x − 1)², in T_k(x).
package struct ExponentialSeries {
  /// Of one T_k.
  package struct Term {
    /// Of e^{z(x−1)}.
    package var zeroth: Double
    /// Of (x − 1)e^{z(x−1)}.
    package var first: Double
    /// Of (x − 1)² e^{z(x−1)}.
    package var second: Double
  }

  /// More than are needed.
  package private(set) var coefficients: [Term] = []
  /// How many terms leave 3e-17 of the first function, 3e-16 of z times the second and 1e-14 of z² times the third.
  package private(set) var terms = 0

  /// - Parameter exponent: z, 0.2 to 64.
  package init(exponent: Double) {
    let count = 80
    // Miller's recurrence I_{k−1} = I_{k+1} + 2k/z·I_k from far beyond, in pairs of doubles: differences of neighbours
    // lose z² of their digits. They grow to 2^266 at most from there, at z = 0.2.
    let last = 140
    let inverse = Pair(1) / exponent
    var values = [Pair](repeating: Pair(0), count: last + 2)
    values[last] = Pair(0x1p-1000)
    var sum = Pair(0)
    for index in stride(from: last, through: 1, by: -1) {
      values[index - 1] = values[index + 1] + values[index] * (inverse * Double(2 * index))
      sum = sum + values[index]
    }
    // e^z = I_0 + 2 Σ I_k.
    sum = sum + sum + values[0]
    let zeroth = (0..<count + 2).map { values[$0] / sum }
    let first = Self.times(zeroth)
    let second = Self.times(first)
    coefficients = (0..<count).map { index in
      let factor = index == 0 ? 1.0 : 2
      return Term(
        zeroth: factor * zeroth[index].high, first: factor * first[index].high,
        second: factor * second[index].high)
    }
    var left = (zeroth: 0.0, first: 0.0, second: 0.0)
    terms = count
    while terms > 1 {
      let term = coefficients[terms - 1]
      left.zeroth += abs(term.zeroth)
      left.first += exponent * abs(term.first)
      left.second += exponent * exponent * abs(term.second)
      guard left.zeroth <= 3e-17 && left.first <= 3e-16 && left.second <= 1e-14 else { break }
      terms -= 1
    }
  }

  /// Multiplication by x − 1 of coefficients that are the same at −k.
  private static func times(_ values: [Pair]) -> [Pair] {
    values.indices.dropLast().map { index in
      let below = values[index == 0 ? 1 : index - 1]
      return (below + values[index + 1]).scaled(0.5) + values[index].scaled(-1)
    }
  }

  /// A sum of two doubles, of which the second is a rounding of the first.
  private struct Pair {
    var high: Double
    var low: Double

    init(_ value: Double) {
      high = value
      low = 0
    }

    private init(_ high: Double, _ low: Double) {
      let sum = high + low
      self.low = low - (sum - high)
      self.high = sum
    }

    static func + (left: Pair, right: Pair) -> Pair {
      let sum = left.high + right.high
      let part = sum - left.high
      let rest = (left.high - (sum - part)) + (right.high - part)
      return Pair(sum, rest + left.low + right.low)
    }

    static func * (left: Pair, right: Pair) -> Pair {
      let product = left.high * right.high
      let rest = (-product).addingProduct(left.high, right.high)
      return Pair(product, rest + left.high * right.low + left.low * right.high)
    }

    static func * (left: Pair, right: Double) -> Pair { left * Pair(right) }

    static func / (left: Pair, right: Double) -> Pair { left / Pair(right) }

    static func / (left: Pair, right: Pair) -> Pair {
      let quotient = left.high / right.high
      let rest = left + (right * quotient).scaled(-1)
      return Pair(quotient, rest.high / right.high)
    }

    /// Times a power of two, or its negative.
    func scaled(_ factor: Double) -> Pair { Pair(high * factor, low * factor) }
  }
}

/// The tables of one list of lambdas, shared by the workers of a run.
///
/// Keeps at most `byteLimit` bytes; where another would pass it, others are let go, and one that is larger by itself is
/// not kept. Workers hold a few beside those. Tables do not depend on what is kept.
final class ChebyshevTables: Sendable {
  private struct State {
    var tables: [Int: ChebyshevTable] = [:]
    var bytes = 0
  }

  let lambdas: [Double]
  private let byteLimit: Int
  private let state = Mutex(State())

  init(lambdas: [Double], byteLimit: Int) {
    self.lambdas = lambdas
    self.byteLimit = byteLimit
  }

  /// The table of the width of a number.
  func table(number: Int) -> ChebyshevTable {
    if let known = state.withLock({ $0.tables[number] }) { return known }
    let made = ChebyshevTable(lambdas: lambdas, width: ChebyshevTable.width(number: number))
    return state.withLock { state in
      if let known = state.tables[number] { return known }
      while state.bytes + made.bytes > byteLimit, let other = state.tables.first {
        state.tables[other.key] = nil
        state.bytes -= other.value.bytes
      }
      if made.bytes <= byteLimit {
        state.tables[number] = made
        state.bytes += made.bytes
      }
      return made
    }
  }
}

/// Keeps the tables of the last list of lambdas from one tile to the next.
final class ChebyshevTablesBox: Sendable {
  private let current = Mutex<ChebyshevTables?>(nil)

  func tables(lambdas: [Double], byteLimit: Int) -> ChebyshevTables {
    current.withLock { current in
      if let current, current.lambdas == lambdas { return current }
      let made = ChebyshevTables(lambdas: lambdas, byteLimit: byteLimit)
      current = made
      return made
    }
  }
}

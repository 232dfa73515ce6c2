// SPDX-License-Identifier: Apache-2.0
// The exact accumulator against integers of 128 bits, and its independence of order and grouping.

import EsscherCore
import EsscherTestSupport
import Testing

@Suite("Exact sums")
struct ExactSumTests {
  private func sum(_ values: [Double]) -> ExactSum {
    values.reduce(into: ExactSum()) { $0.add($1) }
  }

  @Test("cancellation of any size leaves the rest exactly")
  func cancellation() {
    #expect(sum([1e308, 1, 0x1p-1074, -1e308]).value == 1)
    #expect(sum([1e308, 0x1p-1074, -1e308]).value == 0x1p-1074)
    #expect(sum([]).value == 0)
    #expect(sum([-0.0]).value == 0)
    #expect(sum([0x1p-1022, -0x1p-1074]).value == 0x1p-1022 - 0x1p-1074)
    #expect(sum([-3, 0x1p-1074]).value == -3)
    #expect(sum([-3, 0x1p-1074]).parts == (-3, 0x1p-1074))
  }

  @Test("ties go to the even neighbour, and what lies below breaks them")
  func rounding() {
    // 1 + 2^-53 lies midway between 1 and 1 + 2^-52.
    #expect(sum([1, 0x1p-53]).value == 1)
    #expect(sum([1, 0x1p-53, 0x1p-1074]).value == 1 + 0x1p-52)
    #expect(sum([1, 0x1p-53, -0x1p-1074]).value == 1)
    #expect(sum([1 + 0x1p-52, 0x1p-53]).value == 1 + 0x1p-51)
    #expect(sum([-1, -0x1p-53, -0x1p-1074]).value == -1 - 0x1p-52)
    // All 53 bits set: rounding up carries into the next power of two.
    #expect(sum([0x1.fffffffffffffp0, 0x1p-53]).value == 2)
  }

  @Test("the largest doubles overflow as numbers do, and special terms as plain sums do")
  func specials() {
    let largest = Double.greatestFiniteMagnitude
    #expect(sum([largest, largest]).value == .infinity)
    #expect(sum([largest, largest, -largest]).value == largest)
    #expect(sum([1, .infinity]).value == .infinity)
    #expect(sum([.infinity, -.infinity]).value.isNaN)
    #expect(sum([1, .nan]).value.isNaN)
  }

  @Test("random integers of 100 bits in any order and grouping", arguments: [1, 2, 3] as [UInt64])
  func integers(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    // Multiples of 2^-30 of very different sizes, whose sum Int128 holds exactly.
    var values: [Double] = []
    var exact: Int128 = 0
    for _ in 0..<2000 {
      let significand = Int64(random.next() >> 12) - (1 << 51)
      let shift = Int(random.next() % 40)
      values.append(Double(sign: .plus, exponent: shift - 30, significand: Double(significand)))
      exact += Int128(significand) << Int128(shift)
    }
    // The nearest double of an integer, by the standard library.
    let expected = Double(exact) * 0x1p-30
    var whole = sum(values)
    #expect(whole.value == expected)
    let rest = Double(exact - Int128(Double(exact))) * 0x1p-30
    #expect(whole.parts.low == rest)
    values.shuffle(using: &random)
    let cut = Int(random.next() % 2000)
    var parts = sum(Array(values[cut...]))
    parts.add(sum(Array(values[..<cut])))
    #expect(parts == whole)
    #expect(parts.value == expected)
    for value in values { whole.add(-value) }
    #expect(whole == ExactSum())
  }

  @Test("squares are exact")
  func squares() {
    var sum = ExactSum()
    // (1 + 2^-30)² = 1 + 2^-29 + 2^-60, of which a double keeps the first two terms.
    sum.addSquare(of: 1 + 0x1p-30)
    sum.add(-1)
    sum.add(-0x1p-29)
    #expect(sum.value == 0x1p-60)
  }

  @Test("the spread of numbers far from 0 keeps its digits")
  func spread() {
    // 1e9 + k for k = 0, …, 9: Σ(x − x̄)² = 10·(10² − 1)/12 = 82.5, of which plain sums of squares leave none.
    var (sums, squares) = (ExactSum(), ExactSum())
    for k in 0..<10 {
      sums.add(1e9 + Double(k))
      squares.addSquare(of: 1e9 + Double(k))
    }
    // All terms are integers below 2^106, so that only the last division rounds.
    #expect(ExactSum.squaredDeviations(sum: sums, squares: squares, count: 10) == 82.5)
    squares.add(.infinity)
    #expect(ExactSum.squaredDeviations(sum: sums, squares: squares, count: 10) == .infinity)
  }

  @Test("bytes bring the same sum back", arguments: [0.0, -1.5, 0x1p-1074, -1e300, .infinity])
  func coding(value: Double) throws {
    var sum = self.sum([value, 0.1, -0x1p-900])
    var writer = StateCoder()
    try writer.code(&sum)
    var reader = StateCoder(reading: writer.bytes)
    var read = self.sum([17])
    try reader.code(&read)
    #expect(reader.isAtEnd)
    #expect(read == sum)
    read.add(-3)
    sum.add(-3)
    #expect(read == sum)
  }
}

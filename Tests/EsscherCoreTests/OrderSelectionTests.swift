// SPDX-License-Identifier: Apache-2.0

import EsscherTestSupport
import Testing

@testable import EsscherCore

@Suite("Order statistics without sorting")
struct OrderSelectionTests {
  /// Lists of one length: random, few values, sorted, reversed, all the same, and an organ pipe.
  private static func lists(_ count: Int) -> [[Double]] {
    var random = SeededGenerator(seed: UInt64(count))
    return [
      (0..<count).map { _ in Double.random(in: -1..<1, using: &random) },
      (0..<count).map { _ in Double(Int.random(in: 0..<3, using: &random)) },
      (0..<count).map { Double($0) },
      (0..<count).map { Double(-$0) },
      Array(repeating: -0.5, count: count),
      (0..<count).map { Double(min($0, count - $0)) },
    ]
  }

  @Test(
    "the rank's value is in its place, smaller ones before it and larger ones behind",
    arguments: [1, 2, 15, 16, 17, 18, 40, 333, 2000])
  func places(count: Int) {
    for list in Self.lists(count) {
      let sorted = list.sorted()
      for rank in Set([0, 1, count / 40, count / 3, count / 2, count - 2, count - 1])
      where list.indices.contains(rank) {
        var values = list
        OrderSelection.place(rank, in: &values, range: 0..<count)
        #expect(values[rank] == sorted[rank])
        #expect(values[..<rank].allSatisfy { $0 <= values[rank] })
        #expect(values[rank...].allSatisfy { $0 >= values[rank] })
        #expect(values.sorted() == sorted)
      }
    }
  }

  @Test("values outside the range stay where they are")
  func range() {
    var random = SeededGenerator(seed: 1)
    let list = (0..<100).map { _ in Double.random(in: -1..<1, using: &random) }
    var values = list
    OrderSelection.place(50, in: &values, range: 30..<70)
    #expect(values[..<30] == list[..<30] && values[70...] == list[70...])
    #expect(values[50] == list[30..<70].sorted()[20])
  }

  @Test("lists with NaN end, with the same values")
  func missing() {
    for list in [
      Array(repeating: Double.nan, count: 300), (0..<300).map { $0 % 3 == 0 ? .nan : 1 },
    ] {
      var values = list
      OrderSelection.place(20, in: &values, range: 0..<300)
      #expect(values.filter(\.isNaN).count == list.filter(\.isNaN).count)
    }
  }
}

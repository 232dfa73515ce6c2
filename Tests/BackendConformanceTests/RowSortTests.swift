// SPDX-License-Identifier: Apache-2.0
// The sorts of a row at every level this processor runs, against the standard library's sort: lengths about every
// size of network and of partition, and rows made to spoil the choice of pivots.

internal import CRowSort
import EsscherCPU
import EsscherCore
import EsscherTestSupport
import Testing

@Suite("Row sort")
struct RowSortTests {
  static let levels = CPULevel.allCases.filter { $0.rawValue <= CPULevel.current.rawValue }
    .map { Int32($0.rawValue) }

  /// Every length up to 600 passes all network sizes; the powers of two reach into the recursion.
  static let lengths = Array(0...600) + (10...17).flatMap { [1 << $0 - 1, 1 << $0, 1 << $0 + 1] }

  enum Pattern: String, CaseIterable {
    case random, fewValues, twoValues, sorted, reversed, constant, organPipe, allButOne, extremes

    func keys(_ count: Int, _ random: inout SeededGenerator) -> [Int64] {
      switch self {
      case .random: (0..<count).map { _ in Int64(bitPattern: random.next()) }
      case .fewValues: (0..<count).map { _ in Int64(random.next() % 7) << 40 }
      case .twoValues: (0..<count).map { _ in random.next() % 3 == 0 ? -1 << 40 : 5 << 40 }
      case .sorted: (0..<count).map { Int64($0) << 33 }
      case .reversed: (0..<count).map { Int64(-$0) << 33 }
      case .constant: [Int64](repeating: -12_345 << 32, count: count)
      case .organPipe: (0..<count).map { Int64(min($0, count - $0)) << 33 }
      case .allButOne: (0..<count).map { $0 == count / 3 ? 1 << 33 : 7 << 33 }
      case .extremes:
        (0..<count).map { _ in [.min, .max, 0, -1][Int(random.next() % 4)] }
      }
    }
  }

  static func sorted(_ keys: [Int32], level: Int32) -> [Int32] {
    var keys = keys
    var spare = [Int32](repeating: 0, count: keys.count)
    let count = keys.count
    unsafe crow_sort_32(level, &keys, count, &spare)
    return keys
  }

  static func sorted(_ keys: [Int64], level: Int32) -> [Int64] {
    var keys = keys
    var spare = [Int64](repeating: 0, count: keys.count)
    let count = keys.count
    unsafe crow_sort_64(level, &keys, count, &spare)
    return keys
  }

  @Test("keys of every pattern and length", arguments: levels, Pattern.allCases)
  func keys(level: Int32, pattern: Pattern) {
    for count in Self.lengths {
      var random = SeededGenerator(seed: UInt64(count))
      let keys = pattern.keys(count, &random)
      #expect(Self.sorted(keys, level: level) == keys.sorted(), "64 bits, \(count) keys")
      let short = keys.map { Int32(truncatingIfNeeded: $0 >> 32) }
      #expect(Self.sorted(short, level: level) == short.sorted(), "32 bits, \(count) keys")
    }
  }

  /// Keys whose smallest lie where the pivot's sample is taken, in every step: each partition splits off a
  /// handful, so that the depth runs out and the radix sort has to take over.
  static func spoiled(count: Int, lanes: Int) -> [Int64] {
    var keys = [Int64](repeating: -1, count: count)
    var places = Array(0..<count)
    var next: Int64 = 0
    while places.count > 16 * lanes {
      let rows = places.count < 96 * lanes ? 2 : places.count < 256 * lanes ? 4 : 8
      for row in 0..<rows {
        let start = (2 * row + 1) * (places.count / (2 * rows)) - lanes / 2
        for place in places[start..<start + lanes] where keys[place] < 0 {
          keys[place] = next
          next += 1
        }
      }
      let sample = (0..<rows).flatMap { row in
        let start = (2 * row + 1) * (places.count / (2 * rows)) - lanes / 2
        return places[start..<start + lanes].map { keys[$0] }
      }.sorted()
      let pivot = sample[rows * lanes / 2]
      // Of the larger keys a partition puts the last vector's first.
      places = stride(from: 0, to: places.count, by: lanes).reversed().flatMap { start in
        places[start..<min(start + lanes, places.count)].filter {
          keys[$0] < 0 || keys[$0] >= pivot
        }
      }
    }
    for place in places where keys[place] < 0 {
      keys[place] = next
      next += 1
    }
    return keys
  }

  @Test("keys that spoil every pivot", arguments: levels, [4, 8, 16])
  func spoiledPivots(level: Int32, lanes: Int) {
    let keys = Self.spoiled(count: 20_000, lanes: lanes)
    #expect(Self.sorted(keys, level: level) == keys.sorted())
    let short = keys.map { Int32($0) }
    #expect(Self.sorted(short, level: level) == short.sorted())
  }

  static let cells: [Float] = [
    0, -0, 1, -1, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude / 2,
    .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0.5, .ulpOfOne,
  ]

  /// Rows of special and of ordinary floats.
  static func floats(_ count: Int) -> [Float] {
    var random = SeededGenerator(seed: UInt64(count))
    return (0..<count).map { _ in
      random.next() % 4 == 0
        ? cells[Int(random.next() % UInt64(cells.count))] : Float(random.normal())
    }
  }

  @Test("floats come back largest first, with their sum and their ties", arguments: levels)
  func floatCells(level: Int32) {
    for count in [0, 1, 2, 7, 8, 15, 16, 17, 18, 33, 100, 1000, 4097] {
      let distinct = (0..<count).map { Float($0) * 0.37 - 3 }
      for row in [Self.floats(count), distinct] {
        var keys = [Int32](repeating: 0, count: count)
        let isFinite = unsafe crow_keys_of_floats(level, row, count, &keys)
        #expect(isFinite)
        var fromDoubles = [Int32](repeating: 0, count: count)
        unsafe crow_short_keys_of_doubles(level, row.map(Double.init), count, &fromDoubles)
        #expect(fromDoubles == keys)
        keys = Self.sorted(keys, level: level)
        var cells = [Double](repeating: .nan, count: count)
        var sum = Double.nan
        let tied = unsafe crow_floats_of_keys(level, keys, count, &cells, &sum)
        let expected = row.map { Double($0) + 0 }.sorted(by: >)
        #expect(cells.map(\.bitPattern) == expected.map(\.bitPattern))
        #expect(tied == (Set(expected).count < count))
        // One rounding an addition, each below half an ulp of the largest partial sum.
        let size = expected.reduce(0) { $0 + $1.magnitude }
        #expect((sum - expected.reduce(0, +)).magnitude <= Double(count) * size * 0x1p-53)
      }
    }
  }

  @Test("a cell that is not finite is noticed wherever it is", arguments: levels)
  func notFinite(level: Int32) {
    for count in [1, 5, 8, 9, 40] {
      for place in 0..<count {
        for cell in [Float.infinity, -.infinity, .nan] {
          var row = Self.floats(count)
          row[place] = cell
          var keys = [Int32](repeating: 0, count: count)
          var pairs = [Int64](repeating: 0, count: count)
          #expect(unsafe !crow_keys_of_floats(level, row, count, &keys))
          var range: [Int32] = [0, 0]
          var sums = [0.0, 0.0]
          #expect(unsafe !crow_survey_floats(level, row, count, 0, &keys, &range, &sums))
          #expect(unsafe !crow_pairs_of_floats(level, row, count, &pairs))
          let clean = Self.floats(count)
          #expect(unsafe !crow_pack_floats(level, row, clean, count, &pairs))
          #expect(unsafe !crow_pack_floats(level, clean, row, count, &pairs))
          #expect(unsafe crow_pack_floats(level, clean, clean, count, &pairs))
        }
      }
    }
  }

  /// Positions in the order of the rewards, equal ones in the order they came in.
  static func order(_ row: [Double]) -> [Int] {
    row.indices.sorted { row[$0] != row[$1] ? row[$0] > row[$1] : $0 < $1 }
  }

  @Test(
    "floats with a payload: it follows, in the given order where rewards are equal",
    arguments: levels)
  func floatPairs(level: Int32) {
    for count in [0, 1, 9, 17, 129, 3000] {
      let row = Self.floats(count)
      var pairs = [Int64](repeating: 0, count: count)
      let isFinite = unsafe crow_pairs_of_floats(level, row, count, &pairs)
      #expect(isFinite)
      pairs = Self.sorted(pairs, level: level)
      let expected = Self.order(row.map(Double.init))
      #expect(pairs.map { Int(UInt32(truncatingIfNeeded: $0)) } == expected)
      let payload = (0..<count).map { Double($0) * 0.25 }
      var moved = [Double](repeating: .nan, count: count)
      var cells = moved
      var sum = 0.0
      let tied = unsafe crow_floats_of_pairs(level, pairs, count, &cells, &sum)
      #expect(cells == expected.map { Double(row[$0]) })
      #expect(tied == (Set(cells).count < count))
      let repeats = unsafe crow_gather(level, payload, pairs, count, &moved, &sum)
      #expect(moved == expected.map { payload[$0] })
      #expect(!repeats && sum == payload.reduce(0, +))
    }
  }

  @Test("floats packed with their gold: it stays with its reward", arguments: levels)
  func packedFloats(level: Int32) {
    for count in [0, 1, 2, 9, 16, 17, 18, 129, 3000] {
      let row = Self.floats(count)
      let distinct = (0..<count).map { Float(($0 * 7919) % max(count, 1)) - 5 }
      for rewards in [row, distinct] {
        let gold = Array(Self.floats(count + 1).prefix(count))
        var pairs = [Int64](repeating: 0, count: count)
        let isFinite = unsafe crow_pack_floats(level, rewards, gold, count, &pairs)
        #expect(isFinite)
        pairs = Self.sorted(pairs, level: level)
        var cells = [Double](repeating: .nan, count: count)
        var moved = cells
        var sums = [0.0, 0.0]
        let tied = unsafe crow_unpack_floats(level, pairs, count, &cells, &moved, &sums)
        // Pairs as sets of bits: within ties their order is nobody's business.
        func bits(_ reward: Double, _ gold: Double) -> [UInt64] {
          [(reward + 0).bitPattern, (gold + 0).bitPattern]
        }
        let got = cells.indices.map { bits(cells[$0], moved[$0]) }
        let want = rewards.indices.map { bits(Double(rewards[$0]), Double(gold[$0])) }
        #expect(
          got.sorted { $0.lexicographicallyPrecedes($1) }
            == want.sorted { $0.lexicographicallyPrecedes($1) })
        #expect(cells == rewards.map(Double.init).sorted(by: >))
        #expect(tied == (Set(cells).count < count))
        for (sum, terms) in zip(sums, [cells, moved]) {
          // One rounding an addition, each below half an ulp of the largest partial sum.
          let size = terms.reduce(0) { $0 + $1.magnitude }
          #expect((sum - terms.reduce(0, +)).magnitude <= Double(count) * size * 0x1p-53)
        }
      }
    }
  }

  @Test("doubles whose keys share their upper halves keep their order", arguments: levels)
  func doublePairs(level: Int32) {
    for count in [0, 1, 2, 3, 50, 700, 5000] {
      for step in [0x1p-40, 0x1p-22, 1] {
        var random = SeededGenerator(seed: UInt64(count))
        let row = (0..<count).map { _ in
          1 - 2 * Double(random.next() % 2) + step * Double(random.next() % 300)
        }
        var pairs = [Int64](repeating: 0, count: count)
        var spare = pairs
        unsafe crow_pairs_of_doubles(level, row, count, &pairs)
        unsafe crow_sort_pairs_of_doubles(level, row, &pairs, count, &spare)
        #expect(pairs.map { Int(UInt32(truncatingIfNeeded: $0)) } == Self.order(row))
      }
    }
  }

  @Test("doubles come back largest first, and ties are found", arguments: levels)
  func doubleCells(level: Int32) {
    for count in [0, 1, 2, 8, 17, 33, 34, 65, 1000] {
      for place in 0..<count {
        // One pair of equal cells, or none at the last place.
        var row = (0..<count).map { Double(-$0) * 0.1 - 0x1p-50 }
        if place + 1 < count { row[place + 1] = row[place] }
        var keys = [Int64](repeating: 0, count: count)
        unsafe crow_keys_of_doubles(level, row, count, &keys)
        var cells = row
        var sum = 0.0
        let tied = unsafe crow_doubles_of_keys(level, keys, count, &cells, &sum)
        #expect(cells == row)
        #expect(tied == (place + 1 < count))
        let found = unsafe crow_next_tie(level, row, 0, count)
        #expect(found == (place + 1 < count ? place : count))
        #expect(unsafe crow_next_tie(level, row, min(place + 1, count), count) == count)
        #expect(unsafe crow_count_equal(level, row, count, row[place]) == (tied ? 2 : 1))
      }
    }
  }

  @Test("rows stored as floats give what the same doubles give", arguments: levels)
  func floatStorage(level: Int32) throws {
    let level = try #require(CPULevel(rawValue: Int(level)))
    // Runs of equal lengths of five, two and one rows, so that some go together and some alone.
    let rows = [300, 300, 300, 300, 300, 1025, 1025, 64].enumerated().map { index, count in
      Self.floats(count + index).prefix(count).map { max(-9, min(9, Double($0))) }
    }
    var holed = rows
    holed[3][17] = .nan
    let gold = rows.map { row in row.indices.map { Double(($0 * 7) % 11) - 5 } }
    var holedGold = gold
    holedGold[4][299] = .nan
    for (cells, gold) in [
      (rows, nil), (holed, nil), (rows, gold), (holed, gold), (rows, holedGold),
    ] {
      let plan = StatisticsPlan(
        lambdas: [0.01, 1, 30], bestOf: [1, 2, 5, 60], sorted: true, missing: .drop)
      let results = try [
        (CellStorage.float64, CellStorage.float64), (.float32, .float64), (.float32, .float32),
        (.float64, .float32),
      ].map { storage, goldStorage in
        let table = RewardTable(
          label: "rows",
          rewards: .cells(MemorySource(name: "rows", rows: cells, storage: storage)),
          gold: gold.map { MemorySource(name: "gold", rows: $0, storage: goldStorage) })
        return try CPUBackend(threads: 2, level: level).reduce(
          table, rows: 0..<rows.count, plan: plan)
      }
      for result in results.dropFirst() {
        for (one, other) in zip(results[0].bestOf, result.bestOf) {
          // Sums of at most 1025 terms below 9 in two orders differ by less than 1e-12.
          #expect((one.gain - other.gain).magnitude <= 1e-12)
          #expect((one.replacementGain - other.replacementGain).magnitude <= 1e-12)
          #expect((one.gold - other.gold).magnitude <= 1e-12)
          #expect(one.law == other.law && one.ess == other.ess)
        }
        for (one, other) in zip(results[0].summaries, result.summaries) {
          #expect(one.tiedCount == other.tiedCount && one.topShare == other.topShare)
          #expect((one.variance - other.variance).magnitude <= 1e-12)
          #expect((one.goldMean - other.goldMean).magnitude <= 1e-12)
          #expect(one.droppedCount == other.droppedCount)
        }
        #expect(result.summaries[3].droppedCount == (cells[3][17].isNaN ? 1 : 0))
        #expect(result.summaries[4].droppedCount == (gold?[4][299].isNaN == true ? 1 : 0))
      }
    }
  }
}

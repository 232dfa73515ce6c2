// SPDX-License-Identifier: Apache-2.0
// Bootstrap sums in digits against plain ones, and their independence of order and grouping.

import EsscherCore
import EsscherTestSupport
import Testing

@Suite("Replicate sums")
struct ReplicateSumsTests {
  private static let replicates = 40

  /// Adds prompts to a plain bootstrap by its definition.
  private func accumulate(
    _ bootstrap: inout PoissonBootstrap, _ indices: [Int], _ values: [Double]
  ) {
    let columns = bootstrap.columnCount
    for replicate in 0..<bootstrap.replicateCount {
      var sums = Array(bootstrap.sums[replicate * columns..<(replicate + 1) * columns])
      var total = bootstrap.totals[replicate]
      for (row, index) in indices.enumerated() {
        let count = Double(
          PoissonBootstrap.count(
            index: UInt64(index), replicate: UInt32(replicate), seed: bootstrap.seed))
        total += count
        for column in 0..<columns { sums[column] += count * values[row * columns + column] }
      }
      bootstrap.set(replicate: replicate, sums: sums, total: total)
    }
  }

  private func sums(_ prompts: [(index: Int, values: [Double])]) throws -> ReplicateSums {
    var sums = ReplicateSums(
      replicateCount: Self.replicates, columnCount: prompts[0].values.count, seed: 7)
    try add(prompts, to: &sums)
    return sums
  }

  private func add(
    _ prompts: [(index: Int, values: [Double])], to sums: inout ReplicateSums
  ) throws {
    try sums.add(indices: prompts.map(\.index), values: prompts.flatMap(\.values)) {
      accumulate(&$0, $1, $2)
    }
  }

  /// Columns of every size, with values that differ by up to 2^200 among prompts.
  private func prompts(_ count: Int, seed: UInt64) -> [(index: Int, values: [Double])] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { index in
      let wide = Double(
        sign: .plus, exponent: Int(random.next() % 200) - 100, significand: random.normal())
      return (
        index,
        [
          random.normal(), 1e6 + random.normal(), 1e-200 * random.normal(), wide, 0,
          Double(index % 3), -1e300 * random.uniform(), 0x1p-1074 * Double(random.next() % 4),
        ]
      )
    }
  }

  @Test("means of replicates as the plain sums have them, to 2^-38 of the largest value")
  func values() throws {
    let prompts = prompts(300, seed: 1)
    let sums = try sums(prompts)
    var plain = PoissonBootstrap(replicateCount: Self.replicates, columnCount: 8, seed: 7)
    accumulate(&plain, prompts.map(\.index), prompts.flatMap(\.values))
    for column in 0..<7 {
      let largest = prompts.map { $0.values[column].magnitude }.max() ?? 0
      // Cutting off costs less than 2^-38 of the largest value; the plain sums err by some 300 roundings.
      let tolerance = largest * (0x1p-38 + 300 * 0x1p-53)
      let (got, expected) = (sums.replicates(column: column), plain.replicates(column: column))
      #expect(got.count == expected.count)
      for (a, b) in zip(got, expected) { #expect((a - b).magnitude <= tolerance) }
    }
    // Below 2^-969 nothing is kept.
    #expect(sums.replicates(column: 7).allSatisfy { $0 == 0 })
    #expect(sums.replicates(column: 4).allSatisfy { $0 == 0 })
  }

  @Test("any order, grouping and merge give the same bits", arguments: [1, 2, 3, 4] as [UInt64])
  func invariance(seed: UInt64) throws {
    var random = SeededGenerator(seed: 100 + seed)
    var prompts = prompts(200, seed: seed)
    let whole = try sums(prompts)
    prompts.shuffle(using: &random)
    let cuts = [0, Int(random.next() % 200), 200].sorted()
    var parts = try sums([prompts[0]])
    // The first prompt alone, then the rest in two parts, one of them added and one merged.
    let (first, second) = (prompts[max(1, cuts[0])..<max(1, cuts[1])], prompts[max(1, cuts[1])...])
    if !first.isEmpty { try add(Array(first), to: &parts) }
    if !second.isEmpty { parts.merge(try sums(Array(second))) }
    for column in 0..<8 {
      #expect(parts.replicates(column: column) == whole.replicates(column: column))
    }
    var writer = StateCoder()
    try writer.code(&parts)
    var reader = StateCoder(reading: writer.bytes)
    var read = ReplicateSums(replicateCount: Self.replicates, columnCount: 8, seed: 7)
    try reader.code(&read)
    #expect(reader.isAtEnd)
    for column in 0..<8 {
      #expect(read.replicates(column: column) == whole.replicates(column: column))
    }
  }

  @Test("however many prompts come at once, and whatever waits in a block, the bits are the same")
  func blocks() throws {
    // More than two blocks of 2,048 prompts; later ones are larger, so that digits move.
    var random = SeededGenerator(seed: 17)
    let prompts = (0..<5000).map { index in
      (index: index, values: [random.normal(), random.normal() * (index > 3000 ? 0x1p40 : 1)])
    }
    let whole = try sums(prompts)
    var plain = PoissonBootstrap(replicateCount: Self.replicates, columnCount: 2, seed: 7)
    accumulate(&plain, prompts.map(\.index), prompts.flatMap(\.values))
    for column in 0..<2 {
      let largest = prompts.map { $0.values[column].magnitude }.max() ?? 0
      // As above, with 5,000 roundings.
      let tolerance = largest * (0x1p-38 + 5000 * 0x1p-53)
      for (a, b) in zip(whole.replicates(column: column), plain.replicates(column: column)) {
        #expect((a - b).magnitude <= tolerance)
      }
    }
    func expectWhole(_ sums: ReplicateSums, _ what: String) {
      for column in 0..<2 {
        #expect(sums.replicates(column: column) == whole.replicates(column: column), "\(what)")
      }
    }
    for step in [700, 1500, 2048, 4999] {
      var parts = ReplicateSums(replicateCount: Self.replicates, columnCount: 2, seed: 7)
      for start in stride(from: 0, to: prompts.count, by: step) {
        try add(Array(prompts[start..<min(start + step, prompts.count)]), to: &parts)
        // Once without digits, once with some.
        if start == 700 || start == 2800 { parts.releaseScratch() }
      }
      expectWhole(parts, "steps of \(step)")
      expectWhole(try coded(parts), "steps of \(step), as a state")
      parts.releaseScratch()
      expectWhole(parts, "steps of \(step), released")
    }
    // Blocks alone, digits alone, and both, merged with each other.
    for cut in [100, 2048, 2100, 4900] {
      let (low, high) = (try sums(Array(prompts[..<cut])), try sums(Array(prompts[cut...])))
      var merged = low
      merged.merge(high)
      expectWhole(merged, "merged at \(cut)")
      var read = try coded(high)
      read.merge(try coded(low))
      expectWhole(read, "merged at \(cut), from states")
    }
  }

  /// What a state of the sums brings back.
  private func coded(_ sums: ReplicateSums) throws -> ReplicateSums {
    var sums = sums
    var writer = StateCoder()
    try writer.code(&sums)
    var reader = StateCoder(reading: writer.bytes)
    var read = ReplicateSums(
      replicateCount: sums.replicateCount, columnCount: sums.columnCount, seed: sums.seed)
    try reader.code(&read)
    #expect(reader.isAtEnd)
    return read
  }

  @Test("sums beyond 64 bits are kept whole")
  func spills() throws {
    // One prompt's sums merged with themselves 2^30 times over.
    let one = try sums(prompts(1, seed: 9))
    var many = one
    for _ in 0..<30 { many.merge(many) }
    for column in [0, 1, 3] {
      #expect(many.replicates(column: column) == one.replicates(column: column))
    }
    var writer = StateCoder()
    try writer.code(&many)
    var reader = StateCoder(reading: writer.bytes)
    var read = ReplicateSums(replicateCount: Self.replicates, columnCount: 8, seed: 7)
    try reader.code(&read)
    #expect(read.replicates(column: 1) == one.replicates(column: 1))
  }

  @Test("an undefined value makes its column undefined, and no other")
  func undefined() throws {
    var prompts = prompts(20, seed: 5)
    let defined = try sums(prompts)
    prompts[7].values[0] = .nan
    prompts[9].values[1] = -.infinity
    let sums = try sums(prompts)
    #expect(sums.replicates(column: 0).allSatisfy { $0.isNaN })
    #expect(sums.replicates(column: 1).allSatisfy { $0.isNaN })
    #expect(sums.replicates(column: 2) == defined.replicates(column: 2))
  }

  @Test("blocks of prompts hold their sums of digits exactly")
  func headroom() {
    // A count is at most the number of thresholds; a digit is below 2^38.
    #expect(PoissonBootstrap.thresholds.count < 16)
  }
}

// SPDX-License-Identifier: Apache-2.0
// What this processor allows at best, measured on the spot, for benchmarks to compare with.

internal import CPUKernelsV2
internal import CPUKernelsV3
internal import CPUKernelsV4

/// Rates of the processor with some threads at some instruction-set level.
package struct ProcessorCeilings: Sendable {
  /// Bytes a second read from memory, far beyond the caches.
  package var readBytes: Double
  /// Multiply-adds a second in double precision.
  package var multiplyAdds: Double
  /// Multiply-adds a second in single precision.
  package var floatMultiplyAdds: Double
  /// Exponentials a second in double precision, of values in the first-level cache.
  package var exponentials: Double

  /// Bytes that the read passes over: several times a last-level cache.
  private static let readSize = 128 << 20
  /// Turns of each probe; the fastest counts, for a ceiling is what can be reached.
  private static let turns = 12
  private static let rounds = 1 << 21

  /// Measures all four, in about half a second.
  ///
  /// - Parameters:
  ///   - threads: workers, at least 1.
  ///   - level: instruction-set variant; the processor's highest by default.
  package init(threads: Int, level: CPULevel = .current) {
    let probes = CeilingProbes(level: level)
    let share = Self.readSize / MemoryLayout<Double>.stride / max(1, threads)
    let values = [Double](repeating: 1, count: share * max(1, threads))
    readBytes = unsafe Self.rate(threads, work: Double(8 * share)) { thread, result in
      unsafe values.withUnsafeBufferPointer { values in
        guard let base = values.baseAddress else { return }
        unsafe probes.read(base + thread * share, share, result)
      }
    }
    // |factor| < 1: no chain overflows, and none sinks to denormals.
    let seed = [0.9, 0.1]
    func chains(_ count: Double, _ probe: @escaping CeilingProbes.Chains) -> Double {
      unsafe Self.rate(threads, work: Double(Self.rounds) * count) { _, result in
        unsafe seed.withUnsafeBufferPointer { seed in
          guard let base = seed.baseAddress else { return }
          unsafe probe(base, Self.rounds, result)
        }
      }
    }
    multiplyAdds = unsafe max(chains(4 * 8, probes.few), chains(12 * 8, probes.many))
    floatMultiplyAdds = unsafe max(
      chains(4 * 16, probes.floatFew), chains(12 * 16, probes.floatMany))
    let arguments = (0..<2048).map { -Double($0) / 64 }
    exponentials = unsafe Self.rate(threads, work: 2048 * 2000) { _, result in
      unsafe arguments.withUnsafeBufferPointer { arguments in
        guard let base = arguments.baseAddress else { return }
        unsafe probes.exponentials(base, 2048, 2000, result)
      }
    }
  }

  /// Units of work a second of all threads together, in the fastest turn.
  private static func rate(
    _ threads: Int, work: Double,
    _ body: @Sendable (_ thread: Int, _ result: UnsafeMutablePointer<Double>) -> Void
  ) -> Double {
    var best = 0.0
    for _ in 0..<turns {
      let clock = ContinuousClock()
      let start = clock.now
      let results = ParallelTiles.map(count: max(1, threads), threads: threads) { thread in
        var result = 0.0
        unsafe body(thread, &result)
        return result
      }
      let elapsed = start.duration(to: clock.now).components
      let seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
      // The results are finite; asking keeps them needed.
      guard results.allSatisfy(\.isFinite), seconds > 0 else { continue }
      best = max(best, work * Double(results.count) / seconds)
    }
    return best
  }
}

/// The probes of one instruction-set level.
@safe
private struct CeilingProbes: Sendable {
  typealias Input = UnsafePointer<Double>
  typealias Output = UnsafeMutablePointer<Double>
  typealias Chains = @Sendable (_ seed: Input, _ rounds: Int, _ result: Output) -> Void

  let read: @Sendable (_ values: Input, _ count: Int, _ result: Output) -> Void
  let few: Chains
  let many: Chains
  let floatFew: Chains
  let floatMany: Chains
  let exponentials:
    @Sendable (_ values: Input, _ count: Int, _ rounds: Int, _ result: Output) -> Void

  init(level: CPULevel) {
    switch level {
    case .v2:
      unsafe read = { unsafe CPUKernelsV2.readAll($0, $1, $2) }
      unsafe few = { unsafe CPUKernelsV2.multiplyAddFew($0, $1, $2) }
      unsafe many = { unsafe CPUKernelsV2.multiplyAddMany($0, $1, $2) }
      unsafe floatFew = { unsafe CPUKernelsV2.floatMultiplyAddFew($0, $1, $2) }
      unsafe floatMany = { unsafe CPUKernelsV2.floatMultiplyAddMany($0, $1, $2) }
      unsafe exponentials = { unsafe CPUKernelsV2.sumExponentials($0, $1, $2, $3) }
    case .v3:
      unsafe read = { unsafe CPUKernelsV3.readAll($0, $1, $2) }
      unsafe few = { unsafe CPUKernelsV3.multiplyAddFew($0, $1, $2) }
      unsafe many = { unsafe CPUKernelsV3.multiplyAddMany($0, $1, $2) }
      unsafe floatFew = { unsafe CPUKernelsV3.floatMultiplyAddFew($0, $1, $2) }
      unsafe floatMany = { unsafe CPUKernelsV3.floatMultiplyAddMany($0, $1, $2) }
      unsafe exponentials = { unsafe CPUKernelsV3.sumExponentials($0, $1, $2, $3) }
    case .v4:
      unsafe read = { unsafe CPUKernelsV4.readAll($0, $1, $2) }
      unsafe few = { unsafe CPUKernelsV4.multiplyAddFew($0, $1, $2) }
      unsafe many = { unsafe CPUKernelsV4.multiplyAddMany($0, $1, $2) }
      unsafe floatFew = { unsafe CPUKernelsV4.floatMultiplyAddFew($0, $1, $2) }
      unsafe floatMany = { unsafe CPUKernelsV4.floatMultiplyAddMany($0, $1, $2) }
      unsafe exponentials = { unsafe CPUKernelsV4.sumExponentials($0, $1, $2, $3) }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Chebyshev moments of a short row, from which every lambda follows by one dot product.

/// Samples that are taken at once; calls with fewer cost as much.
public var chebyshevSamples: Int { 32 }
/// Doubles that one term of eight lambdas takes.
public var chebyshevStride: Int { 24 }
/// Doubles of the record of a lambda.
public var chebyshevRecord: Int { 11 }

/// Four vectors of samples: two neighbouring polynomials T_k(x), and 2x.
struct ChebyshevLanes {
  var a0: Lanes, a1: Lanes, a2: Lanes, a3: Lanes
  var b0: Lanes, b1: Lanes, b2: Lanes, b3: Lanes
  var x0: Lanes, x1: Lanes, x2: Lanes, x3: Lanes

  /// T_0 and T_1 of the samples from `index` on; both are 0 beyond the last, and so are all that follow.
  @inline(__always)
  init(_ values: UnsafePointer<Double>, _ index: Int, _ count: Int, _ scale: Lanes) {
    (a0, b0) = unsafe Self.start(values, index, count, scale)
    (a1, b1) = unsafe Self.start(values, index &+ 8, count, scale)
    (a2, b2) = unsafe Self.start(values, index &+ 16, count, scale)
    (a3, b3) = unsafe Self.start(values, index &+ 24, count, scale)
    x0 = b0 + b0
    x1 = b1 + b1
    x2 = b2 + b2
    x3 = b3 + b3
  }

  @inline(__always)
  private static func start(
    _ values: UnsafePointer<Double>, _ index: Int, _ count: Int, _ scale: Lanes
  ) -> (Lanes, Lanes) {
    let one = Lanes(repeating: 1)
    if index &+ 8 <= count { return (one, unsafe multiplyAdd(load(values, index), scale, one)) }
    let rest = count &- index
    guard rest > 0 else { return (Lanes(repeating: 0), Lanes(repeating: 0)) }
    var ones = Lanes(repeating: 0)
    var lane = 0
    while lane < rest {
      ones[lane] = 1
      lane &+= 1
    }
    return (ones, unsafe multiplyAdd(loadTail(values, index, rest), scale, ones))
  }

  /// Adds the sums over the four vectors of T_k and T_{k+1} to two vectors, or writes them, and goes on to T_{k+2} and
  /// T_{k+3}.
  @inline(__always)
  mutating func step(_ isFirst: Bool, _ sums: UnsafeMutablePointer<Double>) {
    let a = (a0 + a1) + (a2 + a3)
    a0 = less(x0, b0, a0)
    a1 = less(x1, b1, a1)
    a2 = less(x2, b2, a2)
    a3 = less(x3, b3, a3)
    let b = (b0 + b1) + (b2 + b3)
    b0 = less(x0, a0, b0)
    b1 = less(x1, a1, b1)
    b2 = less(x2, a2, b2)
    b3 = less(x3, a3, b3)
    unsafe store(isFirst ? a : load(sums, 0) + a, sums, 0)
    unsafe store(isFirst ? b : load(sums, 8) + b, sums, 8)
  }
}

/// x·t − before; the minus is part of the multiplication.
@inline(__always)
private func less(_ x: Lanes, _ t: Lanes, _ before: Lanes) -> Lanes {
  multiplyAdd(x, t, Lanes(repeating: -0.0) - before)
}

/// Writes Σ T_k(x), k = 0 ..< `terms`, of samples d at x = 1 + scale·d, with T_k(cos θ) = cos kθ.
///
/// - Parameters:
///   - values: d ≤ 0, at least −2/scale but for a few roundings.
///   - terms: a multiple of four.
///   - scratch: 8·`terms` doubles.
///   - moments: `terms` doubles.
/// - Precision: T_{k+1} = 2x T_k − T_{k−1} carries a rounding of 2^-53 on by at most k, so that each is off by 2^-53·k²/4
///   (three times that where the product is rounded too), x by 2^-53, and a sum by 2^-53·(7 + count/32) of count.
/// - Complexity: O(count·terms): a fused multiplication and an addition a sample and term; no allocation.
public func chebyshevMoments(
  values: UnsafePointer<Double>, count: Int, scale: Double, terms: Int,
  scratch: UnsafeMutablePointer<Double>, moments: UnsafeMutablePointer<Double>
) {
  let scales = Lanes(repeating: scale)
  var lanes = unsafe ChebyshevLanes(values, 0, count, scales)
  var term = 0
  while term < terms {
    unsafe lanes.step(true, scratch + 8 &* term)
    term &+= 2
  }
  var index = chebyshevSamples
  while index < count {
    lanes = unsafe ChebyshevLanes(values, index, count, scales)
    term = 0
    while term < terms {
      unsafe lanes.step(false, scratch + 8 &* term)
      term &+= 2
    }
    index &+= chebyshevSamples
  }
  term = 0
  while term < terms {
    let place = unsafe scratch + 8 &* term
    let four = unsafe totals(load(place, 0), load(place, 8), load(place, 16), load(place, 24))
    unsafe UnsafeMutableRawPointer(moments + term).storeBytes(of: four, as: SIMD4<Double>.self)
    term &+= 4
  }
}

/// Writes Σ e^{λd}, that less the number of samples, Σ d e^{λd} and Σ d² e^{λd}, each over the number of samples, for
/// some of eight lambdas: each sum is Σ_k (coefficient of its function) · Σ T_k.
///
/// - Parameters:
///   - coefficients: for each term `chebyshevStride` doubles, eight lambdas of each of the three functions.
///   - terms: even.
///   - moments: of ``chebyshevMoments(values:count:scale:terms:scratch:moments:)``.
///   - samples: how many samples the row has.
///   - shift: written before them.
///   - first: the first of the eight lambdas that is wanted; `end` is beyond the last.
///   - scratch: 32 doubles.
///   - output: `chebyshevRecord` doubles a lambda, that of lambda `first` first: the shift, the four means, NaN for
///     the squares, three zeros for payloads, and NaN for two products of squares.
/// - Complexity: O(terms).
public func chebyshevSums(
  coefficients: UnsafePointer<Double>, terms: Int, moments: UnsafePointer<Double>, samples: Double,
  shift: Double, first: Int, end: Int, scratch: UnsafeMutablePointer<Double>,
  output: UnsafeMutablePointer<Double>
) {
  let zero = Lanes(repeating: 0)
  // Two of each, so that one product does not wait for the other.
  var (s0, s1, s2) = (zero, zero, zero)
  var (t0, t1, t2) = (zero, zero, zero)
  var term = 0
  while term < terms {
    let place = unsafe coefficients + chebyshevStride &* term
    let own = unsafe Lanes(repeating: moments[term])
    let next = unsafe Lanes(repeating: moments[term &+ 1])
    s0 = unsafe multiplyAdd(load(place, 0), own, s0)
    s1 = unsafe multiplyAdd(load(place, 8), own, s1)
    s2 = unsafe multiplyAdd(load(place, 16), own, s2)
    t0 = unsafe multiplyAdd(load(place, 24), next, t0)
    t1 = unsafe multiplyAdd(load(place, 32), next, t1)
    t2 = unsafe multiplyAdd(load(place, 40), next, t2)
    term &+= 2
  }
  s0 += t0
  let less = s0 - Lanes(repeating: samples)
  unsafe storeMeans(shift, samples, s0, less, s1 + t1, s2 + t2, first, end, scratch, output)
}

/// Writes the records of some of eight lambdas; each sum is divided by the number of samples.
///
/// - Parameter scratch: 32 doubles. Lanes are read from there: where they are taken from the vectors, the compiler turns the
///   loops before this into loops over single lanes, which take three times as long.
@inline(__always)
func storeMeans(
  _ shift: Double, _ samples: Double, _ s0: Lanes, _ e1: Lanes, _ s1: Lanes, _ s2: Lanes,
  _ first: Int, _ end: Int, _ scratch: UnsafeMutablePointer<Double>,
  _ output: UnsafeMutablePointer<Double>
) {
  let inverse = Lanes(repeating: 1 / samples)
  // Divided, not multiplied as the others: exactly 1 at lambda = 0.
  unsafe store(s0 / Lanes(repeating: samples), scratch, 0)
  unsafe store(e1 * inverse, scratch, 8)
  unsafe store(s1 * inverse, scratch, 16)
  unsafe store(s2 * inverse, scratch, 24)
  var lane = first
  while lane < end {
    let record = unsafe output + (lane &- first) &* chebyshevRecord
    unsafe record[0] = shift
    unsafe record[1] = scratch[lane]
    unsafe record[2] = scratch[8 &+ lane]
    unsafe record[3] = scratch[16 &+ lane]
    unsafe record[4] = scratch[24 &+ lane]
    let rest = unsafe UnsafeMutableRawPointer(record + 5)
    unsafe rest.storeBytes(of: SIMD4(.nan, 0, 0, 0), as: SIMD4<Double>.self)
    unsafe record[9] = .nan
    unsafe record[10] = .nan
    lane &+= 1
  }
}

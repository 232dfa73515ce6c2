// SPDX-License-Identifier: Apache-2.0
// Where the Pareto fit takes likelihoods, and how those of its guesses follow from them.

internal import EsscherCore

/// Nodes and matrix for tails of one number of guesses m (docs/design/012).
///
/// Guess j has z_j = e^{v_j}·largest/(3·quartile), v_j = log(√(m/(j + ½)) − 1). As a function of v the likelihood's
/// logarithm has no singularity nearer than ±iπ. With v = c + h·arcsin(p y)/arcsin(p), −1 ≤ y ≤ 1, it is interpolated by
/// polynomials in y from its values at the zeros of the Chebyshev polynomial of y: p = 0 is interpolation in v, and larger
/// p spread the nodes more evenly, until y's own singularities at ±1/p are the nearest. 0.68 is best for the widths that
/// occur.
///
/// - Precision: an n-th of the logarithm within 2e-10 for three vectors of nodes, 2e-12 for four, 1e-13 for more.
/// - Complexity: m K quotients, K nodes.
@safe
final class LikelihoodNodes {
  /// Guesses, nodes, six zeros; e^v of the nodes, descending; and for each eight guesses, node by node, its share in each of
  /// the eight.
  let table: UnsafeMutablePointer<Double>
  private let memory: ScratchMemory

  /// As many vectors of eight as keep the bound: three up to 48 guesses, of tails below 361, which rows up to 14,000 have; four
  /// up to 100, rows of 2.8 million.
  static func count(guesses: Int) -> Int {
    switch guesses {
    case ...48: 24
    case ...100: 32
    case ...160: 40
    default: most
    }
  }

  /// The most there are.
  static let most = 48

  init(guesses: Int) {
    let count = Self.count(guesses: guesses)
    let vectors = (guesses + 7) / 8
    let size = 8 + count + 8 * count * vectors
    memory = ScratchMemory(
      bytes: ScratchMemory.bytes([size * MemoryLayout<Double>.stride]))
    unsafe table = memory.take(size)
    unsafe table.update(repeating: 0, count: size)
    unsafe table[0] = Double(guesses)
    unsafe table[1] = Double(count)

    let places = (0..<guesses).map { guess in
      Elementary.log((Double(guesses) / (Double(guess) + 0.5)).squareRoot() - 1)
    }
    guard let highest = places.first, let lowest = places.last else { return }
    let (centre, half) = ((highest + lowest) / 2, (highest - lowest) / 2)
    let angles = (0..<count).map { (Double($0) + 0.5) * Double.pi / Double(count) }
    let nodes = angles.map(Elementary.cosine)
    for (node, y) in nodes.enumerated() {
      let v = centre + half * Elementary.arcsine(Self.spread * y) / Elementary.arcsine(Self.spread)
      unsafe table[8 + node] = Elementary.exp(v)
    }
    // The barycentric form of Lagrange's polynomials.
    for (guess, v) in places.enumerated() {
      let y =
        Elementary.sine((v - centre) / half * Elementary.arcsine(Self.spread)) / Self.spread
      let row = unsafe table + (8 + count + 8 * count * (guess / 8) + guess % 8)
      if let node = nodes.firstIndex(of: y) {
        unsafe row[8 * node] = 1
        continue
      }
      let terms = (0..<count).map { node in
        (node % 2 == 0 ? 1 : -1) * Elementary.sine(angles[node]) / (y - nodes[node])
      }
      let sum = terms.reduce(0, +)
      for node in 0..<count { unsafe row[8 * node] = terms[node] / sum }
    }
  }

  /// The p of the above.
  private static let spread = 0.68
}

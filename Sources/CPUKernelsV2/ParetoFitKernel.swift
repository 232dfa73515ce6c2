// SPDX-License-Identifier: Apache-2.0
// The generalised Pareto fit of Zhang and Stephens (2009), eight numbers at a time.
//
// Everything is in units of the largest excess, x in (0, 1], and a guess of θ is held as z = 1 − θ > 0: its likelihood needs
// k = mean log(1 − θx), taken of products of all
//     1 − θx = (1 − x) + xz,
// where nothing is negative, so that nothing cancels. Four factors at once are a quartic in z whose coefficients all z
// share: five operations in place of eight.
//
// Guesses are z = e^v·largest/(3·quartile), with v that only their number decides, and the logarithm of the likelihood is
// analytic in v as far as ±iπ. So it is taken at fewer nodes than guesses and interpolated by a matrix that all tails of
// that many guesses share (docs/design/012).

/// k̂ with the prior of PSIS, (n k + 5)/(n + 10); NaN where fewer than five weights lie above the cutoff, or all of
/// those are equal.
///
/// - Parameters:
///   - distances, weights: r_i − r_0 and e^{λ(r_i − r_0)}, the largest first.
///   - fitted: entries, the last of them the cutoff.
///   - shares: (j + ½)^-½.
///   - nodes: what `LikelihoodNodes` writes for one number of guesses; tails with others go without.
///   - scratch: as `TiltTails` reserves.
@inline(__always)
func paretoShape(
  _ distances: UnsafePointer<Double>, _ weights: UnsafePointer<Double>, _ fitted: Int,
  _ shares: UnsafePointer<Double>, _ nodes: UnsafePointer<Double>,
  _ scratch: UnsafeMutablePointer<Double>
) -> Double {
  guard fitted > 5 else { return Double.nan }
  let last = unsafe distances[fitted &- 1]
  // Exponents below the smallest normal weight count as that.
  let lowest = unsafe weights[fitted &- 1] > 0x1p-1021 ? weights[fitted &- 1] : 0x1p-1021
  var count = fitted &- 1
  while unsafe count > 0 && !(distances[count &- 1] > last && weights[count &- 1] > lowest) {
    count &-= 1
  }
  guard count >= 5 else { return Double.nan }
  let largest = unsafe weights[0] - lowest
  guard unsafe largest > weights[count &- 1] - lowest else { return Double.nan }
  // The prior's scale: a third of the lower quartile.
  let quartile = unsafe weights[count &- Int(Double(count) / 4 + 0.5)] - lowest
  let inverseScale = largest / (3 * quartile)

  let groups = (count &+ 3) / 4
  let room = 4 &* groups &+ 24
  let guesses = 30 &+ Int(Double(count).squareRoot())
  let vectors = (guesses &+ 7) / 8
  let excess = unsafe scratch
  let points = unsafe excess + room
  let guessed = unsafe points + 8 &* vectors
  let places = unsafe guessed + 8 &* vectors
  let values = unsafe places + mostNodes
  let coefficients = unsafe values + mostNodes

  unsafe scaled(weights, count, lowest, 1 / largest, excess, room)
  // Descending; what fills the last vector repeats the last guess.
  let inverse = Lanes(repeating: inverseScale)
  let root = Lanes(repeating: Double(guesses).squareRoot())
  var vector = 0
  while vector < vectors {
    let share = unsafe load(shares, 8 &* vector)
    unsafe store(
      multiplyAdd(share, root, Lanes(repeating: -1)) * inverse, points, 8 &* vector)
    vector &+= 1
  }
  var filler = guesses
  while filler < 8 &* vectors {
    unsafe points[filler] = points[guesses &- 1]
    filler &+= 1
  }
  let bound = unsafe exponent(of: points[0])
  // Quartics of larger factors would overflow; and a NaN of a scale of 0 ends here too.
  let isWide = !(bound <= 224)
  // No factor is above 2^bound, nor below 1 or the least z, largest/(12·guesses·quartile) > 2^-14.
  let block = isWide ? 1 : 900 / (bound > 13 ? bound &+ 1 : 14)
  let tail = unsafe FittedTail(
    excess: excess, count: count, coefficients: coefficients, groups: groups, block: block)
  if isWide {
    vector = 0
    while vector < vectors {
      unsafe directly(tail, points, vector, guessed)
      vector &+= 1
    }
    unsafe likelihoods(tail, points, vectors, guessed)
  } else {
    unsafe quartics(excess, groups, coefficients)
    if unsafe nodes[0] == Double(guesses) {
      let nodeCount = unsafe Int(nodes[1])
      var node = 0
      while node < nodeCount {
        unsafe store(load(nodes, 8 &+ node) * inverse, places, node)
        node &+= 8
      }
      unsafe logarithms(tail, places, nodeCount / 8, values)
      unsafe likelihoods(tail, places, nodeCount / 8, values)
      unsafe interpolate(nodes + (8 &+ nodeCount), nodeCount, values, vectors, guessed)
    } else {
      unsafe logarithms(tail, points, vectors, guessed)
      unsafe likelihoods(tail, points, vectors, guessed)
    }
  }
  let theta = unsafe 1 - posteriorMean(points, guessed, guesses, vectors, Double(count))
  unsafe logarithms(tail, theta, values)
  let n = Double(count)
  let k = unsafe total(load(values, 0)) / n
  return (n * k + 5) / (n + 10)
}

/// The most nodes that scratch has room for.
private let mostNodes = 48

/// An e with |x| < 2^e; large where x is not finite.
@inline(__always)
private func exponent(of x: Double) -> Int {
  Int(truncatingIfNeeded: (x.bitPattern &>> 52) & 0x7FF) &- 1022
}

/// Writes (w_i − cutoff)·unit, and zeros up to `room`.
@inline(__always)
private func scaled(
  _ weights: UnsafePointer<Double>, _ count: Int, _ cutoff: Double, _ unit: Double,
  _ excess: UnsafeMutablePointer<Double>, _ room: Int
) {
  var index = count & ~7
  while index < room {
    unsafe store(Lanes(repeating: 0), excess, index)
    index &+= 8
  }
  index = 0
  while index &+ 8 <= count {
    let w = unsafe load(weights, index)
    unsafe store((w - Lanes(repeating: cutoff)) * Lanes(repeating: unit), excess, index)
    index &+= 8
  }
  while index < count {
    unsafe excess[index] = (weights[index] - cutoff) * unit
    index &+= 1
  }
}

/// The mean of the guesses, each weighed by its likelihood; NaN where none has one.
@inline(__always)
private func posteriorMean(
  _ points: UnsafePointer<Double>, _ likelihoods: UnsafeMutablePointer<Double>, _ guesses: Int,
  _ vectors: Int, _ count: Double
) -> Double {
  var lane = guesses
  while lane < 8 &* vectors {
    unsafe likelihoods[lane] = -Double.infinity
    lane &+= 1
  }
  var best = Lanes(repeating: -Double.infinity)
  var vector = 0
  while vector < vectors {
    let likelihood = unsafe load(likelihoods, 8 &* vector)
    best.replace(with: likelihood, where: likelihood .> best)
    vector &+= 1
  }
  var highest = best[0]
  lane = 1
  while lane < 8 {
    highest = best[lane] > highest ? best[lane] : highest
    lane &+= 1
  }
  guard highest > -Double.infinity else { return Double.nan }
  let counts = Lanes(repeating: count)
  var mass = Lanes(repeating: 0)
  var sum = Lanes(repeating: 0)
  vector = 0
  while vector < vectors {
    // What lies 700 below the best still weighs 1e-304, which is nothing.
    let distance = unsafe load(likelihoods, 8 &* vector) - Lanes(repeating: highest)
    let weight = expParts(distance * counts).exp
    mass += weight
    sum = unsafe multiplyAdd(weight, load(points, 8 &* vector), sum)
    vector &+= 1
  }
  return total(sum) / total(mass)
}

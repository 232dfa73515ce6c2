// SPDX-License-Identifier: Apache-2.0
// The top of a row under several tilts: weights, the jackknife's terms of single samples, and the Pareto fit.

/// Writes e^{λ(r_i − r_0)}, i < count; r_0 is the largest.
public func tailWeights(
  _ rewards: UnsafePointer<Double>, _ count: Int, _ lambda: Double,
  _ weights: UnsafeMutablePointer<Double>
) {
  guard count > 0 else { return }
  let first = unsafe Lanes(repeating: rewards[0])
  let lambdas = Lanes(repeating: lambda)
  var index = 0
  while index &+ 8 <= count {
    let e = unsafe expParts((load(rewards, index) - first) * lambdas).exp
    unsafe UnsafeMutableRawPointer(weights + index).storeBytes(of: e, as: Lanes.self)
    index &+= 8
  }
  if index < count {
    let e = unsafe expParts((loadTail(rewards, index, count &- index) - first) * lambdas).exp
    var lane = 0
    while index < count {
      unsafe weights[index] = e[lane]
      index &+= 1
      lane &+= 1
    }
  }
}

/// What ``TailSums`` holds, for each of several lambdas, and the Pareto shapes.
///
/// - Parameters:
///   - distances: r_i − r_0 ≤ 0, the largest reward first, filled up to a multiple of 8 with the last.
///   - gold: g − ḡ of the samples, filled up with 0, or nil.
///   - copies: samples that each entry stands for, filled up with 0.
///   - count: entries with what fills them up.
///   - fitted: first entries that the Pareto law is fitted to, the last of them the cutoff.
///   - lambdas, tops: inverse temperatures, and the largest weight at each.
///   - shares: (j + ½)^-½ of as many j as there are guesses, filled up to a multiple of 8.
///   - nodes: where the likelihood of the fit is taken (LikelihoodNodes.swift).
///   - scratch: as `TiltTails` reserves.
///   - results: six doubles a lambda: shape (NaN for none), Σ c a, Σ c a (r − r_0), Σ c a g, Σ c l, Σ c, with
///     a = w³/(1 − w), l = log(1 − w) + w + w²/2, over the entries with w < 1.
public func tiltTails(
  distances: UnsafePointer<Double>, gold: UnsafePointer<Double>?, copies: UnsafePointer<Double>,
  count: Int, fitted: Int, lambdas: UnsafePointer<Double>, tops: UnsafePointer<Double>,
  lambdaCount: Int, shares: UnsafePointer<Double>, nodes: UnsafePointer<Double>,
  scratch: UnsafeMutablePointer<Double>, results: UnsafeMutablePointer<Double>
) {
  var index = 0
  while index < lambdaCount {
    let record = unsafe results + 6 &* index
    let lambda = unsafe lambdas[index]
    unsafe singleSampleSums(
      distances, gold, copies, count, lambda, tops[index], scratch, record)
    unsafe record[0] =
      lambda > 0
      ? paretoShape(
        distances, scratch, fitted, shares, nodes, scratch + (count &+ 8)) : Double.nan
    index &+= 1
  }
}

/// Writes e^{λ(r_i − r_0)} and the sums of what single samples do.
@inline(__always)
private func singleSampleSums(
  _ distances: UnsafePointer<Double>, _ gold: UnsafePointer<Double>?,
  _ copies: UnsafePointer<Double>, _ count: Int, _ lambda: Double, _ top: Double,
  _ weights: UnsafeMutablePointer<Double>, _ record: UnsafeMutablePointer<Double>
) {
  let lambdas = Lanes(repeating: lambda)
  let tops = Lanes(repeating: top)
  let one = Lanes(repeating: 1)
  let zero = Lanes(repeating: 0)
  // Up to here series stand for the logarithm, which would be most of the work and cancel, and the quotient.
  // Left out are w⁸/8 and w⁹: 4e-11 and 1e-12 of the terms.
  let small = 0.01
  var rests = zero
  var rewards = zero
  var golds = zero
  // −Σ c l, whose terms are not negative.
  var opposed = zero
  var included = zero
  var index = 0
  while index < count {
    let distance = unsafe load(distances, index)
    let e = expParts(distance * lambdas).exp
    unsafe store(e, weights, index)
    let w = e * tops
    var stands = unsafe load(copies, index)
    let square = w * w
    let cube = square * w
    // 1 + w + … + w⁵.
    var quotient = (one + w) * multiplyAdd(square, one + square, one)
    var series = multiplyAdd(w, Lanes(repeating: 1.0 / 7), Lanes(repeating: 1.0 / 6))
    series = multiplyAdd(series, w, Lanes(repeating: 1.0 / 5))
    series = multiplyAdd(series, w, Lanes(repeating: 1.0 / 4))
    series = multiplyAdd(series, w, Lanes(repeating: 1.0 / 3))
    // Entries descend, so that the first lane is the largest.
    if w[0] < small {
      opposed = multiplyAdd(stands * cube, series, opposed)
    } else {
      let isLarge = w .>= Lanes(repeating: small)
      let isWhole = w .>= one
      // A sample that carries all the weight has no estimate without it.
      stands.replace(with: zero, where: isWhole)
      let others = (one - w).replacing(with: one, where: isWhole)
      quotient.replace(with: one / others, where: isLarge)
      let rest = (zero - cube * series).replacing(
        with: multiplyAdd(w * Lanes(repeating: 0.5), w, w + logarithm(others)), where: isLarge)
      opposed -= stands * rest
    }
    let share = stands * cube * quotient
    rests += share
    rewards = multiplyAdd(share, distance, rewards)
    if let gold = unsafe gold { golds = unsafe multiplyAdd(share, load(gold, index), golds) }
    included += stands
    index &+= 8
  }
  unsafe record[1] = total(rests)
  unsafe record[2] = total(rewards)
  unsafe record[3] = total(golds)
  unsafe record[4] = -total(opposed)
  unsafe record[5] = total(included)
}

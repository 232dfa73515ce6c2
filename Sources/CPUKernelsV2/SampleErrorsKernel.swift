// SPDX-License-Identifier: Apache-2.0
// Sums of what a tilt's estimates change by when one sample is left out; EsscherCore's SampleErrors.swift makes
// standard errors of them.

/// Adds up, over the samples i of a row, the changes x of seven estimates when i is left out, less that of the sample in
/// the middle (with gold's mean for its gold), and their squares, and the squares of three influences.
///
/// With w = q e/Z, the odds w/(1 − w) and log Z(−i) − log Z = log(1 − w) − log(1 − q):
/// - of KL, reward, gain, gain and reward at a held KL, gold, and gold at a held KL: Σ x, then Σ x²;
/// - then Σ IF² of KL, gain and gold.
///
/// - Parameters:
///   - rewards: d, less their mean.
///   - exponentials: e = e^{λ(d − max d)}.
///   - gold: gold rewards less their mean, or nil.
///   - weights: q, or nil for 1/count.
///   - parameters: λ, 1/λ or 0, Z, the tilted mean of d, that of gold, and gold a nat along the tilt.
///   - sums: room for these 17 numbers.
/// - Returns: false where a sample carries all the weight; `sums` are of no use then.
/// - Precision: relative error below (count/8 + 5)·2^-53 of Σ |x| and Σ x², of the terms as computed; what Z and the mean
///   are off by counts 1/(1 − w) times in them.
/// - Complexity: O(count), no allocation.
public func sampleErrorSums(
  rewards: UnsafePointer<Double>, exponentials: UnsafePointer<Double>,
  gold: UnsafePointer<Double>?, weights: UnsafePointer<Double>?, count: Int,
  parameters: UnsafePointer<Double>, sums: UnsafeMutablePointer<Double>
) -> Bool {
  if let gold = unsafe gold {
    guard let weights = unsafe weights else {
      return unsafe addUp(
        rewards, exponentials, gold, rewards, count, parameters, sums, hasGold: true,
        hasWeights: false)
    }
    return unsafe addUp(
      rewards, exponentials, gold, weights, count, parameters, sums, hasGold: true,
      hasWeights: true)
  }
  guard let weights = unsafe weights else {
    return unsafe addUp(
      rewards, exponentials, rewards, rewards, count, parameters, sums, hasGold: false,
      hasWeights: false)
  }
  return unsafe addUp(
    rewards, exponentials, rewards, weights, count, parameters, sums, hasGold: false,
    hasWeights: true)
}

/// Σ x and Σ x² of one estimate.
private struct LaneDeviations {
  private var sum = Lanes(repeating: 0)
  private var squares = Lanes(repeating: 0)
  private let anchor: Lanes

  init(about anchor: Lanes) { self.anchor = anchor }

  @inline(__always)
  mutating func add(_ estimate: Lanes, _ absent: SIMDMask<SIMD8<Int64>>) {
    let x = (estimate - anchor).replacing(with: 0, where: absent)
    sum += x
    squares = multiplyAdd(x, x, squares)
  }

  @inline(__always)
  func store(_ target: UnsafeMutablePointer<Double>, _ place: Int) {
    unsafe target[2 &* place] = total(sum)
    unsafe target[2 &* place &+ 1] = total(squares)
  }
}

/// A tilt, as leaving a sample out sees it.
private struct LeftOutTilt {
  let lambda: Lanes
  let inverseLambda: Lanes
  let partition: Lanes
  let mean: Lanes
  let goldMean: Lanes
  let exchange: Lanes

  init(_ parameters: UnsafePointer<Double>) {
    lambda = unsafe Lanes(repeating: parameters[0])
    inverseLambda = unsafe Lanes(repeating: parameters[1])
    partition = unsafe Lanes(repeating: parameters[2])
    mean = unsafe Lanes(repeating: parameters[3])
    goldMean = unsafe Lanes(repeating: parameters[4])
    exchange = unsafe Lanes(repeating: parameters[5])
  }
}

/// The base law's part of a change: q, log(1 − q) and q/(1 − q).
private struct BaseShare {
  let q: Lanes
  let logarithm: Lanes
  let odds: Lanes

  @inline(__always)
  init(_ q: Lanes) {
    self.q = q
    logarithm = logarithmOfRest(q)
    odds = q / (Lanes(repeating: 1) - q)
  }
}

/// What eight samples change when each is left out.
private struct Changes {
  let w: Lanes
  let distance: Lanes
  let kl: Lanes
  let reward: Lanes
  let gain: Lanes
  let heldGain: Lanes
  let heldReward: Lanes
  private let odds: Lanes

  @inline(__always)
  init(_ d: Lanes, _ e: Lanes, _ base: BaseShare, _ tilt: LeftOutTilt) {
    // Divided, so that a sample with all the weight has w = 1 exactly.
    w = base.q * e / tilt.partition
    odds = w / (Lanes(repeating: 1) - w)
    distance = d - tilt.mean
    reward = Lanes(repeating: 0) - odds * distance
    let own = Lanes(repeating: 0) - base.odds * d
    let partition = logarithmOfRest(w) - base.logarithm
    kl = multiplyAdd(tilt.lambda, reward, Lanes(repeating: 0) - partition)
    gain = reward - own
    heldReward = partition * tilt.inverseLambda
    heldGain = heldReward - own
  }

  @inline(__always)
  func gold(_ centred: Lanes) -> Lanes { Lanes(repeating: 0) - odds * centred }
}

/// log(1 − x) for 0 ≤ x < 1: the series where all are below 0.003, x⁷/7 < 2^-53·x.
@inline(__always)
private func logarithmOfRest(_ x: Lanes) -> Lanes {
  if all(x .< Lanes(repeating: 0.003)) {
    var series = multiplyAdd(x, Lanes(repeating: 1.0 / 6), Lanes(repeating: 1.0 / 5))
    series = multiplyAdd(x, series, Lanes(repeating: 1.0 / 4))
    series = multiplyAdd(x, series, Lanes(repeating: 1.0 / 3))
    series = multiplyAdd(x, series, Lanes(repeating: 1.0 / 2))
    series = multiplyAdd(x, series, Lanes(repeating: 1))
    return Lanes(repeating: 0) - x * series
  }
  // What 1 − x rounds away, to first order.
  let rest = 1 - x
  return logarithm(rest) - ((rest - 1) + x) / rest
}

/// The larger of a sample's shares of the base law and of the tilted one.
@inline(__always)
private func heaviness(
  _ weights: UnsafePointer<Double>, _ exponentials: UnsafePointer<Double>, _ index: Int,
  _ partition: Double
) -> Double {
  let q = unsafe weights[index]
  let w = unsafe q * exponentials[index] / partition
  return w > q ? w : q
}

@inline(__always)
private func addUp(
  _ rewards: UnsafePointer<Double>, _ exponentials: UnsafePointer<Double>,
  _ golds: UnsafePointer<Double>, _ weights: UnsafePointer<Double>, _ count: Int,
  _ parameters: UnsafePointer<Double>, _ sums: UnsafeMutablePointer<Double>, hasGold: Bool,
  hasWeights: Bool
) -> Bool {
  let tilt = unsafe LeftOutTilt(parameters)
  var base = BaseShare(Lanes(repeating: 1) / Lanes(repeating: Double(count)))
  // The spread is taken about a sample in the middle: the largest may have all the weight, and no other be near it.
  var middle = count / 2
  if hasWeights {
    // Unless the base policy gives it much: then about one that counts least.
    let heavy = unsafe heaviness(weights, exponentials, middle, parameters[2])
    let first = unsafe heaviness(weights, exponentials, 0, parameters[2])
    let last = unsafe heaviness(weights, exponentials, count &- 1, parameters[2])
    if first < heavy && first <= last {
      middle = 0
    } else if last < heavy {
      middle = count &- 1
    }
    base = unsafe BaseShare(Lanes(repeating: weights[middle]))
  }
  let anchor = unsafe Changes(
    Lanes(repeating: rewards[middle]), Lanes(repeating: exponentials[middle]), base, tilt)
  // About gold's mean, 0: that of the sample in the middle may be far from all others.
  let goldAnchor = anchor.gold(Lanes(repeating: 0) - tilt.goldMean)
  var kl = LaneDeviations(about: anchor.kl)
  var reward = LaneDeviations(about: anchor.reward)
  var gain = LaneDeviations(about: anchor.gain)
  var heldGain = LaneDeviations(about: anchor.heldGain)
  var heldReward = LaneDeviations(about: anchor.heldReward)
  var gold = LaneDeviations(about: goldAnchor)
  var heldGold = LaneDeviations(about: goldAnchor - tilt.exchange * anchor.kl)
  var klInfluence = Lanes(repeating: 0)
  var gainInfluence = Lanes(repeating: 0)
  var goldInfluence = Lanes(repeating: 0)
  var largest = Lanes(repeating: 0)
  var index = 0
  while index < count {
    let rest = count &- index
    let d = unsafe rest >= 8 ? load(rewards, index) : loadTail(rewards, index, rest)
    let e = unsafe rest >= 8 ? load(exponentials, index) : loadTail(exponentials, index, rest)
    let absent =
      Lanes(0, 1, 2, 3, 4, 5, 6, 7) .>= Lanes(repeating: rest < 8 ? Double(rest) : 8)
    if hasWeights {
      base = BaseShare(unsafe rest >= 8 ? load(weights, index) : loadTail(weights, index, rest))
      largest.replace(with: base.q, where: base.q .> largest)
    }
    let changes = Changes(d, e, base, tilt)
    largest.replace(with: changes.w, where: changes.w .> largest)
    kl.add(changes.kl, absent)
    reward.add(changes.reward, absent)
    gain.add(changes.gain, absent)
    heldGain.add(changes.heldGain, absent)
    heldReward.add(changes.heldReward, absent)
    let pull = changes.w * changes.distance
    let klPull = (tilt.lambda * pull - (changes.w - base.q)).replacing(with: 0, where: absent)
    klInfluence = multiplyAdd(klPull, klPull, klInfluence)
    let gainPull = pull - base.q * d
    gainInfluence = multiplyAdd(gainPull, gainPull, gainInfluence)
    if hasGold {
      let g = unsafe rest >= 8 ? load(golds, index) : loadTail(golds, index, rest)
      let centred = g - tilt.goldMean
      let change = changes.gold(centred)
      gold.add(change, absent)
      heldGold.add(change - tilt.exchange * changes.kl, absent)
      let goldPull = changes.w * centred
      goldInfluence = multiplyAdd(goldPull, goldPull, goldInfluence)
    }
    index &+= 8
  }
  var lane = 0
  while lane < 8 {
    guard largest[lane] < 1 else { return false }
    lane &+= 1
  }
  unsafe kl.store(sums, 0)
  unsafe reward.store(sums, 1)
  unsafe gain.store(sums, 2)
  unsafe heldGain.store(sums, 3)
  unsafe heldReward.store(sums, 4)
  unsafe gold.store(sums, 5)
  unsafe heldGold.store(sums, 6)
  unsafe sums[14] = total(klInfluence)
  unsafe sums[15] = total(gainInfluence)
  unsafe sums[16] = total(goldInfluence)
  return true
}

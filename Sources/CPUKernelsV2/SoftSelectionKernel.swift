// SPDX-License-Identifier: Apache-2.0
// The inner loops of soft best-of-n: exponentials of a row, block means of a permuted row, and the two
// integrals of its density on nodes of equal step (EsscherCPU/SoftSelectionLaw.swift has the formulas).

/// Nodes of a point's window: five vectors.
public var softWindow: Int { 40 }

/// `destination = e^{scale·(source − top)}`; exponents below −700 count as that.
public func exponentials(
  _ source: UnsafePointer<Double>, _ count: Int, top: Double, scale: Double,
  _ destination: UnsafeMutablePointer<Double>
) {
  let tops = Lanes(repeating: top)
  let scales = Lanes(repeating: scale)
  var index = 0
  while index < count {
    let rest = count &- index
    let x = rest >= 8 ? unsafe load(source, index) : unsafe loadTail(source, index, rest)
    let e = expParts((x - tops) * scales).exp
    var lane = 0
    while lane < 8 && lane < rest {
      unsafe destination[index &+ lane] = e[lane]
      lane &+= 1
    }
    index &+= 8
  }
}

/// Means over the blocks of a permuted row of Σ e·d / Σ e and Σ e·g / Σ e, for blocks of each size.
///
/// - Parameters:
///   - order: the permutation; block b of size n holds its places b·n ..< (b+1)·n, what is left over none.
///   - e, d, g: weights above 0 and payloads of the row; `g` may be nil.
///   - sizes: ascending, each from 1 to `count`. A size that the one before divides is folded from its blocks.
///   - scratch: 3·count doubles.
///   - means: two doubles a size.
/// - Complexity: O(count·(1 + 1/2 + 1/4 + …)) for powers of two.
public func softBlockMeans(
  order: UnsafePointer<UInt32>, e: UnsafePointer<Double>, d: UnsafePointer<Double>,
  g: UnsafePointer<Double>?, count: Int, sizes: UnsafePointer<Int>, sizeCount: Int,
  scratch: UnsafeMutablePointer<Double>, means: UnsafeMutablePointer<Double>
) {
  let weight = unsafe scratch
  let first = unsafe scratch + count
  let second = unsafe scratch + 2 &* count
  var folded = 0
  var index = 0
  while index < sizeCount {
    let size = unsafe sizes[index]
    if folded == 0 || size % folded != 0 {
      unsafe gather(order, e, d, g, count, weight, first, second)
      folded = 1
    }
    let factor = size / folded
    let blocks = count / size
    if factor > 1 {
      unsafe fold(weight, blocks, factor)
      unsafe fold(first, blocks, factor)
      if unsafe g != nil { unsafe fold(second, blocks, factor) }
      folded = size
    }
    var firstSum = 0.0
    var secondSum = 0.0
    var block = 0
    while block < blocks {
      unsafe firstSum += first[block] / weight[block]
      if unsafe g != nil { unsafe secondSum += second[block] / weight[block] }
      block &+= 1
    }
    unsafe means[2 &* index] = firstSum / Double(blocks)
    unsafe means[2 &* index &+ 1] = secondSum / Double(blocks)
    index &+= 1
  }
}

@inline(__always)
private func gather(
  _ order: UnsafePointer<UInt32>, _ e: UnsafePointer<Double>, _ d: UnsafePointer<Double>,
  _ g: UnsafePointer<Double>?, _ count: Int, _ weight: UnsafeMutablePointer<Double>,
  _ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>
) {
  var place = 0
  while place < count {
    let sample = unsafe Int(truncatingIfNeeded: order[place])
    let share = unsafe e[sample]
    unsafe weight[place] = share
    unsafe first[place] = share * d[sample]
    if let g = unsafe g { unsafe second[place] = share * g[sample] }
    place &+= 1
  }
}

/// Replaces runs of `factor` numbers by their sums, in place.
@inline(__always)
private func fold(_ values: UnsafeMutablePointer<Double>, _ blocks: Int, _ factor: Int) {
  var block = 0
  while block < blocks {
    let start = block &* factor
    var sum = unsafe values[start]
    var index = 1
    while index < factor {
      unsafe sum += values[start &+ index]
      index &+= 1
    }
    unsafe values[block] = sum
    block &+= 1
  }
}

/// Adds `count·(1 − exp(−e^y))` of each point to the nodes of its window.
///
/// - Parameters:
///   - lowest: y of each point at the first node of its window; it grows by the step from node to node.
///   - starts: that node.
///   - weights: how often each point counts.
///   - ratios: e^{step·i} of the window's nodes.
///   - sums: by node.
public func softDeficits(
  lowest: UnsafePointer<Double>, starts: UnsafePointer<Int>, weights: UnsafePointer<Double>,
  count: Int, ratios: UnsafePointer<Double>, sums: UnsafeMutablePointer<Double>
) {
  var index = 0
  while index < count {
    let scale = unsafe expParts(Lanes(repeating: lowest[index])).exp
    let weight = unsafe Lanes(repeating: -weights[index])
    let target = unsafe UnsafeMutableRawPointer(sums + starts[index])
    var node = 0
    while node < softWindow {
      let e = unsafe load(ratios, node) * scale
      let place = unsafe target + node &* 8
      let before = unsafe place.loadUnaligned(as: Lanes.self)
      unsafe place.storeBytes(
        of: multiplyAdd(expParts(-e).expm1, weight, before), as: Lanes.self)
      node &+= 8
    }
    index &+= 1
  }
}

/// Σ over all nodes of e^y·exp(−e^y)·Φ for each point and n: the nodes of the window one by one, those before it by
/// three powers of e^y.
///
/// - Parameters:
///   - lowest, starts, ratios: as for ``softDeficits``.
///   - survivals: Φ by n and node; rows `stride` doubles apart.
///   - tails: by n and power p = 1, 2, 3, then node: Σ over earlier nodes of e^{p·(y − lowest)}·Φ.
///   - results: by point and n.
public func softDensities(
  lowest: UnsafePointer<Double>, starts: UnsafePointer<Int>, count: Int,
  ratios: UnsafePointer<Double>, survivals: UnsafePointer<Double>, tails: UnsafePointer<Double>,
  stride: Int, sizeCount: Int, results: UnsafeMutablePointer<Double>
) {
  var index = 0
  while index < count {
    let start = unsafe starts[index]
    let scale = unsafe expParts(Lanes(repeating: lowest[index])).exp
    let e0 = unsafe load(ratios, 0) * scale
    let e1 = unsafe load(ratios, 8) * scale
    let e2 = unsafe load(ratios, 16) * scale
    let e3 = unsafe load(ratios, 24) * scale
    let e4 = unsafe load(ratios, 32) * scale
    let g0 = e0 * expParts(-e0).exp
    let g1 = e1 * expParts(-e1).exp
    let g2 = e2 * expParts(-e2).exp
    let g3 = e3 * expParts(-e3).exp
    let g4 = e4 * expParts(-e4).exp
    let power = scale[0]
    var size = 0
    while size < sizeCount {
      let row = unsafe survivals + (size &* stride &+ start)
      var sum = unsafe g0 * load(row, 0)
      sum = unsafe multiplyAdd(g1, load(row, 8), sum)
      sum = unsafe multiplyAdd(g2, load(row, 16), sum)
      sum = unsafe multiplyAdd(g3, load(row, 24), sum)
      sum = unsafe multiplyAdd(g4, load(row, 32), sum)
      let tail = unsafe tails + (3 &* size &* stride &+ start)
      let earlier =
        unsafe power
        * (tail[0] - power * (tail[stride] - power / 2 * tail[2 &* stride]))
      unsafe results[index &* sizeCount &+ size] = total(sum) + earlier
      size &+= 1
    }
    index &+= 1
  }
}

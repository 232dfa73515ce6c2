// SPDX-License-Identifier: Apache-2.0
// Simple passes over a segment of a row: extrema, sums about a centre, shifts, weighted sums.

// Results go through pointers: a returned struct would bring shared weak symbols with it.

/// Smallest, largest and Σ x of `count` values, to `result[0…2]`.
///
/// NaN cells do not take part in the extrema; the sum is NaN or infinite if any cell is.
public func extrema(
  _ values: UnsafePointer<Double>, _ count: Int, _ result: UnsafeMutablePointer<Double>
) {
  var low = Lanes(repeating: .infinity)
  var high = Lanes(repeating: -.infinity)
  var sum = Lanes(repeating: 0)
  var index = 0
  while index &+ 8 <= count {
    let x = unsafe load(values, index)
    low.replace(with: x, where: x .< low)
    high.replace(with: x, where: x .> high)
    sum += x
    index &+= 8
  }
  var minimum = Double.infinity
  var maximum = -Double.infinity
  var rest = total(sum)
  var lane = 0
  while lane < 8 {
    if low[lane] < minimum { minimum = low[lane] }
    if high[lane] > maximum { maximum = high[lane] }
    lane &+= 1
  }
  while index < count {
    let x = unsafe values[index]
    if x < minimum { minimum = x }
    if x > maximum { maximum = x }
    rest += x
    index &+= 1
  }
  unsafe result[0] = minimum
  unsafe result[1] = maximum
  unsafe result[2] = rest
}

/// Adds Σ q (x − centre) and Σ q (x − centre)² to `sums[0…1]`, q = 1 where there are no weights.
public func centredSums(
  _ values: UnsafePointer<Double>, _ weights: UnsafePointer<Double>?, _ count: Int,
  _ centre: Double, _ sums: UnsafeMutablePointer<Double>
) {
  let centres = Lanes(repeating: centre)
  // Two of each, so that one addition does not wait for the other.
  var first = Lanes(repeating: 0)
  var second = Lanes(repeating: 0)
  var nextFirst = Lanes(repeating: 0)
  var nextSecond = Lanes(repeating: 0)
  var index = 0
  while index &+ 16 <= count {
    let d = unsafe load(values, index) - centres
    let e = unsafe load(values, index &+ 8) - centres
    let p = if let weights = unsafe weights { unsafe d * load(weights, index) } else { d }
    let q = if let weights = unsafe weights { unsafe e * load(weights, index &+ 8) } else { e }
    first += p
    nextFirst += q
    second = multiplyAdd(p, d, second)
    nextSecond = multiplyAdd(q, e, nextSecond)
    index &+= 16
  }
  var firstSum = total(first + nextFirst)
  var secondSum = total(second + nextSecond)
  while index < count {
    let d = unsafe values[index] - centre
    let p = if let weights = unsafe weights { unsafe d * weights[index] } else { d }
    firstSum += p
    secondSum += p * d
    index &+= 1
  }
  unsafe sums[0] += firstSum
  unsafe sums[1] += secondSum
}

/// `destination = (source − centre) − correction`, each difference rounded once.
///
/// Two steps, because the centre is near the values (so the first difference is exact) and the
/// correction is small.
public func shift(
  _ source: UnsafePointer<Double>, _ count: Int, centre: Double, correction: Double,
  _ destination: UnsafeMutablePointer<Double>
) {
  var index = 0
  while index < count {
    unsafe destination[index] = (source[index] - centre) - correction
    index &+= 1
  }
}

/// Σ a_i b_i.
public func dot(
  _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int
) -> Double {
  var even = Lanes(repeating: 0)
  var odd = Lanes(repeating: 0)
  var index = 0
  while index &+ 16 <= count {
    even = unsafe multiplyAdd(load(a, index), load(b, index), even)
    odd = unsafe multiplyAdd(load(a, index &+ 8), load(b, index &+ 8), odd)
    index &+= 16
  }
  var result = total(even + odd)
  while index < count {
    unsafe result += a[index] * b[index]
    index &+= 1
  }
  return result
}

// SPDX-License-Identifier: Apache-2.0
// From the moments of blocks to those of pairs of blocks.

/// Moments of blocks twice as wide: parent b holds the children 2b (nearer the top) and 2b + 1.
///
/// With u' = (u ± 1)/2, the parent's k-th moment is 2^-k Σ_j C(k, j) (e_j + (−1)^(k−j) o_j).
///
/// - Parameters:
///   - children: `sets` sets of the moments of ``blockMoments``, empty beyond `count` blocks.
///   - parents: likewise; all that have children in use are written.
///   - count: children in use.
///   - binomials: C(k, j)·2^-k at `18·k + j`.
///   - scratch: 288 doubles.
/// - Precision: no cancellation: an error of at most 2^-50 of the block's samples a level.
public func mergeBlocks(
  _ children: UnsafePointer<Double>, _ parents: UnsafeMutablePointer<Double>, sets: Int, count: Int,
  binomials: UnsafePointer<Double>, scratch: UnsafeMutablePointer<Double>
) {
  let stride = blockStride
  var set = 0
  while set < sets {
    let base = set &* blockPowers &* stride
    var block = 0
    while 2 &* block < count {
      // Sums and differences of the two children, by power.
      var power = 0
      while power < blockPowers {
        let pair = unsafe children + (base &+ power &* stride &+ 2 &* block)
        let first = unsafe load(pair, 0)
        let second = unsafe load(pair, 8)
        let even = Lanes(lowHalf: first.evenHalf, highHalf: second.evenHalf)
        let odd = Lanes(lowHalf: first.oddHalf, highHalf: second.oddHalf)
        unsafe store(even + odd, scratch, 16 &* power)
        unsafe store(even - odd, scratch, 16 &* power &+ 8)
        power &+= 1
      }
      power = 0
      while power < blockPowers {
        let row = unsafe binomials + blockPowers &* power
        var result = Lanes(repeating: 0)
        var index = 0
        while index <= power {
          let part = unsafe load(scratch, 16 &* index &+ 8 &* ((power &- index) & 1))
          result = unsafe multiplyAdd(part, Lanes(repeating: row[index]), result)
          index &+= 1
        }
        unsafe store(result, parents, base &+ power &* stride &+ block)
        power &+= 1
      }
      block &+= 8
    }
    set &+= 1
  }
}

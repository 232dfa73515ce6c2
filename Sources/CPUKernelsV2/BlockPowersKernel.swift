// SPDX-License-Identifier: Apache-2.0
// The power moments of a whole row from those of its blocks: Σ (d/scale)^k about the mean, as
// ``powerMoments`` takes them sample by sample.

/// Adds the power moments of blocks to `sums`, sets of `powerRow` doubles; places of k = 0 are left alone.
///
/// With o the block's centre and h half its width in units of the scale, (o + h u)^k = Σ_j C(k, j) o^(k−j) h^j u^j;
/// twelve passes of t_k ← t_k + o·t_(k−1) over t_k = h^k Σ u^k make that of all k at once.
///
/// - Parameters:
///   - moments: `sets` sets of ``blockMoments``, empty beyond `count` blocks.
///   - top: the centred reward at the upper edge of the first block, in units of the scale.
///   - half: half the blocks' width in the same units.
///   - scratch: 104 doubles.
/// - Precision: of a sum of k-th powers, 2^-48·(|o| + h)^k of the samples.
/// - Complexity: O(blocks), no allocation.
public func blockPowerMoments(
  _ moments: UnsafePointer<Double>, sets: Int, count: Int, top: Double, half: Double,
  scratch: UnsafeMutablePointer<Double>, sums: UnsafeMutablePointer<Double>
) {
  var set = 0
  while set < sets {
    let source = unsafe moments + set &* blockPowers &* blockStride
    let target = unsafe sums + set &* powerRow
    var place = Lanes(1, 3, 5, 7, 9, 11, 13, 15)
    var block = 0
    while block < count {
      let o = Lanes(repeating: top) - place * Lanes(repeating: half)
      var scale = 1.0
      var power = 0
      while power <= powerCount {
        let own = unsafe load(source, power &* blockStride &+ block)
        unsafe store(own * Lanes(repeating: scale), scratch, 8 &* power)
        scale *= half
        power &+= 1
      }
      var pass = 1
      while pass <= powerCount {
        power = powerCount
        while power >= pass {
          let below = unsafe load(scratch, 8 &* power &- 8)
          unsafe store(multiplyAdd(o, below, load(scratch, 8 &* power)), scratch, 8 &* power)
          power &-= 1
        }
        pass &+= 1
      }
      power = 1
      while power <= powerCount {
        unsafe target[power] += total(load(scratch, 8 &* power))
        power &+= 1
      }
      place += Lanes(repeating: 16)
      block &+= 8
    }
    set &+= 1
  }
}

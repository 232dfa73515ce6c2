// SPDX-License-Identifier: Apache-2.0
// The samples of a simulated matrix, in any order. Cell (prompt, sample) is a function of the seed and
// its own position: Philox4x32-10 with key = seed and counter = (prompt low, prompt high, sample / 2,
// use). A block's four words are two samples of 64 bits, the even one first.

internal import Esscher

/// The random samples of one matrix.
struct SampleStream: Sendable {
  /// Fourth word of the counter: keeps the uses of one seed apart from each other, and from the
  /// bootstrap, which has 0 there.
  enum Use: UInt32, Sendable {
    case reward = 0x7369_6D31
    case goldNoise = 0x7369_6D32
  }

  let law: Law
  let seed: UInt64
  let samplesPerPrompt: Int

  /// Fills `numbers` with the rewards of the cells from `start` on, rows back to back.
  func rewards(from start: Int, into numbers: UnsafeMutableBufferPointer<Double>) {
    switch law {
    case .normal, .bivariateNormal: unsafe fill(start, .reward, NormalQuantile(), numbers)
    case .uniform: unsafe fill(start, .reward, UniformQuantile(), numbers)
    case .exponential: unsafe fill(start, .reward, ExponentialQuantile(), numbers)
    case .gumbel: unsafe fill(start, .reward, GumbelQuantile(), numbers)
    case .bernoulli(let p): unsafe fill(start, .reward, BernoulliQuantile(p: p), numbers)
    case .alphabet(let size):
      unsafe fill(start, .reward, AlphabetQuantile(size: UInt64(size)), numbers)
    }
  }

  /// As `rewards`, for the gold reward of `normal:rho`: rho times the reward, and noise of its own.
  ///
  /// - Precondition: `noise` is as long as `numbers`.
  func golds(
    correlation: Double, from start: Int, into numbers: UnsafeMutableBufferPointer<Double>,
    noise: UnsafeMutableBufferPointer<Double>
  ) {
    unsafe fill(start, .reward, NormalQuantile(), numbers)
    unsafe fill(start, .goldNoise, NormalQuantile(), noise)
    let rest = ((1 - correlation) * (1 + correlation)).squareRoot()
    for index in 0..<numbers.count {
      unsafe numbers[index] = correlation * numbers[index] + rest * noise[index]
    }
  }

  @inline(__always)
  private func fill<Q: Quantile>(
    _ start: Int, _ use: Use, _ quantile: Q, _ numbers: UnsafeMutableBufferPointer<Double>
  ) {
    let key = SIMD2(
      UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    var (prompt, column) = start.quotientAndRemainder(dividingBy: samplesPerPrompt)
    var written = 0
    while written < numbers.count {
      let end = min(samplesPerPrompt, column + numbers.count - written)
      while column < end {
        let words = Philox4x32.block(
          key: key,
          counter: SIMD4(
            UInt32(truncatingIfNeeded: prompt), UInt32(truncatingIfNeeded: prompt >> 32),
            UInt32(truncatingIfNeeded: column >> 1), use.rawValue))
        if column & 1 == 0 {
          unsafe numbers[written] = quantile.sample(UInt64(words.y) << 32 | UInt64(words.x))
          written += 1
          column += 1
        }
        if column < end {
          unsafe numbers[written] = quantile.sample(UInt64(words.w) << 32 | UInt64(words.z))
          written += 1
          column += 1
        }
      }
      prompt += 1
      column = 0
    }
  }
}

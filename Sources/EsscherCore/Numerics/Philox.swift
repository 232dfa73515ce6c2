// SPDX-License-Identifier: Apache-2.0

/// Philox4x32-10: a counter-based random number generator. A block of four words is a pure function
/// of key and counter, so streams need no state and no order.
///
/// - Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).
///   Pinned by the known answers published with it.
public enum Philox4x32 {
  /// The four random words of one counter.
  @inlinable
  @inline(__always)
  public static func block(key: SIMD2<UInt32>, counter: SIMD4<UInt32>) -> SIMD4<UInt32> {
    var key0 = key[0]
    var key1 = key[1]
    var c0 = counter[0]
    var c1 = counter[1]
    var c2 = counter[2]
    var c3 = counter[3]
    for _ in 0..<10 {
      let product0 = UInt64(c0) &* 0xD251_1F53
      let product1 = UInt64(c2) &* 0xCD9E_8D57
      let high0 = UInt32(truncatingIfNeeded: product0 &>> 32)
      let high1 = UInt32(truncatingIfNeeded: product1 &>> 32)
      (c0, c1, c2, c3) = (
        high1 ^ c1 ^ key0, UInt32(truncatingIfNeeded: product1),
        high0 ^ c3 ^ key1, UInt32(truncatingIfNeeded: product0)
      )
      key0 = key0 &+ 0x9E37_79B9
      key1 = key1 &+ 0xBB67_AE85
    }
    return SIMD4(c0, c1, c2, c3)
  }
}

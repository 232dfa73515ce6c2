// SPDX-License-Identifier: Apache-2.0
// A logarithm of additions, products and one division only, so that simulated bytes are the same on
// every machine: the system's own may differ in the last place with the processor and the version.
// The method is that of fdlibm's e_log.c (Sun Microsystems, 1993): error below 1 ulp.

enum PortableLogarithm {
  /// log x for a positive, normal x.
  @inline(__always)
  static func log(_ x: Double) -> Double {
    // x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2).
    let high = Int32(truncatingIfNeeded: x.bitPattern >> 32)
    let fraction = high & 0x000F_FFFF
    let carry = (fraction &+ 0x95F64) & 0x0010_0000
    let k = Double((high >> 20) &- 1023 &+ (carry >> 20))
    let newHigh = UInt32(bitPattern: fraction | (carry ^ 0x3FF0_0000))
    let scaled = Double(
      bitPattern: UInt64(newHigh) << 32 | (x.bitPattern & 0x0000_0000_FFFF_FFFF))
    let f = scaled - 1
    let s = f / (2 + f)
    let z = s * s
    let w = z * z
    let even = w * (0x1.999999997fa04p-2 + w * (0x1.c71c51d8e78afp-3 + w * 0x1.39a09d078c69fp-3))
    let odd =
      z
      * (0x1.5555555555593p-1
        + w * (0x1.2492494229359p-2 + w * (0x1.7466496cb03dep-3 + w * 0x1.2f112df3e5244p-3)))
    let half = 0.5 * f * f
    return k * 0x1.62e42feep-1
      - ((half - (s * (half + (even + odd)) + k * 0x1.a39ef35793c76p-33)) - f)
  }

  /// log(1 - p) for p in [2^-65, 1/2], without losing the digits of a small p.
  @inline(__always)
  static func log(oneMinus p: Double) -> Double {
    let y = 1 - p
    // What rounding took from y is given back to first order.
    return log(y) - (p - (1 - y)) / y
  }
}

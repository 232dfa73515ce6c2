// SPDX-License-Identifier: Apache-2.0
// The C library's elementary functions under Swift's names. The only file that imports it here, so
// that a look at its imports shows what the numbers rest on.

internal import Glibc

/// Elementary functions of one double, from the C library (glibc: below 1 ulp).
public enum Elementary {
  /// e^x.
  public static func exp(_ x: Double) -> Double { Glibc.exp(x) }
  /// e^x − 1 without cancellation.
  public static func expMinusOne(_ x: Double) -> Double { Glibc.expm1(x) }
  /// Natural logarithm.
  public static func log(_ x: Double) -> Double { Glibc.log(x) }
  /// Logarithm to base 2.
  public static func log2(_ x: Double) -> Double { Glibc.log2(x) }
  /// 2^x.
  public static func exp2(_ x: Double) -> Double { Glibc.exp2(x) }
  /// log(1 + x) without cancellation.
  public static func log(onePlus x: Double) -> Double { Glibc.log1p(x) }
  /// sin x.
  public static func sine(_ x: Double) -> Double { Glibc.sin(x) }
  /// cos x.
  public static func cosine(_ x: Double) -> Double { Glibc.cos(x) }
  /// arcsin x.
  public static func arcsine(_ x: Double) -> Double { Glibc.asin(x) }
  /// erfc(x), the complementary error function.
  public static func complementaryError(_ x: Double) -> Double { Glibc.erfc(x) }
  /// Logarithm to base 10.
  public static func log10(_ x: Double) -> Double { Glibc.log10(x) }
}

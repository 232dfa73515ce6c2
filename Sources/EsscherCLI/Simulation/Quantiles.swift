// SPDX-License-Identifier: Apache-2.0
// From 64 random bits to a sample, by the inverse of the distribution function. Each half of the unit
// interval is measured from its own end, so both tails keep their digits down to 2^-65.

/// Turns random bits into a sample of a law.
protocol Quantile: Sendable {
  func sample(_ bits: UInt64) -> Double
}

/// The bits as a point of (0, 1), kept as the distance from the nearer end.
struct UnitPoint {
  let isUpper: Bool
  /// In [2^-65, 1/2].
  let tail: Double

  @inline(__always)
  init(_ bits: UInt64) {
    isUpper = bits >> 63 == 1
    let steps = Int64(bitPattern: isUpper ? ~bits : bits)
    tail = (Double(steps) + 0.5) * 0x1p-64
  }

  @inline(__always)
  var position: Double { isUpper ? 1 - tail : tail }
}

struct UniformQuantile: Quantile {
  @inline(__always)
  func sample(_ bits: UInt64) -> Double { UnitPoint(bits).position }
}

struct ExponentialQuantile: Quantile {
  @inline(__always)
  func sample(_ bits: UInt64) -> Double {
    let point = UnitPoint(bits)
    return point.isUpper
      ? -PortableLogarithm.log(point.tail) : -PortableLogarithm.log(oneMinus: point.tail)
  }
}

struct GumbelQuantile: Quantile {
  @inline(__always)
  func sample(_ bits: UInt64) -> Double {
    // Minus the logarithm of an exponential: large samples come from its small values.
    -PortableLogarithm.log(ExponentialQuantile().sample(bits))
  }
}

struct BernoulliQuantile: Quantile {
  let p: Double

  @inline(__always)
  func sample(_ bits: UInt64) -> Double {
    let point = UnitPoint(bits)
    // The upper p of the interval is 1, compared at the end where the digits are.
    return (point.isUpper ? point.tail < p : 1 - point.tail < p) ? 1 : 0
  }
}

struct AlphabetQuantile: Quantile {
  let size: UInt64

  @inline(__always)
  func sample(_ bits: UInt64) -> Double {
    Double(bits.multipliedFullWidth(by: size).high + 1)
  }
}

/// Algorithm AS 241 (Wichura, Applied Statistics 37, 1988), PPND16: relative error about 1e-16.
struct NormalQuantile: Quantile {
  @inline(__always)
  func sample(_ bits: UInt64) -> Double {
    let point = UnitPoint(bits)
    let q = 0.5 - point.tail
    let size = q <= 0.425 ? Self.centre(q) : Self.tail(point.tail)
    return point.isUpper ? size : -size
  }

  @inline(__always)
  private static func centre(_ q: Double) -> Double {
    let r = 0.180625 - q * q
    var above = 2.50908_09287_30122_6727e+3 * r + 3.34305_75583_58812_8105e+4
    above = above * r + 6.72657_70927_00870_0853e+4
    above = above * r + 4.59219_53931_54987_1457e+4
    above = above * r + 1.37316_93765_50946_1125e+4
    above = above * r + 1.97159_09503_06551_4427e+3
    above = above * r + 1.33141_66789_17843_7745e+2
    above = above * r + 3.38713_28727_96366_6080e+0
    var below = 5.22649_52788_52854_5610e+3 * r + 2.87290_85735_72194_2674e+4
    below = below * r + 3.93078_95800_09271_0610e+4
    below = below * r + 2.12137_94301_58659_5867e+4
    below = below * r + 5.39419_60214_24751_1077e+3
    below = below * r + 6.87187_00749_20579_0830e+2
    below = below * r + 4.23133_30701_60091_1252e+1
    below = below * r + 1
    return q * above / below
  }

  private static func tail(_ p: Double) -> Double {
    let root = (-PortableLogarithm.log(p)).squareRoot()
    return root <= 5 ? nearTail(root - 1.6) : farTail(root - 5)
  }

  private static func nearTail(_ r: Double) -> Double {
    var above = 7.74545_01427_83414_07640e-4 * r + 2.27238_44989_26918_45833e-2
    above = above * r + 2.41780_72517_74506_11770e-1
    above = above * r + 1.27045_82524_52368_38258e+0
    above = above * r + 3.64784_83247_63204_60504e+0
    above = above * r + 5.76949_72214_60691_40550e+0
    above = above * r + 4.63033_78461_56545_29590e+0
    above = above * r + 1.42343_71107_49683_57734e+0
    var below = 1.05075_00716_44416_84324e-9 * r + 5.47593_80849_95344_94600e-4
    below = below * r + 1.51986_66563_61645_71966e-2
    below = below * r + 1.48103_97642_74800_74590e-1
    below = below * r + 6.89767_33498_51000_04550e-1
    below = below * r + 1.67638_48301_83803_84940e+0
    below = below * r + 2.05319_16266_37758_82187e+0
    below = below * r + 1
    return above / below
  }

  private static func farTail(_ r: Double) -> Double {
    var above = 2.01033_43992_92288_13265e-7 * r + 2.71155_55687_43487_57815e-5
    above = above * r + 1.24266_09473_88078_43860e-3
    above = above * r + 2.65321_89526_57612_30930e-2
    above = above * r + 2.96560_57182_85048_91230e-1
    above = above * r + 1.78482_65399_17291_33580e+0
    above = above * r + 5.46378_49111_64114_36990e+0
    above = above * r + 6.65790_46435_01103_77720e+0
    var below = 2.04426_31033_89939_78564e-15 * r + 1.42151_17583_16445_88870e-7
    below = below * r + 1.84631_83175_10054_68180e-5
    below = below * r + 7.86869_13114_56132_59100e-4
    below = below * r + 1.48753_61290_85061_48525e-2
    below = below * r + 1.36929_88092_27358_05310e-1
    below = below * r + 5.99832_20655_58879_37690e-1
    below = below * r + 1
    return above / below
  }
}

// SPDX-License-Identifier: Apache-2.0
// The Pareto fit's loops on the processor.

public import EsscherCore

extension ParetoTail.Loops {
  /// The vectorised loops of this processor's instruction-set level.
  public static let processor = loops(of: CPUKernels(level: .current))

  /// The loops of a given level.
  ///
  /// - Parameter level: instruction-set variant.
  public static func processor(level: CPULevel) -> ParetoTail.Loops {
    loops(of: CPUKernels(level: level))
  }

  private static func loops(of kernels: CPUKernels) -> ParetoTail.Loops {
    ParetoTail.Loops(
      weights: { rewards, lambda in
        unsafe rewards.withUnsafeBufferPointer { values in
          guard let source = values.baseAddress else { return [] }
          return unsafe [Double](unsafeUninitializedCapacity: values.count) { weights, count in
            guard let target = weights.baseAddress else { return }
            unsafe kernels.tailWeights(source, values.count, lambda, target)
            count = values.count
          }
        }
      },
      logMeans: { excess, theta, block in
        // Whole vectors of theta; what fills the last one is not read.
        let groups = (theta.count + 7) / 8
        let padded = theta + Array(repeating: 0, count: 8 * groups - theta.count)
        var mantissas = [Double](repeating: 1, count: 8 * groups)
        var exponents = [Double](repeating: 0, count: 8 * groups)
        unsafe excess.withUnsafeBufferPointer { values in
          unsafe padded.withUnsafeBufferPointer { thetas in
            unsafe mantissas.withUnsafeMutableBufferPointer { mantissas in
              unsafe exponents.withUnsafeMutableBufferPointer { exponents in
                guard let x = values.baseAddress, let t = thetas.baseAddress,
                  let m = mantissas.baseAddress, let e = exponents.baseAddress
                else { return }
                unsafe kernels.logProducts(x, values.count, t, groups, block, m, e)
              }
            }
          }
        }
        let count = Double(excess.count)
        return theta.indices.map { index in
          (Elementary.log(mantissas[index]) + exponents[index] * 0.6931471805599453) / count
        }
      })
  }
}

// SPDX-License-Identifier: Apache-2.0
// Every kernel on shapes small enough for Oclgrind, which Scripts/check-races runs this suite under.

import EsscherCore
import EsscherOpenCL
import EsscherTestSupport
import Testing

#if arch(x86_64)
  @Suite("Small shapes on a device")
  struct SmallShapeTests {
    @Test("every kernel against the definitions", arguments: Candidate.devices, [false, true])
    func kernels(candidate: Candidate, weighted: Bool) throws {
      let backend = try candidate.make(1, 1 << 30)
      for (index, shape) in [RowShape.normal, .integers, .constant].enumerated() {
        for (prompts, samples) in [(2, 3), (3, 70), (1, 200)] {
          let made = Case(
            shape, prompts: prompts, samples: samples, weighted: weighted, seed: UInt64(index))
          let worst = try ConformanceTests.worst(backend, made)
          #expect(
            worst.error <= ConformanceTests.tolerance, "\(shape) \(prompts) x \(samples): \(worst)")
        }
      }
      var bootstrap = PoissonBootstrap(replicateCount: 9, columnCount: 3, seed: 5)
      try backend.accumulate(
        &bootstrap, indices: [0, 2, 5], values: (0..<9).map { Double($0) })
      #expect(bootstrap.totals.contains { $0 > 0 })
    }
  }
#endif

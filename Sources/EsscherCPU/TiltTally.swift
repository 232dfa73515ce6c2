// SPDX-License-Identifier: Apache-2.0
// Counts of the methods that the workers chose. Sums of integers do not depend on who comes first.

internal import EsscherCore
internal import Synchronization

/// What the workers of one plan chose together.
final class TiltTally: Sendable {
  private let powers = Atomic(0)
  private let blocks = Atomic(0)
  private let runs = Atomic(0)
  private let samples = Atomic(0)

  /// Adds one row.
  func add(_ methods: TiltMethods) {
    powers.wrappingAdd(methods.powers, ordering: .relaxed)
    blocks.wrappingAdd(methods.blocks, ordering: .relaxed)
    runs.wrappingAdd(methods.runs, ordering: .relaxed)
    samples.wrappingAdd(methods.samples, ordering: .relaxed)
  }

  var methods: TiltMethods {
    var methods = TiltMethods()
    methods.powers = powers.load(ordering: .relaxed)
    methods.blocks = blocks.load(ordering: .relaxed)
    methods.runs = runs.load(ordering: .relaxed)
    methods.samples = samples.load(ordering: .relaxed)
    return methods
  }
}

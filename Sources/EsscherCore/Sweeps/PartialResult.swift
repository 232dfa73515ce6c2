// SPDX-License-Identifier: Apache-2.0
// What a pass over some prompts leaves, in a form that those of other prompts can be added to.

/// The result of a pass over any subset of prompts.
///
/// Merging is associative and commutative to the bit: partial results of a partition of the prompts merge to what one
/// pass over all of them leaves, whatever the partition and the order.
package protocol PartialResult: Sendable {
  /// Adds the result of other prompts, of the same pass.
  mutating func merge(_ other: Self)
  /// Writes or reads the contents. What reads has the shape of what was written: the same pass made it.
  mutating func code(_ coder: inout StateCoder) throws(EsscherError)
  /// Frees what only further prompts of the pass would need.
  mutating func releaseScratch()
}

extension PartialResult {
  package mutating func releaseScratch() {}
}

extension StateCoder {
  /// A partial result.
  package mutating func code(_ value: inout some PartialResult) throws(EsscherError) {
    try value.code(&self)
  }

  /// Partial results, as many as there are.
  package mutating func code(_ values: inout [some PartialResult]) throws(EsscherError) {
    try expect(values.count)
    for index in values.indices { try values[index].code(&self) }
  }
}

extension Array where Element: PartialResult {
  /// Adds those of other prompts, one by one.
  package mutating func merge(_ others: [Element]) {
    for (index, other) in zip(indices, others) { self[index].merge(other) }
  }
}

extension ExactSum: PartialResult {
  package mutating func merge(_ other: ExactSum) { add(other) }
}

extension TiltMethods: PartialResult {
  package mutating func merge(_ other: TiltMethods) { self += other }

  package mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.code(&powers)
    try coder.code(&blocks)
    try coder.code(&runs)
    try coder.code(&samples)
  }
}

extension SampleErrors {
  /// Writes or reads the errors.
  package mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.code(&kl)
    try coder.code(&reward)
    try coder.code(&gain)
    try coder.code(&gold)
    try coder.code(&heldGain)
    try coder.code(&heldReward)
    try coder.code(&heldGold)
    try coder.code(&klDelta)
    try coder.code(&gainDelta)
    try coder.code(&goldDelta)
  }
}

extension ReplicateSums: PartialResult {
  package mutating func code(_ coder: inout StateCoder) throws(EsscherError) {
    try coder.expect(replicateCount)
    try coder.expect(columnCount)
    for column in 0..<columnCount {
      try coder.code(&isUndefined[column])
      try coder.code(&upperPlaces[column], empty: 0) { (coder, place) throws(EsscherError) in
        try coder.code(&place)
        guard Self.places.contains(place) else { throw StateCoder.damaged }
      }
    }
    // Not folded for it: that would take room for all sums once more.
    let pending = pending
    for replicate in 0..<replicateCount {
      var total = coder.isReading ? 0 : total(replicate, pending: pending.counts)
      try coder.code(&total)
      if coder.isReading { totals[replicate] = total }
    }
    for slot in 0..<slotCount {
      var sum = coder.isReading ? 0 : digit(slot, pending: pending.digits)
      try coder.code(&sum)
      if coder.isReading { set(slot, sum) }
    }
  }
}

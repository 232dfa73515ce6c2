// SPDX-License-Identifier: Apache-2.0
// Bootstrap on the CPU: Poisson counts times statistics in blocks that stay in the caches, blocks of
// replicates in parallel. Every replicate adds its prompts in index order, so blocks and threads change
// nothing.

public import EsscherCore

extension CPUBackend {
  /// Replicates of a block: four draws of sixteen.
  private static let replicatesPerBlock = 64
  /// Statistics that are laid out in panels at once: 8 MiB.
  private static let packedCells = 1 << 20

  /// Adds prompts to a bootstrap, replicates in parallel; the result does not depend on the threads.
  public func accumulate(
    _ bootstrap: inout PoissonBootstrap, indices: [Int], values: [Double]
  ) throws(EsscherError) {
    let columns = bootstrap.columnCount
    guard columns > 0, bootstrap.replicateCount > 0 else { return }
    precondition(values.count == indices.count * columns, "one row of values a prompt")
    let step = BootstrapStep.prompts
    let slab = max(1, Self.packedCells / (columns * step)) * step
    let panelCount = (columns + 7) / 8
    for start in stride(from: 0, to: indices.count, by: slab) {
      let prompts = start..<min(start + slab, indices.count)
      // Of one size whatever the block, so that the shelf keeps it.
      let most = max(prompts.count, min(slab, ReplicateSums.promptsPerBlock))
      let cells = 8 * panelCount * most
      let memory = ScratchMemory(bytes: ScratchMemory.bytes([8 * cells]), shelf: panelShelf)
      let panels = unsafe DisjointSlots(
        UnsafeMutableBufferPointer<Double>(start: memory.take(cells), count: cells))
      ParallelTiles.forEach(count: panelCount, threads: threads) { panel in
        guard let base = unsafe panels.pointer(at: 0) else { return }
        unsafe PoissonBootstrap.write(
          panel: panel, of: values, prompts, columns: columns, to: base)
      }
      let slab = BootstrapStep(
        indices: indices[prompts].map { UInt64($0) }, panels: panels, columns: columns,
        seed: bootstrap.seed, loops: BootstrapKernels(level: level))
      add(slab, to: &bootstrap)
      withExtendedLifetime(memory) {}
    }
  }

  private func add(_ slab: BootstrapStep, to bootstrap: inout PoissonBootstrap) {
    let replicates = bootstrap.replicateCount
    let blocks = (replicates + Self.replicatesPerBlock - 1) / Self.replicatesPerBlock
    let threads = threads
    unsafe bootstrap.withMutableSums { sumBuffer, totalBuffer in
      let sums = unsafe DisjointSlots(sumBuffer)
      let totals = unsafe DisjointSlots(totalBuffer)
      _ = ParallelTiles.map(count: blocks, threads: threads) { block in
        let first = block * Self.replicatesPerBlock
        slab.add(
          first..<min(first + Self.replicatesPerBlock, replicates), sums: sums, totals: totals)
      }
    }
  }
}

/// Some prompts' statistics, ready to be added to any replicates.
private struct BootstrapStep: Sendable {
  /// Prompts of a step: the counts of a group and two panels stay in the first-level cache.
  static let prompts = 128
  /// Replicates that the loops draw at once.
  private static let draw = 16
  /// Replicates that the loops add to at once.
  private static let group = 8

  let indices: [UInt64]
  /// Of ``PoissonBootstrap/panels(_:_:columns:)``; read only from here on.
  let panels: DisjointSlots<Double>
  let columns: Int
  let seed: UInt64
  let loops: BootstrapKernels

  /// Adds the prompts to a block of replicates.
  func add(_ block: Range<Int>, sums: DisjointSlots<Double>, totals: DisjointSlots<Double>) {
    let draws = (block.count + Self.draw - 1) / Self.draw
    let stride = Self.group * Self.prompts
    let sizes = [2 * draws * stride, Self.draw * draws, columns]
    let memory = ScratchMemory(bytes: ScratchMemory.bytes(sizes.map { 8 * $0 }))
    let counts = unsafe memory.take(sizes[0], of: Double.self)
    let drawn = unsafe memory.take(sizes[1], of: Double.self)
    let spare = unsafe memory.take(sizes[2], of: Double.self)
    unsafe drawn.update(repeating: 0, count: sizes[1])
    unsafe spare.update(repeating: 0, count: columns)
    guard let sums = unsafe sums.pointer(at: block.lowerBound * columns),
      let totals = unsafe totals.pointer(at: block.lowerBound)
    else { return }
    unsafe indices.withUnsafeBufferPointer { indices in
      guard let indices = indices.baseAddress, let panels = unsafe panels.pointer(at: 0)
      else { return }
      let all = self.indices.count
      for first in Swift.stride(from: 0, to: all, by: Self.prompts) {
        let count = min(Self.prompts, all - first)
        for draw in 0..<draws {
          let replicate = UInt32(truncatingIfNeeded: block.lowerBound + draw * Self.draw)
          unsafe loops.counts(
            indices + first, count, replicate, seed, stride, counts + 2 * draw * stride,
            drawn + Self.draw * draw)
        }
        for offset in Swift.stride(from: 0, to: block.count, by: Self.group) {
          unsafe loops.sums(
            counts + offset * Self.prompts, panels + 8 * first, count, 8 * all, columns,
            block.count - offset, sums + offset * columns, spare)
        }
      }
    }
    for offset in 0..<block.count { unsafe totals[offset] += drawn[offset] }
    withExtendedLifetime(memory) {}
  }
}

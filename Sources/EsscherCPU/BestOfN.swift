// SPDX-License-Identifier: Apache-2.0
// BestOfN on the CPU: sorted rows times order-statistic weights, with tie groups.
//
// Eight rows go together, so that a weight is read once for eight products, and block by block, so that a
// row's block stays in the first-level cache for all laws. A row's sums do not depend on its company.

internal import EsscherCore

/// A sorted row that waits for its neighbours; its cells lie in the worker's read buffers.
@safe
struct SelectedRow {
  /// Where its results go.
  let slot: Int
  let summary: RowSummary
  let values: UnsafePointer<Double>
  let gold: UnsafePointer<Double>?
  /// Its groups among the ties of all waiting rows: a row that owned an array would be counted at each touch.
  let ties: Range<Int>
}

extension RowWorkspace {
  /// Notes the loaded, sorted and summarised row for ``bestOfN(_:kernels:write:)``.
  func select(slot: Int, summary: RowSummary) {
    let first = selectedTies.count
    if !ties.isEmpty { selectedTies.append(contentsOf: ties) }
    unsafe selected.append(
      SelectedRow(
        slot: slot, summary: summary, values: UnsafePointer(values),
        gold: hasGold ? UnsafePointer(gold) : nil, ties: first..<selectedTies.count))
  }

  /// Best-of-n of the noted rows under each law of a cache's grid, and forgets them.
  ///
  /// - Complexity: O(count · min(1, 62/n)) a law and row, plus the tied samples.
  func bestOfN(
    _ cache: OrderStatisticCache, kernels: CPUKernels,
    write: (_ slot: Int, _ law: Int, _ sums: BestOfNSums) -> Void
  ) {
    // Locals: each touch of a property of a class asks for exclusive access.
    let selected = selected
    let selectedTies = selectedTies
    var start = 0
    while start < selected.count {
      let count = selected[start].summary.sampleCount
      var end = start + 1
      while end < selected.count && selected[end].summary.sampleCount == count { end += 1 }
      let rows = start..<end
      cache.forEachGroup(sampleCount: count, size: SelectionKernels.laws) { first, laws in
        // Rows without ties differ in their gains only.
        let untied = laws.map { BestOfNSums(weights: $0, summary: untiedSummary(count), ties: []) }
        let selects = laws.map { $0.n > 1 }
        for row in stride(from: rows.lowerBound, to: rows.upperBound, by: SelectionKernels.rows) {
          let band = row..<min(row + SelectionKernels.rows, rows.upperBound)
          addUp(selected[band], laws, kernels)
          for row in band {
            let groups = Array(selectedTies[selected[row].ties])
            for law in untied.indices {
              var sums = untied[law]
              if !groups.isEmpty {
                sums = BestOfNSums(
                  weights: laws[laws.startIndex + law], summary: selected[row].summary, ties: groups
                )
              }
              sums.gold = selected[row].summary.goldMean
              if selects[law] {
                addGains(selected[row].summary.isConstant, row - band.lowerBound, law, &sums)
              }
              write(selected[row].slot, first + law, sums)
            }
          }
        }
      }
      start = end
    }
    self.selected.removeAll(keepingCapacity: true)
    self.selectedTies.removeAll(keepingCapacity: true)
  }

  private func untiedSummary(_ count: Int) -> RowSummary {
    var summary = RowSummary()
    summary.sampleCount = count
    return summary
  }

  /// Adds what is in the lanes of one row and law.
  private func addGains(
    _ isConstant: Bool, _ place: Int, _ law: Int, _ sums: inout BestOfNSums
  ) {
    let rows = SelectionKernels.rows
    let lanes = unsafe selectionLanes + law * SelectionKernels.lanes + 8 * place
    if !isConstant {
      sums.gain = unsafe max(0, Self.total(lanes))
      sums.replacementGain = unsafe max(0, Self.total(lanes + 8 * rows))
    }
    if hasGold { unsafe sums.gold += Self.total(lanes + 16 * rows) }
  }

  /// Sum of eight lanes in a fixed tree.
  private static func total(_ lanes: UnsafePointer<Double>) -> Double {
    unsafe ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6]))
      + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
  }

  /// Σ u d, Σ v d and Σ u g of up to eight rows under some laws, to the lanes. Where rows are fewer the first
  /// takes the others' places.
  private func addUp(
    _ band: ArraySlice<SelectedRow>, _ laws: ArraySlice<OrderStatisticWeights>,
    _ kernels: CPUKernels
  ) {
    unsafe selectionLanes.update(repeating: 0, count: laws.count * SelectionKernels.lanes)
    let kept = laws.reduce(0) { $1.n > 1 ? max($0, $1.unbiased.count) : $0 }
    let block = SelectionKernels.block
    for start in stride(from: 0, to: kept, by: block) {
      let length = min(block, kept - start)
      fill(band, start, length, kernels)
      for (index, law) in laws.enumerated() where law.n > 1 && start < law.unbiased.count {
        let part = min(length, law.unbiased.count - start)
        unsafe law.unbiased.withUnsafeBufferPointer { unbiased in
          unsafe law.replacement.withUnsafeBufferPointer { replacement in
            guard let u = unbiased.baseAddress, let v = replacement.baseAddress else { return }
            let sums = unsafe band.count == 1 ? selection.sumsOfOne : selection.sums
            unsafe sums(
              selectionBlocks, hasGold ? selectionBlocks + SelectionKernels.rows * block : nil,
              u + start, v + start, part, selectionLanes + index * SelectionKernels.lanes)
          }
        }
      }
    }
  }

  /// Brings a block of centred rewards and of gold of each row of a band together, 0 behind its end.
  private func fill(
    _ band: ArraySlice<SelectedRow>, _ start: Int, _ length: Int, _ kernels: CPUKernels
  ) {
    for place in 0..<(band.count == 1 ? 1 : SelectionKernels.rows) {
      let row = band[band.startIndex + (place < band.count ? place : 0)]
      let target = unsafe selectionBlocks + place * SelectionKernels.block
      unsafe kernels.shift(
        row.values + start, length, row.summary.centre, row.summary.correction, target)
      unsafe Self.pad(target, length)
      if let gold = unsafe row.gold {
        let room = unsafe target + SelectionKernels.rows * SelectionKernels.block
        unsafe room.update(from: gold + start, count: length)
        unsafe Self.pad(room, length)
      }
    }
  }

  private static func pad(_ target: UnsafeMutablePointer<Double>, _ length: Int) {
    let whole = (length + 7) / 8 * 8
    unsafe (target + length).update(repeating: 0, count: whole - length)
  }
}

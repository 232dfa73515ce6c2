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

/// Where the weights of a law lie while a band of rows goes by.
@safe
struct LawWeights {
  /// The law's sums are not 0.
  let selects: Bool
  let count: Int
  let unbiased: UnsafePointer<Double>?
  let replacement: UnsafePointer<Double>?
}

extension RowWorkspace {
  /// ``CPUKernels/shift``: source, count, centre, correction, destination.
  private typealias Shift = (
    UnsafePointer<Double>, Int, Double, Double, UnsafeMutablePointer<Double>
  ) -> Void

  /// Notes the loaded, sorted and summarised row for ``bestOfN(_:kernels:to:laws:)``.
  func select(slot: Int, summary: RowSummary) {
    let first = selectedTies.count
    if hasTies { selectedTies.append(contentsOf: ties) }
    unsafe selected.append(
      SelectedRow(
        slot: slot, summary: summary, values: UnsafePointer(values),
        gold: hasGold ? UnsafePointer(gold) : nil, ties: first..<selectedTies.count))
  }

  /// Best-of-n of the noted rows under each law of a cache's grid, and forgets them. A row's results go to `laws`
  /// neighbouring places, as many as the grid has laws, from its slot's on.
  ///
  /// - Complexity: O(count · min(1, 62/n)) a law and row, plus the tied samples.
  func bestOfN(
    _ cache: OrderStatisticCache, kernels: CPUKernels, to results: DisjointSlots<BestOfNSums>,
    laws lawCount: Int
  ) {
    // Locals: each touch of a property of a class asks for exclusive access.
    let selected = selected
    // Of the kernels this alone: a copy of all would count its uses of each.
    let shift = unsafe kernels.shift
    var start = 0
    while start < selected.count {
      let count = selected[start].summary.sampleCount
      var end = start + 1
      while end < selected.count && selected[end].summary.sampleCount == count { end += 1 }
      let rows = start..<end
      cache.forEachGroup(sampleCount: count, size: SelectionKernels.laws) { first, laws in
        // Rows without ties differ in their gains only.
        let untied = laws.map { BestOfNSums(weights: $0, summary: untiedSummary(count), ties: []) }
        lawWeights.removeAll(keepingCapacity: true)
        withWeights(laws) {
          let weights = lawWeights
          for row in stride(from: rows.lowerBound, to: rows.upperBound, by: SelectionKernels.rows) {
            let band = row..<min(row + SelectionKernels.rows, rows.upperBound)
            unsafe addUp(selected, band, weights, shift)
            for row in band {
              guard
                let place = unsafe results.pointer(at: selected[row].slot * lawCount + first)
              else { continue }
              unsafe write(
                selected[row], place: row - band.lowerBound, laws: laws, weights: weights,
                untied: untied, to: place)
            }
          }
        }
      }
      start = end
    }
    self.selected.removeAll(keepingCapacity: true)
    self.selectedTies.removeAll(keepingCapacity: true)
  }

  /// Writes a row's results under some laws. They come together where they will be: a record that is put together
  /// elsewhere and then copied waits for each of its parts.
  private func write(
    _ row: SelectedRow, place: Int, laws: ArraySlice<OrderStatisticWeights>,
    weights: [LawWeights], untied: [BestOfNSums], to results: UnsafeMutablePointer<BestOfNSums>
  ) {
    let isConstant = row.summary.isConstant
    let goldMean = row.summary.goldMean
    let groups = row.ties.isEmpty ? [] : Array(selectedTies[row.ties])
    for law in untied.indices {
      if groups.isEmpty {
        unsafe results[law] = untied[law]
      } else {
        unsafe results[law] = BestOfNSums(
          weights: laws[laws.startIndex + law], summary: row.summary, ties: groups)
      }
      unsafe results[law].gold = goldMean
      if weights[law].selects { unsafe addGains(isConstant, place, law, &results[law]) }
    }
  }

  /// Calls `body` once, with the addresses of the laws' weights in ``lawWeights``. Workers share the weights, and
  /// would wait for each other if each block of each band counted its uses of them.
  private func withWeights(_ laws: ArraySlice<OrderStatisticWeights>, _ body: () -> Void) {
    guard let law = laws.first else { return body() }
    unsafe law.unbiased.withUnsafeBufferPointer { unbiased in
      unsafe law.replacement.withUnsafeBufferPointer { replacement in
        unsafe lawWeights.append(
          LawWeights(
            selects: law.n > 1, count: unbiased.count, unbiased: unbiased.baseAddress,
            replacement: replacement.baseAddress))
        withWeights(laws.dropFirst(), body)
      }
    }
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
    _ rows: [SelectedRow], _ band: Range<Int>, _ laws: [LawWeights], _ shift: Shift
  ) {
    unsafe selectionLanes.update(repeating: 0, count: laws.count * SelectionKernels.lanes)
    let kept = laws.reduce(0) { $1.selects ? max($0, $1.count) : $0 }
    let block = SelectionKernels.block
    let gold = hasGold ? unsafe selectionBlocks + SelectionKernels.rows * block : nil
    let sums = unsafe band.count == 1 ? selection.sumsOfOne : selection.sums
    for start in stride(from: 0, to: kept, by: block) {
      let length = min(block, kept - start)
      unsafe fill(rows, band, start, length, shift)
      for index in laws.indices where laws[index].selects && start < laws[index].count {
        guard let u = unsafe laws[index].unbiased, let v = unsafe laws[index].replacement else {
          continue
        }
        unsafe sums(
          selectionBlocks, gold, u + start, v + start, min(length, laws[index].count - start),
          selectionLanes + index * SelectionKernels.lanes)
      }
    }
  }

  /// Brings a block of centred rewards and of gold of each row of a band together, 0 behind its end.
  private func fill(
    _ rows: [SelectedRow], _ band: Range<Int>, _ start: Int, _ length: Int, _ shift: Shift
  ) {
    for place in 0..<(band.count == 1 ? 1 : SelectionKernels.rows) {
      let row = rows[band.lowerBound + (place < band.count ? place : 0)]
      let target = unsafe selectionBlocks + place * SelectionKernels.block
      unsafe shift(
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

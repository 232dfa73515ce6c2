// SPDX-License-Identifier: Apache-2.0

/// Some neighbouring rows of a larger table, at their places in it: what a process of a sweep holds of all prompts.
///
/// Rows outside have no samples, and nothing reads them.
struct WindowSource: RewardSource {
  /// The rows that are there.
  let base: any RewardSource
  /// Their places.
  let rows: Range<Int>
  let rowCount: Int

  var name: String { base.name }
  var storage: CellStorage { base.storage }
  var preferredRowsPerRead: Int { base.preferredRowsPerRead }
  var longestSampleCount: Int { base.longestSampleCount }

  func sampleCount(row: Int) -> Int {
    rows.contains(row) ? base.sampleCount(row: row - rows.lowerBound) : 0
  }

  private func inner(_ range: Range<Int>) -> Range<Int> {
    range.lowerBound - rows.lowerBound..<range.upperBound - rows.lowerBound
  }

  func copyFloats(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Float>
  ) throws(EsscherError) {
    try unsafe base.copyFloats(rows: inner(rows), columns: columns, to: destination)
  }

  func heldFloats(rows: Range<Int>) -> UnsafePointer<Float>? {
    unsafe base.heldFloats(rows: inner(rows))
  }

  func copyDoubles(
    rows: Range<Int>, columns: Range<Int>?, to destination: UnsafeMutableBufferPointer<Double>
  ) throws(EsscherError) {
    try unsafe base.copyDoubles(rows: inner(rows), columns: columns, to: destination)
  }

  func location(row: Int, column: Int) -> EsscherError.Location {
    base.location(row: row - rows.lowerBound, column: column)
  }
}

extension RewardTable {
  /// The table as some neighbouring rows of a larger one.
  ///
  /// - Parameters:
  ///   - rows: their places, as many as the table has.
  ///   - promptCount: P of the larger table.
  /// - Complexity: O(1), of counts of correct samples O(P).
  package func window(_ rows: Range<Int>, of promptCount: Int) -> RewardTable {
    func window(_ source: any RewardSource) -> any RewardSource {
      WindowSource(base: source, rows: rows, rowCount: promptCount)
    }
    var table = self
    switch rewards {
    case .cells(let source): table.rewards = .cells(window(source))
    case .counts(let counts):
      var samples = Array(repeating: 0, count: promptCount)
      var corrects = samples
      samples.replaceSubrange(rows, with: counts.sampleCounts)
      corrects.replaceSubrange(rows, with: counts.correctCounts)
      table.rewards = .counts(
        CountsTable(name: counts.name, sampleCounts: samples, correctCounts: corrects))
    }
    table.members = members.map { RewardMember(name: $0.name, source: window($0.source)) }
    table.gold = gold.map(window)
    table.logWeights = logWeights.map(window)
    table.logProbabilities = logProbabilities.map(window)
    table.promptIDs = nil
    return table
  }
}

// SPDX-License-Identifier: Apache-2.0
// The tilt of short rows in plans for the rewards' sums alone: all lambdas from one set of Chebyshev moments, or from
// few (docs/design/014-block-tilt.md, "Short rows").

internal import CRowSort
internal import EsscherCore

extension TiltCost {
  /// Samples of the longest rows whose lambdas share Chebyshev moments where there are 32 registers of eight doubles, and
  /// elsewhere: longer ones cost less in blocks.
  static let mostChebyshevSamples = 2000
  static let mostChebyshevSamplesElsewhere = 512
  /// How many lambdas make that pay, and how many have tables of 2 MB at most.
  static let chebyshevLambdaCounts = 12...1024
  /// Eight samples and a term; eight lambdas and a term; what a set of moments costs beside them.
  static let chebyshev = 0.33
  static let chebyshevLambdas = 1.0
  static let chebyshevSet = 120.0

  /// True where rows of so many samples take their tilts from Chebyshev moments.
  static func paysChebyshev(sampleCount: Int, lambdaCount: Int, level: CPULevel) -> Bool {
    sampleCount <= (level == .v4 ? mostChebyshevSamples : mostChebyshevSamplesElsewhere)
      && chebyshevLambdaCounts.contains(lambdaCount)
  }
}

extension RowWorkspace {
  /// Evaluates every lambda for the loaded and summarised row, whose rewards differ and weigh the same.
  ///
  /// The smallest come from its power moments; the others, about the maximum, from the Chebyshev moments of the samples
  /// that count for them, or over those samples where few lambdas or samples are left.
  ///
  /// - Complexity: O(count + lambdas) and no allocation, but where no row of like range came before: making a table
  ///   costs 3 µs a lambda. Whether it pays for so few rows is not asked, so that a row's bits do not depend on others.
  func chebyshevSweep(
    _ tables: ChebyshevTables, summary: RowSummary, kernels: CPUKernels,
    to output: UnsafeMutablePointer<TiltSums>
  ) -> TiltMethods {
    let lambdaCount = tables.lambdas.count
    // Beyond, sums about the maximum lose λ·(max − mean) of KL to rounding, which is no more than the rest here.
    var small = 0
    while small < lambdaCount,
      TiltForm(lambda: tables.lambdas[small], summary: summary) == .moments
    {
      small += 1
    }
    if small > 0 { unsafe overPowers(small, summary, kernels, to: output) }
    var methods = TiltMethods()
    methods.powers = small
    if small < lambdaCount {
      unsafe kernels.shift(values, count, summary.maximum, 0, shifted)
      methods += unsafe overTop(tables, from: small, summary, kernels, to: output)
    }
    return methods
  }

  /// The first lambdas, from the row's power moments.
  private func overPowers(
    _ lambdaCount: Int, _ summary: RowSummary, _ kernels: CPUKernels,
    to output: UnsafeMutablePointer<TiltSums>
  ) {
    unsafe kernels.shift(values, count, summary.centre, summary.correction, shifted)
    unsafe small.update(repeating: 0, count: CPUKernels.powerCount + 1)
    unsafe small[0] = mass
    unsafe kernels.powerMoments(
      shifted, 1 / summary.reach, nil, nil, nil, count, CPUKernels.powerCount, runScratch, small)
    unsafe kernels.powerMeans(
      small, summary.reach, lambdas, lambdaCount, inverses, runScratch, records(output))
  }

  /// Sums about the maximum of the lambdas from `first` on, over `shifted`.
  private func overTop(
    _ tables: ChebyshevTables, from first: Int, _ summary: RowSummary, _ kernels: CPUKernels,
    to output: UnsafeMutablePointer<TiltSums>
  ) -> TiltMethods {
    var methods = TiltMethods()
    let cut = BlockGrid.cut(sampleCount: count)
    var samples = unsafe shifted
    var length = count
    var reach = summary.highest - summary.lowest
    var index = first
    while index < tables.lambdas.count {
      // Samples further below add nothing that counts.
      let wanted = cut / tables.lambdas[index]
      if wanted < reach {
        reach = wanted
        length = unsafe crow_keep_above(level, samples, length, -reach, rank)
        rankedCount = 0
        unsafe samples = rank
      }
      let table = table(tables, number: ChebyshevTable.number(width: reach))
      let end = max(table.end, index + 1)
      let part = index..<end
      if table.end > index, sharesPay(table, part, length) {
        unsafe overMoments(table, part, samples, length, summary.highest, kernels, to: output)
        methods.runs += part.count
      } else {
        unsafe overFew(part, samples, length, summary.highest, kernels, to: output)
        methods.samples += part.count
      }
      index = end
    }
    return methods
  }

  /// Tilts as the doubles that they are.
  private func records(_ tilts: UnsafeMutablePointer<TiltSums>) -> UnsafeMutablePointer<Double> {
    unsafe UnsafeMutableRawPointer(tilts).assumingMemoryBound(to: Double.self)
  }

  private func writeSums(
    _ part: Range<Int>, shift: Double, to output: UnsafeMutablePointer<TiltSums>
  ) {
    let inverse = 1 / mass
    for index in part {
      unsafe writeSums(
        record: index, shift: shift, inverse: inverse, squared: false, to: output + index)
    }
  }

  private func table(_ tables: ChebyshevTables, number: Int) -> ChebyshevTable {
    let place = number & 3
    if let known = knownTables[place], known.number == number { return known.table }
    let table = tables.table(number: number)
    knownTables[place] = (number, table)
    return table
  }

  /// Whether moments cost less than the samples at each lambda.
  private func sharesPay(_ table: ChebyshevTable, _ part: Range<Int>, _ length: Int) -> Bool {
    let terms = Double(table.terms(upTo: part.upperBound))
    let vectors = Double((length + 31) / 32 * 4)
    let fromMoments =
      TiltCost.chebyshevSet
      + terms * (vectors * TiltCost.chebyshev + TiltCost.chebyshevLambdas * Double(part.count) / 8)
    let each = TiltCost.samplesLambda + TiltCost.samples * Double((length + 7) / 8)
    return Double(part.count) * each > fromMoments
  }

  private func overMoments(
    _ table: ChebyshevTable, _ part: Range<Int>, _ samples: UnsafePointer<Double>, _ length: Int,
    _ shift: Double, _ kernels: CPUKernels, to output: UnsafeMutablePointer<TiltSums>
  ) {
    let terms = table.terms(upTo: part.upperBound)
    unsafe kernels.chebyshevMoments(samples, length, 2 / table.width, terms, runScratch, small)
    unsafe table.withCoefficients { coefficients in
      for index in part.lowerBound / 8...(part.upperBound - 1) / 8 {
        let start = max(part.lowerBound, 8 * index)
        let end = min(part.upperBound, 8 * index + 8)
        let group = table.group(index)
        unsafe kernels.chebyshevSums(
          coefficients + group.place, group.terms, small, Double(count), shift, start - 8 * index,
          end - 8 * index, runScratch, records(output + start))
      }
    }
  }

  private func overFew(
    _ part: Range<Int>, _ samples: UnsafePointer<Double>, _ length: Int, _ shift: Double,
    _ kernels: CPUKernels, to output: UnsafeMutablePointer<TiltSums>
  ) {
    clearRecords(part)
    for index in part { unsafe prefix[index] = length }
    unsafe kernels.tiltSweep(
      samples, nil, nil, nil, CPUKernels.segment, lambdas + part.lowerBound, part.count,
      prefix + part.lowerBound, 0, sums + part.lowerBound * CPUKernels.tiltStride)
    // The samples left out have e^x − 1 = −1.
    for index in part {
      unsafe sums[index * CPUKernels.tiltStride + 1] -= Double(count - length)
    }
    unsafe writeSums(part, shift: shift, to: output)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Gao's forms fitted to gold along the tilt and under best-of-n, with intervals from the replicates.

internal import EsscherCore

/// One fit as a line of the report.
struct GoldFit {
  private let curve: Curve
  private let fit: GaoFit
  private let base: Double
  private let pointCount: Int
  /// KL of the peak, where it lies below the ceiling.
  private var peak: Double?
  private var alpha: (low: Double, high: Double)?
  private var beta: (low: Double, high: Double)?
  private var peakKL: (low: Double, high: Double)?
  private var peakGold: (low: Double, high: Double)?
  private var notes: [String] = []

  /// Both forms along the tilt, and the one for best-of-n.
  ///
  /// Points are those whose weights can be believed: ESS and, for tilts, the ceiling.
  static func all(
    _ accumulator: FrontierAccumulator, baseReplicates: [Double], base: Double, confidence: Double,
    overview: MatrixOverview
  ) -> [GoldFit] {
    let grid = accumulator.grid
    let tilts = grid.lambdas.indices.filter { line in
      let means = accumulator.points[accumulator.bootstrapLines[line].entry].means
      return means.kl > 0 && means.ess >= TrustRule.smallestESS
        && means.kl <= overview.ceiling - TrustRule.ceilingMargin
    }
    let best = grid.selections.indices.compactMap { index -> Int? in
      let entry = grid.planned.count + index
      guard case .bestOf(let n) = grid.selections[index], n > 1, entry < accumulator.points.count,
        accumulator.points[entry].means.ess >= TrustRule.smallestESS
      else { return nil }
      return accumulator.bootstrapLines.firstIndex { $0.entry == entry }
    }
    let wanted: [(Curve, GaoFit.Form, [Int])] = [
      (.tilt, .bestOf, tilts), (.tilt, .trained, tilts), (.bestOfN, .bestOf, best),
    ]
    return wanted.compactMap { curve, form, lines in
      GoldFit(
        curve, form, lines, accumulator, baseReplicates: baseReplicates, base: base,
        confidence: confidence, ceiling: overview.ceiling)
    }
  }

  private init?(
    _ curve: Curve, _ form: GaoFit.Form, _ lines: [Int], _ accumulator: FrontierAccumulator,
    baseReplicates: [Double], base: Double, confidence: Double, ceiling: Double
  ) {
    let means = lines.map { accumulator.points[accumulator.bootstrapLines[$0].entry].means }
    guard let fit = GaoFit(form, kls: means.map(\.kl), gains: means.map { $0.gold - base }) else {
      return nil
    }
    self.curve = curve
    self.fit = fit
    self.base = base
    pointCount = lines.count
    let kls = lines.map { accumulator.replicates(line: $0, .kl) }
    let golds = lines.map { accumulator.replicates(line: $0, .gold) }
    if accumulator.promptCount == 1 { notes.append("no intervals from one prompt") }
    let fits = (accumulator.promptCount > 1 ? baseReplicates : []).indices.compactMap {
      replicate -> (fit: GaoFit, base: Double)? in
      guard kls.allSatisfy({ $0.count == baseReplicates.count }) else { return nil }
      let base = baseReplicates[replicate]
      return GaoFit(
        form, kls: kls.map { $0[replicate] }, gains: golds.map { $0[replicate] - base }
      ).map { ($0, base) }
    }
    alpha = Percentiles.interval(fits.map(\.fit.alpha), confidence: confidence)
    beta = Percentiles.interval(fits.map(\.fit.beta), confidence: confidence)
    peak = fit.peakKL(below: ceiling)
    // A replicate without a peak has it at infinity; where those are too many the interval is open.
    let peaks = fits.compactMap { item in
      item.fit.peakKL(below: ceiling).map { (kl: $0, item: item) }
    }
    let open = Double(fits.count - peaks.count) > (1 - confidence) / 2 * Double(fits.count)
    if fit.peakKL == nil {
      notes.append("no peak: the fitted curve rises without end")
    } else if peak == nil {
      notes.append("no peak: the fitted curve rises beyond the KL ceiling of these samples")
    } else if let peak, let end = means.map(\.kl).max(), peak > end {
      notes.append("its peak lies beyond the points, whose KL ends at \(NoteNumber.short(end))")
    }
    if open && !fits.isEmpty, peak != nil {
      notes.append(
        "\(fits.count - peaks.count) replicates have no peak below the ceiling, so that it has no interval"
      )
    } else if peak != nil {
      peakKL = Percentiles.interval(peaks.map(\.kl), confidence: confidence)
      peakGold = Percentiles.interval(
        peaks.map { $0.item.base + $0.item.fit.gain(atKL: $0.kl) }, confidence: confidence)
    }
  }

  /// The report's line.
  func point(_ assembler: PointAssembler) -> FrontierPoint {
    var point = assembler.blank(.gaoFit)
    point.klCeiling = nil
    point.annotate(
      "gold gain = \(fit.form.rawValue) of d = sqrt(KL), \(pointCount) points of \(curve.rawValue)")
    point.extras[.fitAlpha] = fit.alpha
    point.extras[.fitAlphaLow] = alpha?.low
    point.extras[.fitAlphaHigh] = alpha?.high
    point.extras[.fitBeta] = fit.beta
    point.extras[.fitBetaLow] = beta?.low
    point.extras[.fitBetaHigh] = beta?.high
    if let kl = peak {
      point.kl = kl
      point.gold = base + fit.gain(atKL: kl)
      (point.klLow, point.klHigh) = (peakKL?.low, peakKL?.high)
      (point.goldLow, point.goldHigh) = (peakGold?.low, peakGold?.high)
    }
    for note in notes { point.annotate(note) }
    return point
  }
}

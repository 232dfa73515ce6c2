// SPDX-License-Identifier: Apache-2.0
// The report as a gnuplot script with its data inside: the frontier with its band, best-of-n and its
// relatives, gold, policies.

public import EsscherCore
internal import EsscherReport

/// What a picture is drawn as.
public enum PlotFormat: String, Sendable, CaseIterable {
  case svg
  case png
  case pdf
  /// The script itself.
  case gp
  /// Characters on a terminal.
  case text

  /// The format that a file's ending stands for, `text` for `-`; nil where it stands for none.
  public init?(endingOf path: String) {
    if path == "-" {
      self = .text
      return
    }
    guard let ending = path.split(separator: "/").last?.split(separator: ".").dropFirst().last,
      let format = PlotFormat(rawValue: ending.lowercased()), format != .text
    else { return nil }
    self = format
  }

  var terminal: String {
    switch self {
    case .svg, .gp: "svg size 960,640 dynamic enhanced font 'sans,15' background rgb 'white'"
    case .png: "pngcairo size 1440,960 enhanced font 'sans,20'"
    case .pdf: "pdfcairo size 16cm,10.7cm enhanced font 'sans,11'"
    case .text: "dumb size 100,32 noenhanced"
    }
  }
}

/// Scale of the KL axis.
public enum PlotAxis: String, Sendable, CaseIterable {
  /// KL itself.
  case linear
  /// Its square root, along which frontiers begin as straight lines.
  case sqrt
}

/// Draws a report through gnuplot.
public enum PlotScript {
  /// Colours that differ for every kind of colour vision and in grey (Okabe and Ito).
  private static let (blue, orange, green) = ("#0072B2", "#D55E00", "#009E73")

  /// The whole script.
  ///
  /// - Parameters:
  ///   - report: what is drawn.
  ///   - format: the terminal.
  ///   - axis: scale of the KL axis.
  ///   - output: where gnuplot writes; nil for standard output.
  public static func text(
    of report: Report, format: PlotFormat, axis: PlotAxis = .linear, output: String?
  ) -> String {
    let drawn = report.points.filter { $0.kl != nil && $0.reward != nil }
    // The first reward is drawn in full; the members of an ensemble are thin lines beside it.
    let label = drawn.first { $0.curve != .policy }?.label
    let main = drawn.filter { $0.label == label }
    let members = MemberLines(drawn.filter { $0.curve == .tilt && $0.label != label })
    var picture = Picture(isText: format == .text)
    addFrontier(main.filter { $0.curve == .tilt }, to: &picture)
    picture.add(members)
    addPoints(main, to: &picture)
    addPolicies(drawn.filter { $0.curve == .policy }, to: &picture)
    let hasGold = addGold(report.points.filter { $0.label == label }, to: &picture)
    var script = "# esscher \(report.provenance.version)\nset terminal \(format.terminal)\n"
    if let output { script += "set output \(quoted(output))\n" }
    script += picture.blocks
    script += """
      set key below
      set grid lc rgb '#dddddd'
      set border 3
      set tics nomirror
      set xlabel 'KL(policy || base), nats' offset 0,0.4
      set ylabel 'mean reward'
      set xrange [0:*]

      """
    if axis == .sqrt {
      script += "set nonlinear x via sqrt(x) inverse x*x\n"
      script += "set xtics (0, 0.1, 0.25, 0.5, 1, 2, 3, 4, 6, 8, 10, 12)\n"
      script += "set xlabel 'KL(policy || base), nats, square-root axis' offset 0,0.4\n"
    }
    if hasGold { script += "set y2tics\nset y2label 'mean gold reward'\nset border 11\n" }
    return script + picture.plot
  }

  private static func addFrontier(_ tilt: [FrontierPoint], to picture: inout Picture) {
    picture.addBand("band", tilt, \.rewardLow, \.rewardHigh, colour: blue)
    picture.addRuns(
      "trusted", tilt, \.reward, isDrawn: { $0.trusted == true && $1.trusted == true },
      "with lines lw 2.5 lc rgb '\(blue)' title 'frontier'")
    // Whatever joins or leaves a trusted stretch is dashed, so that the line does not break.
    picture.addRuns(
      "untrusted", tilt, \.reward, isDrawn: { $0.trusted != true || $1.trusted != true },
      "with lines lw 2 dt 2 lc rgb '\(blue)' title 'frontier, not trusted'")
  }

  private static func addPoints(_ main: [FrontierPoint], to picture: inout Picture) {
    func points(_ curve: Curve) -> [FrontierPoint] { main.filter { $0.curve == curve } }
    picture.add(
      "best", points(.bestOfN), \.reward,
      "with points pt 7 ps 1.1 lc rgb '\(orange)' title 'best of n'")
    picture.addLabels(
      "ns", points(.bestOfN), \.reward, { $0.n.map(String.init) ?? "" },
      "left offset 0.6,-0.7 font ',11' tc rgb '\(orange)'")
    let others: [(Curve, String)] = [
      (.bestOfPoisson, "with points pt 4 ps 0.9 lc rgb '\(orange)' title 'best of Poisson'"),
      (.softBestOfN, "with points pt 6 ps 0.7 lc rgb '#E69F00' title 'soft best of n'"),
      (.rewindAndRepeat, "with points pt 10 ps 0.9 lc rgb '\(orange)' title 'rewind and repeat'"),
      (.equalKL, "with points pt 8 ps 1.1 lc rgb '\(blue)' title 'equal KL per prompt'"),
      (.budget, "with points pt 12 ps 1.4 lc rgb '\(blue)' title 'budgets'"),
    ]
    for (curve, style) in others {
      picture.add(curve.rawValue, points(curve), \.reward, style)
    }
  }

  private static func addPolicies(_ policies: [FrontierPoint], to picture: inout Picture) {
    picture.add(
      "policies", policies, \.reward, "with points pt 13 ps 1.6 lc rgb 'black' title 'policies'")
    picture.addLabels(
      "names", policies, \.reward, \.label, "left offset 0.9,0.1 tc rgb 'black' noenhanced")
  }

  /// Gold on the right axis; false where there is none.
  private static func addGold(_ points: [FrontierPoint], to picture: inout Picture) -> Bool {
    let tilt = points.filter { $0.curve == .tilt && $0.gold != nil }
    let best = points.filter { $0.curve == .bestOfN && $0.gold != nil }
    guard !tilt.isEmpty || !best.isEmpty else { return false }
    picture.addBand("goldband", tilt, \.goldLow, \.goldHigh, colour: green, axes: "axes x1y2 ")
    picture.add(
      "gold", tilt, \.gold, axes: "axes x1y2 ",
      "with lines lw 2 dt 4 lc rgb '\(green)' title 'gold along the frontier'")
    picture.add(
      "bestgold", best, \.gold, axes: "axes x1y2 ",
      "with points pt 9 ps 1.1 lc rgb '\(green)' title 'gold of best of n'")
    let peaks = points.filter { $0.curve == .goldPeak && $0.kl != nil && $0.gold != nil }
    picture.add(
      "peaks", peaks, \.gold, axes: "axes x1y2 ",
      "with points pt 3 ps 2 lw 2 lc rgb '\(green)' title 'gold peaks'")
    picture.addLabels(
      "peaknames", peaks, \.gold,
      { point in
        let kl = NumberText.short(point.kl, digits: 3)
        return point.n.map { "n = \($0)" } ?? "peak, KL \(kl)"
      }, axes: "axes x1y2 ", "center offset 0,1 font ',12' tc rgb '\(green)'")
    return true
  }

  static func quoted(_ path: String) -> String {
    var text = "'"
    for character in path { text += character == "'" ? "''" : String(character) }
    return text + "'"
  }
}

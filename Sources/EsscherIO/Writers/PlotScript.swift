// SPDX-License-Identifier: Apache-2.0
// The report as a gnuplot script with its data inside: the frontier with its band, best-of-n, gold.

public import EsscherCore

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

  fileprivate var terminal: String {
    switch self {
    case .svg, .gp: "svg size 960,640 dynamic enhanced font 'sans,15' background rgb 'white'"
    case .png: "pngcairo size 1440,960 enhanced font 'sans,20'"
    case .pdf: "pdfcairo size 16cm,10.7cm enhanced font 'sans,11'"
    case .text: "dumb size 100,32 noenhanced"
    }
  }
}

/// Draws a report through gnuplot.
public enum PlotScript {
  /// Colours that differ for every kind of colour vision and in grey (Okabe and Ito).
  private static let (blue, orange, green) = ("#0072B2", "#D55E00", "#009E73")

  /// The whole script.
  ///
  /// - Parameter output: where gnuplot writes; nil for standard output.
  public static func text(of report: Report, format: PlotFormat, output: String?) -> String {
    let drawn = report.points.filter { $0.kl != nil && $0.reward != nil }
    // The first reward is drawn in full; the members of an ensemble are thin lines beside it.
    let label = drawn.first { $0.curve != .policy }?.label
    let main = drawn.filter { $0.label == label }
    let members = MemberLines(drawn.filter { $0.curve == .tilt && $0.label != label })
    let tilt = main.filter { $0.curve == .tilt }
    let best = main.filter { $0.curve == .bestOfN }
    let relatives = [Curve.bestOfPoisson, .rewindAndRepeat].map { curve in
      main.filter { $0.curve == curve }
    }
    let budgets = main.filter { $0.curve == .budget }
    let hasGold = (tilt + best).contains { $0.gold != nil }
    var script = "# esscher \(report.provenance.version)\nset terminal \(format.terminal)\n"
    if let output { script += "set output \(quoted(output))\n" }
    script += block("trusted", tilt.filter { $0.trusted == true }, \.reward)
    // The dashed part begins at the last trusted point, so that the line does not break.
    let end = tilt.lastIndex { $0.trusted == true } ?? 0
    script += block("untrusted", tilt.isEmpty ? [] : Array(tilt[end...]), \.reward)
    script += block("band", tilt.filter { $0.rewardLow != nil }, \.rewardLow, \.rewardHigh)
    script += labelled("best", best)
    script += block("budgets", budgets, \.reward)
    script += block("poisson", relatives[0], \.reward)
    script += block("rewind", relatives[1], \.reward)
    script += block("gold", tilt, \.gold)
    script += block("bestgold", best, \.gold)
    script += members.blocks
    script += """
      set key bottom right
      set grid lc rgb '#dddddd'
      set border 3
      set tics nomirror
      set xlabel 'KL(policy || base), nats'
      set ylabel 'mean reward'
      set xrange [0:*]

      """
    if hasGold { script += "set y2tics\nset y2label 'mean gold reward'\nset border 11\n" }
    var curves: [String] = []
    if tilt.contains(where: { $0.rewardLow != nil }) && format != .text {
      curves.append(
        "$band using 1:2:3 with filledcurves lc rgb '\(blue)' fs transparent solid 0.2 noborder notitle"
      )
    }
    if !tilt.isEmpty {
      curves.append("$trusted using 1:2 with lines lw 2.5 lc rgb '\(blue)' title 'frontier'")
    }
    if tilt.contains(where: { $0.trusted == false }) {
      curves.append(
        "$untrusted using 1:2 with lines lw 2 dt 2 lc rgb '\(blue)' title 'frontier, not trusted'")
    }
    curves += members.curves
    if !best.isEmpty {
      curves.append(
        "$best using 1:2 with points pt 7 ps 0.9 lc rgb '\(orange)' title 'best of n'")
      if format != .text {
        curves.append(
          "$best using 1:2:3 with labels offset 0.6,-0.7 left font ',11' tc rgb '\(orange)' notitle"
        )
      }
    }
    if !relatives[0].isEmpty {
      curves.append(
        "$poisson using 1:2 with points pt 4 ps 0.9 lc rgb '\(orange)' title 'best of Poisson'")
    }
    if !relatives[1].isEmpty {
      curves.append(
        "$rewind using 1:2 with points pt 10 ps 0.9 lc rgb '\(orange)' title 'rewind and repeat'")
    }
    if !budgets.isEmpty {
      curves.append("$budgets using 1:2 with points pt 12 ps 1.4 lc rgb '\(blue)' title 'budgets'")
    }
    if hasGold && !tilt.isEmpty {
      curves.append(
        "$gold using 1:2 axes x1y2 with lines lw 2 dt 4 lc rgb '\(green)' title 'gold along the frontier'"
      )
    }
    if hasGold && !best.isEmpty {
      curves.append(
        "$bestgold using 1:2 axes x1y2 with points pt 9 ps 0.9 lc rgb '\(green)' title 'gold of best of n'"
      )
    }
    return script + "plot \\\n  " + curves.joined(separator: ", \\\n  ") + "\n"
  }

  private static func block(
    _ name: String, _ points: [FrontierPoint], _ columns: KeyPath<FrontierPoint, Double?>...
  ) -> String {
    var text = "$\(name) << EOD\n"
    for point in points {
      let values = columns.map { point[keyPath: $0] }
      guard let kl = point.kl, !values.contains(where: { $0 == nil }) else { continue }
      text += ([kl] + values.compactMap(\.self)).map(\.description).joined(separator: " ") + "\n"
    }
    // gnuplot refuses a block without data.
    return text + (text.hasSuffix("EOD\n") ? "NaN NaN NaN\n" : "") + "EOD\n"
  }

  private static func labelled(_ name: String, _ points: [FrontierPoint]) -> String {
    var text = "$\(name) << EOD\n"
    for point in points {
      guard let kl = point.kl, let reward = point.reward, let n = point.n else { continue }
      text += "\(kl) \(reward) \(n)\n"
    }
    return text + (points.isEmpty ? "NaN NaN 0\n" : "") + "EOD\n"
  }

  static func quoted(_ path: String) -> String {
    var text = "'"
    for character in path { text += character == "'" ? "''" : String(character) }
    return text + "'"
  }
}

// SPDX-License-Identifier: Apache-2.0
// The layers of a picture: data blocks of a gnuplot script and what is plotted of each.

internal import EsscherCore

/// Layers, from the back to the front. One without data is left out.
struct Picture {
  /// The terminal shows characters: neither areas nor labels.
  let isText: Bool
  private(set) var blocks = ""
  private var curves: [String] = []

  init(isText: Bool) { self.isText = isText }

  /// A column against KL.
  mutating func add(
    _ name: String, _ points: [FrontierPoint], _ column: KeyPath<FrontierPoint, Double?>,
    axes: String = "", _ style: String
  ) {
    addBlock(name, points.map { [$0.kl, $0[keyPath: column]] }, "using 1:2 \(axes)\(style)")
  }

  /// The pieces of a line between neighbours, each where `isDrawn` says so.
  mutating func addRuns(
    _ name: String, _ points: [FrontierPoint], _ column: KeyPath<FrontierPoint, Double?>,
    isDrawn: (FrontierPoint, FrontierPoint) -> Bool, _ style: String
  ) {
    var text = ""
    var isOpen = false
    for (one, next) in zip(points, points.dropFirst()) {
      guard isDrawn(one, next), let x = one.kl, let y = one[keyPath: column], let u = next.kl,
        let v = next[keyPath: column]
      else {
        // A blank line lifts the pen.
        if isOpen { text += "\n" }
        isOpen = false
        continue
      }
      if !isOpen { text += "\(x) \(y)\n" }
      text += "\(u) \(v)\n"
      isOpen = true
    }
    guard !text.isEmpty else { return }
    blocks += "$\(name) << EOD\n\(text)EOD\n"
    curves.append("$\(name) using 1:2 \(style)")
  }

  /// The area between two columns.
  mutating func addBand(
    _ name: String, _ points: [FrontierPoint], _ low: KeyPath<FrontierPoint, Double?>,
    _ high: KeyPath<FrontierPoint, Double?>, colour: String, axes: String = ""
  ) {
    guard !isText else { return }
    addBlock(
      name, points.map { [$0.kl, $0[keyPath: low], $0[keyPath: high]] },
      "using 1:2:3 \(axes)with filledcurves lc rgb '\(colour)' fs transparent solid 0.2 noborder notitle"
    )
  }

  /// A word beside each point.
  mutating func addLabels(
    _ name: String, _ points: [FrontierPoint], _ column: KeyPath<FrontierPoint, Double?>,
    _ word: (FrontierPoint) -> String, axes: String = "", _ style: String
  ) {
    guard !isText else { return }
    var text = ""
    for point in points {
      guard let kl = point.kl, let value = point[keyPath: column] else { continue }
      // A quote would end the word, a backslash is an escape inside it.
      let safe = word(point).filter { $0 != "\"" && $0 != "\\" && !$0.isNewline }
      text += "\(kl) \(value) \"\(safe)\"\n"
    }
    guard !text.isEmpty else { return }
    blocks += "$\(name) << EOD\n\(text)EOD\n"
    curves.append("$\(name) using 1:2:3 \(axes)with labels \(style) notitle")
  }

  /// The members of an ensemble.
  mutating func add(_ members: MemberLines) {
    blocks += members.blocks
    curves += members.curves
  }

  private mutating func addBlock(_ name: String, _ rows: [[Double?]], _ curve: String) {
    var text = ""
    for row in rows where !row.contains(where: { $0 == nil }) {
      text += row.compactMap(\.self).map(\.description).joined(separator: " ") + "\n"
    }
    guard !text.isEmpty else { return }
    blocks += "$\(name) << EOD\n\(text)EOD\n"
    curves.append("$\(name) \(curve)")
  }

  /// The command that draws every layer.
  var plot: String {
    // gnuplot refuses a plot of nothing.
    let layers = curves.isEmpty ? ["NaN notitle"] : curves
    let range = curves.isEmpty ? "set yrange [0:1]\n" : ""
    return range + "plot \\\n  " + layers.joined(separator: ", \\\n  ") + "\n"
  }
}

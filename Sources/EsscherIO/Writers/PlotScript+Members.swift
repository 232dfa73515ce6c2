// SPDX-License-Identifier: Apache-2.0
// The members of an ensemble in a picture: a thin line each, told apart by colour, dashed where it is not
// trusted as every frontier is.

internal import EsscherCore

/// Frontier lines of an ensemble's members.
struct MemberLines {
  private var members: [(label: String, points: [FrontierPoint])] = []
  /// Colours that the picture has not used: of Okabe and Ito, then of Tol, and grey.
  private static let colours = [
    "#CC79A7", "#56B4E9", "#E69F00", "#777777", "#882255", "#44AA99", "#F0E442", "#332288",
  ]

  /// - Parameter points: tilt lines with KL and reward, each member's in a run.
  init(_ points: [FrontierPoint]) {
    for point in points {
      if members.last?.label != point.label { members.append((point.label, [])) }
      members[members.count - 1].points.append(point)
    }
  }

  /// The data: two blocks a member, what is trusted and the rest from the last trusted point on.
  var blocks: String {
    var text = ""
    for (index, member) in members.enumerated() {
      let end = member.points.lastIndex { $0.trusted == true }
      text += Self.block("member\(index)", member.points.filter { $0.trusted == true })
      text += Self.block("rest\(index)", member.points[(end ?? 0)...])
    }
    return text
  }

  private static func block(_ name: String, _ points: some Sequence<FrontierPoint>) -> String {
    var text = ""
    for case (let kl?, let reward?) in points.map({ ($0.kl, $0.reward) }) {
      text += "\(kl) \(reward)\n"
    }
    // gnuplot refuses a block without data.
    return "$\(name) << EOD\n" + (text.isEmpty ? "NaN NaN\n" : text) + "EOD\n"
  }

  /// What is plotted of them.
  var curves: [String] {
    members.enumerated().flatMap { index, member in
      let style = "lw 1 lc rgb '\(Self.colours[index % Self.colours.count])'"
      return [
        // noenhanced: an underscore in a name is no subscript.
        "$member\(index) using 1:2 with lines \(style) title \(PlotScript.quoted(member.label)) "
          + "noenhanced",
        "$rest\(index) using 1:2 with lines dt 2 \(style) notitle",
      ]
    }
  }
}

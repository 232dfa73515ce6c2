// SPDX-License-Identifier: Apache-2.0
// The exact answers of a law as CSV, columns named as in the frontier report.

internal import Esscher
internal import EsscherIO

enum ExactTable {
  static let header =
    "curve,beta,lambda,n,kl,reverse_kl,jeffreys,reward,gain,gold,variance,log_partition,note"

  static func text(of law: Law, lambdas: [Double], ns: [Int]) -> String {
    var text = header + "\n"
    for lambda in lambdas { text += tiltLine(law, lambda) }
    for n in ns { text += bestOfNLine(law, n) }
    return text
  }

  private static func tiltLine(_ law: Law, _ lambda: Double) -> String {
    let tilt = law.tilt(lambda)
    return line(
      curve: .tilt,
      [
        lambda > 0 ? 1 / lambda : nil, lambda, nil, tilt?.kl, tilt?.reverseKL, tilt?.jeffreys,
        tilt.map { law.mean + $0.gain }, tilt?.gain, tilt == nil ? nil : law.goldGain(lambda),
        tilt?.variance, tilt?.logPartition,
      ], n: nil,
      note: tilt == nil ? "no tilt exists at lambda of 1 and more: the partition is infinite" : "")
  }

  private static func bestOfNLine(_ law: Law, _ n: Int) -> String {
    let best = law.bestOfN(n)
    return line(
      curve: .bestOfN,
      [
        nil, nil, nil, best.kl, best.reverseKL, best.kl + best.reverseKL, best.reward,
        best.reward - law.mean, best.gold, nil, nil,
      ], n: n, note: "")
  }

  /// - Parameter numbers: the cells between `curve` and `note`; the third, n, is a whole number.
  private static func line(
    curve: Curve, _ numbers: [Double?], n: Int?, note: String
  ) -> String {
    var cells = [curve.rawValue] + numbers.map { CSVText.cell($0) } + [note]
    if let n { cells[3] = String(n) }
    return cells.joined(separator: ",") + "\n"
  }
}

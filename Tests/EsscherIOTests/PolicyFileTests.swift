// SPDX-License-Identifier: Apache-2.0
// The table of policies: what is read, and every way it is refused.

import EsscherCore
import EsscherIO
import EsscherTestSupport
import Testing

@Suite("Policy tables")
struct PolicyFileTests {
  @Test("columns in any order, quotes, gold or none, other columns")
  func reads() throws {
    let file = ScratchFile(
      "step,reward,name,kl,gold\n1,0.5,\"ppo, late\",2,\n2,1e-1,grpo,0,-0.25\n", ending: ".csv")
    let read = try PolicyFile.read(file.path, computeDigest: true)
    #expect(
      read.policies == [
        PolicyPoint(name: "ppo, late", kl: 2, reward: 0.5),
        PolicyPoint(name: "grpo", kl: 0, reward: 0.1, gold: -0.25),
      ])
    #expect(read.record.role == "policies" && read.record.shape == [2])
    #expect(read.record.sha256?.count == 64)
    let tabs = ScratchFile("name\tkl\treward\na\t1\t2\n", ending: ".tsv")
    #expect(try PolicyFile.read(tabs.path, computeDigest: false).policies.count == 1)
  }

  @Test(
    "refusals say where and what to do",
    arguments: [
      ("name,kl\na,1\n", "no column 'reward'"),
      ("name,kl,kl,reward\na,1,1,2\n", "2 columns 'kl'"),
      ("name,kl,reward\n", "no policy"),
      ("name,kl,reward\na,-0.1,2\n", "is negative"),
      ("name,kl,reward\na,x,2\n", "'x' in column 'kl'"),
      ("name,kl,reward\na,inf,2\n", "not a finite number"),
      ("name,kl,reward\na,,2\n", "needs a kl and a reward"),
      ("name,kl,reward\n,1,2\n", "has no name"),
      ("name,kl,reward\na,1,2\na,2,2\n", "is there twice"),
      ("name,kl,reward\na,1\n", "2 fields"),
      ("\n", "holds no lines"),
    ])
  func refuses(text: String, part: String) {
    let file = ScratchFile(text, ending: ".csv")
    #expect {
      _ = try PolicyFile.read(file.path, computeDigest: false)
    } throws: { error in
      (error as? EsscherError).map { $0.code == .badInput && $0.message.contains(part) } ?? false
    }
  }

  @Test("a picture has each layer once, axes and words that cannot break out of the script")
  func picture() {
    var points: [FrontierPoint] = []
    for (curve, kl) in [
      (Curve.tilt, 0.05), (.tilt, 0.1), (.tilt, 0.4), (.bestOfN, 0.3), (.goldPeak, 0.2),
    ] {
      var point = FrontierPoint(curve: curve, label: "r", promptCount: 3)
      (point.kl, point.reward, point.gold, point.trusted) = (kl, 1, 2, kl < 0.3)
      if curve == .bestOfN { point.n = 2 }
      points.append(point)
    }
    var policy = FrontierPoint(curve: .policy, label: "a\"\nEOD\nsystem \\", promptCount: 3)
    (policy.kl, policy.reward) = (0.2, 1)
    points.append(policy)
    let provenance = Provenance(
      version: "0", commandLine: [], inputs: [], promptCount: 3, sampleCountMinimum: 1,
      sampleCountMaximum: 1, droppedSamples: 0, droppedPrompts: 0, device: "", driver: nil,
      fallbacks: [], precision: .double, threads: 1, memoryBudgetBytes: 1, seed: 0, resamples: 0,
      confidence: 0.95, stages: [])
    let report = Report(points: points, provenance: provenance, warnings: [])
    let script = PlotScript.text(of: report, format: .svg, axis: .sqrt, output: "it's.svg")
    #expect(script.contains("set nonlinear x via sqrt(x) inverse x*x"))
    #expect(script.contains("set output 'it''s.svg'"))
    #expect(script.contains("0.2 1.0 \"aEODsystem \"\n"))
    for layer in ["$trusted <<", "$untrusted <<", "$best <<", "$policies <<", "$peaks <<"] {
      #expect(script.components(layer) == 1, "\(layer)")
    }
    let nothing = PlotScript.text(
      of: Report(points: [], provenance: provenance, warnings: []), format: .text, output: nil)
    #expect(nothing.hasSuffix("plot \\\n  NaN notitle\n"))
  }
}

extension String {
  /// How often a part occurs, none overlapping.
  fileprivate func components(_ part: String) -> Int {
    var count = 0
    var rest = self[...]
    while let found = rest.firstRange(of: part) {
      count += 1
      rest = rest[found.upperBound...]
    }
    return count
  }
}

// SPDX-License-Identifier: Apache-2.0
// Times the engine's jobs on one reward file and prints a JSON object a job.
//
//   esscher-benchmarks FILE.npy [REPEATS] [THREADS]

import Esscher
import EsscherCPU
import EsscherIO

/// One job: what it does and the number that shows it was done.
struct Job {
  let name: String
  let run: (RewardTable) throws -> [Double]
}

let lambdas = (0..<64).map { index in
  Elementary.exp(
    Elementary.log(0.01) + Elementary.log(5000) * Double(index) / 63)
}
let ns = (0...10).map { 1 << $0 }
let arguments = CommandLine.arguments
guard arguments.count > 1 else {
  print("usage: esscher-benchmarks FILE.npy [REPEATS] [THREADS]")
  throw EsscherError(.usage, "no file was named")
}
let repeats = arguments.count > 2 ? Int(arguments[2]) ?? 5 : 5
let threads = arguments.count > 3 ? Int(arguments[3]) : nil

/// Evaluates a plan over the whole table, tile by tile.
func evaluate(
  _ plan: StatisticsPlan, _ table: RewardTable, take: (StatisticsTable) -> Void
) throws {
  guard case .cells(let source) = table.rewards else { return }
  let backend = CPUBackend(threads: threads)
  let step = try backend.rowsPerTile(for: table, plan: plan)
  for start in stride(from: 0, to: source.rowCount, by: step) {
    take(
      try backend.reduce(table, rows: start..<min(start + step, source.rowCount), plan: plan))
  }
}

let jobs = [
  Job(name: "tilt") { table in
    var means = [Double](repeating: 0, count: lambdas.count)
    var rows = 0
    let plan = StatisticsPlan(lambdas: lambdas, missing: .error)
    try evaluate(plan, table) { part in
      for (row, summary) in part.summaries.enumerated() {
        rows += 1
        for (index, lambda) in lambdas.enumerated() {
          let sums = part.tilts[row * lambdas.count + index]
          means[index] += TiltEstimate(lambda: lambda, sums: sums, summary: summary).kl
        }
      }
    }
    return means.map { $0 / Double(rows) }
  },
  Job(name: "best_of_n") { table in
    var means = [Double](repeating: 0, count: ns.count)
    var rows = 0
    let plan = StatisticsPlan(bestOf: ns, sorted: true, missing: .error)
    try evaluate(plan, table) { part in
      for (row, summary) in part.summaries.enumerated() {
        rows += 1
        for index in ns.indices {
          means[index] += summary.mean + part.bestOf[row * ns.count + index].gain
        }
      }
    }
    return means.map { $0 / Double(rows) }
  },
  Job(name: "frontier") { table in
    let report = try Engine().frontier(
      table, FrontierRequest(lambdas: lambdas, bestOf: ns, threads: threads))
    return report.points.compactMap(\.reward)
  },
]

for job in jobs {
  var seconds: [Double] = []
  var values: [Double] = []
  // One more than counted: the first warms caches and page tables.
  for turn in 0...repeats {
    let table = try RewardLoader.load(LoadRequest(rewards: [arguments[1]]))
    let clock = ContinuousClock()
    let start = clock.now
    values = try job.run(table)
    let elapsed = start.duration(to: clock.now).components
    if turn > 0 {
      seconds.append(Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18)
    }
  }
  print(
    "{\"job\": \"\(job.name)\", \"seconds\": \(seconds), \"values\": \(values)}")
}

// SPDX-License-Identifier: Apache-2.0
// `esscher bench`: the engine's jobs on every device of this machine, beside what bounds them.

internal import Esscher
internal import EsscherIO
internal import EsscherOptions

enum BenchCommand {
  static func run(_ record: LowArguments, _ session: Session) throws(EsscherError) {
    try checkUsage(record)
    let devices =
      record.device == "auto"
      ? ["cpu"] + Engine.devices().usable.map(\.name).filter { $0 != "cpu" }
      : [record.device]
    // The processor's first, whatever is timed: it also carries out what devices leave to it.
    var ceilings = [BenchmarkCeilings(threads: record.threads)]
    for device in devices where device != "cpu" {
      try session.checkCancelled()
      if let own = try BenchmarkCeilings(device: device) { ceilings.append(own) }
    }
    var records: [BenchmarkRecord] = []
    let jobs = record.jobs.isEmpty ? BenchmarkJob.allCases : record.jobs
    if let path = record.positionals.first {
      let table = try RewardLoader.load(LoadRequest(rewards: [path], gold: record.gold))
      let known = jobs.filter { $0 != .gold || table.gold != nil || !record.jobs.isEmpty }
      records = try run(known, on: table, devices, ceilings, record, session)
    } else {
      // One shape's rewards at a time, and gold only where it is needed.
      for shape in record.shapes.isEmpty ? MatrixShape.usual : record.shapes {
        try session.checkCancelled()
        let table = made(shape, hasGold: jobs.contains(.gold))
        records += try run(jobs, on: table, devices, ceilings, record, session)
      }
    }
    let report = BenchReport(ceilings: ceilings, records: records)
    try session.console.print(record.json ? report.json : report.text)
  }

  private static func checkUsage(_ record: LowArguments) throws(EsscherError) {
    guard record.positionals.count <= 1 else {
      throw EsscherError(.usage, "bench takes one .npy file at most.")
    }
    guard record.positionals.isEmpty || record.shapes.isEmpty else {
      throw EsscherError(.usage, "bench takes a file or --shape, not both.")
    }
    guard record.gold == nil || !record.positionals.isEmpty else {
      throw EsscherError(.usage, "--gold of bench goes with a file of rewards; name that too.")
    }
  }

  private static func made(_ shape: MatrixShape, hasGold: Bool) -> RewardTable {
    func source(_ content: BenchmarkMatrix.Content) -> BenchmarkMatrix {
      BenchmarkMatrix(prompts: shape.prompts, samples: shape.samples, content: content)
    }
    return RewardTable(
      label: "normal", rewards: .cells(source(.rewards)), gold: hasGold ? source(.gold) : nil)
  }

  private static func run(
    _ jobs: [BenchmarkJob], on table: RewardTable, _ devices: [String],
    _ ceilings: [BenchmarkCeilings], _ record: LowArguments, _ session: Session
  ) throws(EsscherError) -> [BenchmarkRecord] {
    let lambdas = record.lambdas.map { $0.values.ascendingDistinct() } ?? Benchmark.usualLambdas
    var ns = Benchmark.usualNs
    if case .list(let numbers) = record.ns { ns = numbers.ascendingDistinct() }
    var records: [BenchmarkRecord] = []
    for device in devices {
      try session.checkCancelled()
      let benchmark = try Benchmark(
        table, device: device, threads: record.threads, repeats: record.repeats,
        lambdas: lambdas, ns: ns, ceilings: ceilings.first { $0.device == device },
        isCancelled: session.isCancelled)
      for job in jobs { records.append(try benchmark.run(job)) }
    }
    return records
  }
}

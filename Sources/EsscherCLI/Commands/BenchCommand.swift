// SPDX-License-Identifier: Apache-2.0
// `esscher bench`: the engine's jobs on every device of this machine, beside what bounds them.

internal import Esscher
internal import EsscherIO

enum BenchCommand {
  static func run(_ record: LowArguments, _ session: Session) throws(EsscherError) {
    guard record.positionals.count <= 1 else {
      throw EsscherError(.usage, "bench takes one .npy file at most.")
    }
    let table = try table(record)
    let devices =
      record.device == "auto"
      ? ["cpu"] + Engine.devices().usable.map(\.name).filter { $0 != "cpu" }
      : [record.device]
    var records: [BenchmarkRecord] = []
    for device in devices {
      try session.checkCancelled()
      let benchmark = try Benchmark(
        table, device: device, threads: record.threads, repeats: record.repeats,
        isCancelled: session.isCancelled)
      records += try benchmark.run()
    }
    try session.console.print(record.json ? json(records) : text(records))
  }

  /// The file's rewards, or 500 x 10,000 simulated ones.
  private static func table(_ record: LowArguments) throws(EsscherError) -> RewardTable {
    if let path = record.positionals.first {
      return try RewardLoader.load(LoadRequest(rewards: [path]))
    }
    let (prompts, samples) = (500, 10_000)
    let stream = SampleStream(law: .normal, seed: 1, samplesPerPrompt: samples)
    let rows = (0..<prompts).map { prompt in
      var row = [Double](repeating: 0, count: samples)
      unsafe row.withUnsafeMutableBufferPointer {
        unsafe stream.rewards(from: prompt * samples, into: $0)
      }
      return row.map { Double(Float($0)) }
    }
    return RewardTable(
      label: "simulated",
      rewards: .cells(MemorySource(name: "simulated", rows: rows, storage: .float32)))
  }

  static func text(_ records: [BenchmarkRecord]) -> String {
    var text = "device       job          median s   rate             share of its ceiling\n"
    for record in records {
      let unit = ["tilt", "khat", "resident"].contains(record.job) ? "G terms/s" : "M cells/s"
      let scale = unit.hasPrefix("G") ? 1e-9 : 1e-6
      var line = padded(record.device, 13) + padded(record.job, 13)
      line += padded(NumberText.short(record.median, digits: 4), 11)
      line += padded(NumberText.short(record.rate * scale, digits: 3) + " " + unit, 17)
      text += line + ceiling(of: record, in: records) + "\n"
    }
    return text
  }

  /// How near a job comes to the one that bounds it on its device.
  private static func ceiling(of record: BenchmarkRecord, in all: [BenchmarkRecord]) -> String {
    let bounds = ["tilt": "resident", "best_of_n": "read"]
    guard let name = bounds[record.job],
      let bound = all.first(where: { $0.job == name && $0.device == record.device })
    else { return "" }
    return NumberText.short(100 * record.rate / bound.rate, digits: 3) + " % of " + name
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  static func json(_ records: [BenchmarkRecord]) -> String {
    JSONValue.array(
      records.map { record in
        .object([
          ("job", .string(record.job)), ("device", .string(record.device)),
          ("median_s", .number(record.median)),
          ("seconds", .array(record.seconds.map(JSONValue.number))),
          ("work", .number(record.work)), ("rate", .number(record.rate)),
          ("values", .array(record.values.map(JSONValue.number))),
        ])
      }
    ).pretty(depth: 1) + "\n"
  }
}

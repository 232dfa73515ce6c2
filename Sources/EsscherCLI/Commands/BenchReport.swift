// SPDX-License-Identifier: Apache-2.0
// The result of `esscher bench` as a table and as JSON.

internal import Esscher
internal import EsscherIO

/// The times of a benchmark with the ceilings they are compared with.
struct BenchReport {
  /// The processor's, then those of devices.
  let ceilings: [BenchmarkCeilings]
  let records: [BenchmarkRecord]

  /// Columns of the table with their widths.
  private static let columns = [
    ("shape", 14), ("job", 16), ("device", 12), ("median s", 11), ("minimum s", 11), ("rate", 23),
  ]

  /// A line for the ceilings of each device, a heading, a line a job.
  var text: String {
    var text = ""
    for ceilings in ceilings {
      text += "ceilings of \(ceilings.device), \(ceilings.threads) "
      text += ceilings.device == "cpu" ? "threads: " : "compute units: "
      text += "memory \(scaled(ceilings.readBytes, "bytes")), "
      text += "fp64 \(scaled(ceilings.multiplyAdds, "multiply-adds")), "
      text += "fp32 \(scaled(ceilings.floatMultiplyAdds, "multiply-adds")), "
      text += "\(scaled(ceilings.exponentials, "exponentials"))\n"
    }
    text += Self.columns.map { Self.padded($0.0, $0.1) }.joined() + "share of ceiling\n"
    for record in records {
      let cells = [
        "\(record.prompts)x\(record.samples)", record.job.rawValue, record.device,
        NumberText.short(record.median, digits: 4), NumberText.short(record.minimum, digits: 4),
        scaled(record.rate, record.unit),
      ]
      text += zip(cells, Self.columns).map { Self.padded($0, $1.1) }.joined()
      text +=
        record.ceilingShare.map { percent($0) + " of " + record.ceiling.rawValue } ?? "unknown"
      text += "\n"
    }
    return text
  }

  /// An object with the processor's ceilings, an array of the devices' and an array of the jobs.
  var json: String {
    let processor = ceilings.first { $0.device == "cpu" }
    let others = ceilings.filter { $0.device != "cpu" }
    return JSONValue.object([
      ("version", .string(Engine.version)),
      ("processor", .string(Engine.processor.model)),
      ("threads", processor.map { .integer($0.threads) } ?? .null),
      ("ceilings", processor.map { .object(Self.rates($0)) } ?? .null),
      (
        "device_ceilings",
        .array(
          others.map {
            .object(
              [("device", .string($0.device)), ("units", .integer($0.threads))] + Self.rates($0))
          })
      ),
      ("jobs", .array(records.map(Self.object))),
    ]).pretty(depth: 2) + "\n"
  }

  private static func rates(_ ceilings: BenchmarkCeilings) -> [(String, JSONValue)] {
    [
      ("memory_bytes_per_s", .number(ceilings.readBytes)),
      ("fp64_multiply_adds_per_s", .number(ceilings.multiplyAdds)),
      ("fp32_multiply_adds_per_s", .number(ceilings.floatMultiplyAdds)),
      ("exponentials_per_s", .number(ceilings.exponentials)),
    ]
  }

  private static func object(_ record: BenchmarkRecord) -> JSONValue {
    .object([
      ("job", .string(record.job.rawValue)), ("device", .string(record.device)),
      ("prompts", .integer(record.prompts)), ("samples", .integer(record.samples)),
      ("median_s", .number(record.median)), ("minimum_s", .number(record.minimum)),
      ("seconds", .array(record.seconds.map(JSONValue.number))),
      ("work", .number(record.work)), ("unit", .string(record.unit)),
      ("rate", .number(record.rate)),
      ("ceiling", record.ceilingSeconds == nil ? .null : .string(record.ceiling.rawValue)),
      ("ceiling_rate", record.ceilingRate.map(JSONValue.number) ?? .null),
      ("ceiling_share", record.ceilingShare.map(JSONValue.number) ?? .null),
      ("values", .array(record.values.map(JSONValue.number))),
    ])
  }

  /// A rate in thousands of millions of its unit, or in millions where it is small.
  private func scaled(_ rate: Double, _ unit: String) -> String {
    let (scale, prefix) = rate >= 1e9 ? (1e-9, "G") : (1e-6, "M")
    let name = unit == "bytes" ? "\(prefix)B" : "\(prefix) \(unit)"
    return NumberText.short(rate * scale, digits: 3) + " \(name)/s"
  }

  private func percent(_ share: Double) -> String {
    NumberText.short(100 * share, digits: 3) + " %"
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}

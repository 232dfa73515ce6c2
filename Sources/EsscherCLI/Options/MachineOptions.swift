// SPDX-License-Identifier: Apache-2.0
// Options that say where a run happens and what it may use.

internal import Esscher

extension OptionTable {
  static let machineOptions: [Option] = [
    .value(
      "device", "NAME", .machine, [.frontier, .verify, .bench],
      "auto (the default), cpu, opencl, opencl:PLATFORM.DEVICE, opencl:all, or a part of a device's name; see "
        + "esscher devices. Several with commas between them share the run. A device asked for by name never "
        + "falls back."
    ) { (record, text) throws(EsscherError) in
      record.device = try ValueParsing.nonEmpty(text, option: "--device")
    },
    .value(
      "threads", "N", .machine, [.frontier, .simulate, .verify, .bench],
      "Worker threads (default: one a processor)."
    ) { (record, text) throws(EsscherError) in
      record.threads = try ValueParsing.integer(text, option: "--threads", in: 1...1024)
    },
    .value(
      "repeats", "N", .machine, [.bench],
      "Counted turns of each job, after one that is not (default 5); fewer where a job has taken ten seconds."
    ) { (record, text) throws(EsscherError) in
      record.repeats = try ValueParsing.integer(text, option: "--repeats", in: 1...1000)
    },
    .value(
      "job", "NAME", .machine, [.bench],
      "A job to time; may be given again (default: all). One of "
        + ValueParsing.list(BenchmarkJob.allCases.map(\.rawValue)) + "."
    ) { (record, text) throws(EsscherError) in
      record.jobs.append(try ValueParsing.choice(text, option: "--job"))
    },
    .value(
      "shape", "PxM", .machine, [.bench],
      "Prompts and samples of made rewards, such as 2000x10000; may be given again (default: "
        + MatrixShape.usual.map(\.text).joined(separator: ", ") + ")."
    ) { (record, text) throws(EsscherError) in
      record.shapes.append(try MatrixShape(parsing: text, option: "--shape"))
    },
    .value(
      "memory-budget", "SIZE", .machine, [.frontier],
      "Memory that a run may take, for example 256MiB or 2GiB (the default)."
    ) { (record, text) throws(EsscherError) in
      record.memoryBudgetBytes = try ValueParsing.byteCount(
        text, option: "--memory-budget", minimum: 16 << 20)
    },
  ]
}

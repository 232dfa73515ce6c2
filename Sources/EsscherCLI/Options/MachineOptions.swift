// SPDX-License-Identifier: Apache-2.0
// Options that say where a run happens and what it may use.

internal import Esscher
internal import EsscherOptions

extension OptionTable {
  static let machineOptions: [Option] = [
    .request(.device, .machine, [.frontier, .verify, .bench]),
    .request(.threads, .machine, [.frontier, .simulate, .verify, .bench]),
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
    .request(.memoryBudget, .machine, [.frontier]),
  ]
}

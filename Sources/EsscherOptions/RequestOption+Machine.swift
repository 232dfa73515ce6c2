// SPDX-License-Identifier: Apache-2.0
// Options that say where a run happens and what it may use.

internal import EsscherCore

extension RequestOption {
  package static let device: RequestOption = .value(
    "device", "NAME",
    "auto (the default), cpu, opencl, opencl:PLATFORM.DEVICE, opencl:all, or a part of a device's name; see "
      + "esscher devices. Several with commas between them share the run. A device asked for by name never "
      + "falls back."
  ) { (record, text) throws(EsscherError) in
    record.device = try ValueParsing.nonEmpty(text, option: "--device")
  }

  package static let threads: RequestOption = .value(
    "threads", "N",
    "Worker threads (default: one a processor)."
  ) { (record, text) throws(EsscherError) in
    record.threads = try ValueParsing.integer(text, option: "--threads", in: 1...1024)
  }

  package static let memoryBudget: RequestOption = .value(
    "memory-budget", "SIZE",
    "Memory that a run may take, for example 256MiB or 2GiB (the default)."
  ) { (record, text) throws(EsscherError) in
    record.memoryBudgetBytes = try ValueParsing.byteCount(
      text, option: "--memory-budget", minimum: 16 << 20)
  }
}

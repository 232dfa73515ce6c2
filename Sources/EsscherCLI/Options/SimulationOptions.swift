// SPDX-License-Identifier: Apache-2.0
// Options of simulated data, and the element type, which both reading and writing use.

internal import Esscher
internal import EsscherOptions

extension OptionTable {
  static let simulationOptions: [Option] = [
    .value(
      "prompts", "P", .simulation, [.simulate], "Number of prompts (rows)."
    ) { (record, text) throws(EsscherError) in
      record.prompts = try ValueParsing.integer(text, option: "--prompts", in: 1...Int(UInt32.max))
    },
    .value(
      "samples", "M", .simulation, [.simulate], "Number of samples a prompt (columns)."
    ) { (record, text) throws(EsscherError) in
      record.samples = try ValueParsing.integer(text, option: "--samples", in: 1...Int(UInt32.max))
    },
    .value(
      "dtype", "TYPE", .simulation, [.simulate],
      "Element type of the file: f4 (the default), f8 or f2; for bernoulli and alphabet also i1, "
        + "u1, i2, u2, i4, u4, i8, u8, and b1 for bernoulli."
    ) { (record, text) throws(EsscherError) in
      record.elementType = try ValueParsing.choice(text, option: "--dtype")
    },
    .value(
      "gold-output", "FILE.npy", .simulation, [.simulate],
      "Where the gold reward of normal:RHO goes (default: the -o file's name with .gold.npy)."
    ) { (record, text) throws(EsscherError) in
      record.goldOutput = try ValueParsing.nonEmpty(text, option: "--gold-output")
    },
    .flag(
      "exact", .simulation, [.simulate],
      "Print the law's exact answers as CSV on standard output."
    ) { $0.exact = true },
    .value(
      "dtype", "TYPE", .input, [.frontier],
      "bf16 reads the 2-byte cells of an .npy file as bfloat16."
    ) { (record, text) throws(EsscherError) in
      guard text == "bf16" else {
        throw EsscherError(
          .usage,
          "--dtype takes bf16, not '\(text)'; every other element type is read from the file.")
      }
      record.dtype = text
    },
  ]
}

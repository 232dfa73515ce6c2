// SPDX-License-Identifier: Apache-2.0
// The shape of a made matrix, as `--shape PxM` has it.

internal import Esscher

/// Prompts and samples of a matrix.
struct MatrixShape: Sendable, Equatable {
  let prompts: Int
  let samples: Int

  /// Cells beyond which a made matrix, 4 bytes a cell, would not be kept in memory.
  private static let largest = 1 << 31

  /// What `bench` times where nothing is asked for: long and short rows, one row, very many.
  static let usual = [
    MatrixShape(prompts: 2000, samples: 10_000), MatrixShape(prompts: 200, samples: 100_000),
    MatrixShape(prompts: 20_000, samples: 256), MatrixShape(prompts: 1, samples: 1 << 24),
    MatrixShape(prompts: 1 << 20, samples: 16),
  ]

  init(prompts: Int, samples: Int) {
    self.prompts = prompts
    self.samples = samples
  }

  /// Reads `PxM`.
  ///
  /// - Throws: `.usage` for anything else, and for more than 2^31 cells.
  init(parsing text: String, option: String) throws(EsscherError) {
    let parts = text.split(separator: "x", omittingEmptySubsequences: false)
    guard parts.count == 2, let prompts = Int(parts[0]), let samples = Int(parts[1]), prompts > 0,
      samples > 0
    else {
      throw EsscherError(
        .usage, "\(option) takes prompts and samples such as 2000x10000, not '\(text)'.")
    }
    let (cells, overflow) = prompts.multipliedReportingOverflow(by: samples)
    guard !overflow, cells <= Self.largest else {
      throw EsscherError(
        .usage,
        "\(option) takes \(Self.largest) cells at most, and '\(text)' has more; "
          + "write a file with esscher simulate and give that.")
    }
    self.init(prompts: prompts, samples: samples)
  }

  /// As the option takes it.
  var text: String { "\(prompts)x\(samples)" }
}

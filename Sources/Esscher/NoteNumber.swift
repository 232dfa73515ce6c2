// SPDX-License-Identifier: Apache-2.0

/// Numbers inside sentences.
enum NoteNumber {
  /// Four decimals.
  static func short(_ x: Double) -> String { "\((x * 10_000).rounded() / 10_000)" }
}

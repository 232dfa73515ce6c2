// SPDX-License-Identifier: Apache-2.0
// States of sharded sweeps in files.

public import EsscherCore
internal import Glibc

/// The file of a sweep's state.
public enum StateFile {
  /// Reads a state.
  ///
  /// - Parameter name: of the file.
  /// - Throws: `.badInput` where there is no such file, or it holds something else; the file is named.
  public static func read(_ name: String) throws(EsscherError) -> SweepState {
    let file = try InputFile(path: name, name: name)
    do throws(EsscherError) {
      return try SweepState(bytes: try file.prefix(file.size))
    } catch {
      throw EsscherError(error.code, error.message, at: EsscherError.Location(file: name))
    }
  }
}

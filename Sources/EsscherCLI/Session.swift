// SPDX-License-Identifier: Apache-2.0
// What a command gets besides its options: streams, messages, the command line, the wish to stop.

internal import Esscher

/// The surroundings of one invocation.
struct Session {
  let console: any Console
  let diagnostics: Diagnostics
  /// As the program was called, its own name included.
  let commandLine: [String]
  let isCancelled: () -> Bool

  /// Ends the command where the user asked for that.
  func checkCancelled() throws(EsscherError) {
    if isCancelled() { throw EsscherError.interruption }
  }
}

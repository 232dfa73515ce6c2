// SPDX-License-Identifier: Apache-2.0

import Esscher
import EsscherTestSupport

@testable import EsscherCLI

/// Streams that are kept, and a terminal where the test wants one.
final class TestConsole: Console {
  var outputIsTerminal = false
  var errorIsTerminal = false
  var variables: [String: String] = [:]
  private(set) var output = ""
  private(set) var errors = ""

  func environment(_ name: String) -> String? { variables[name] }
  func print(_ text: String) throws(EsscherError) { output += text }
  func report(_ text: String) { errors += text }
}

/// Runs the program and returns its exit code with both streams.
func esscher(
  _ arguments: String..., console: TestConsole = TestConsole(), cancelled: Bool = false
) -> (code: Int32, output: String, errors: String) {
  esscher(arguments: arguments, console: console, cancelled: cancelled)
}

/// As above, with a list.
func esscher(
  arguments: [String], console: TestConsole = TestConsole(), cancelled: Bool = false
) -> (code: Int32, output: String, errors: String) {
  let code = CommandLineTool.run(
    arguments: ["esscher"] + arguments, console: console, isCancelled: { cancelled })
  return (code, console.output, console.errors)
}

/// A CSV text as rows by column name.
func csv(_ text: String) -> [[String: String]] {
  let lines = text.split(separator: "\n").map {
    $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }
  guard let header = lines.first else { return [] }
  return lines.dropFirst().map {
    Dictionary(zip(header, $0), uniquingKeysWith: { first, _ in first })
  }
}

/// Six prompts of eight samples, small enough to read.
let sampleText: String = {
  var text = "prompt_id,reward,gold\n"
  for prompt in 0..<6 {
    for sample in 0..<8 {
      text += "p\(prompt),\(Double((sample * 7 + prompt * 3) % 11) / 4),\(sample % 3)\n"
    }
  }
  return text
}()

// SPDX-License-Identifier: Apache-2.0
// Lines of `--per-prompt` through the interface, and the identifiers in them.

import CEsscher
import EsscherTestSupport
import Testing

@Suite("C interface: lines of prompts")
struct PromptLinesTests {
  final class Taken {
    var text = ""
    var calls = 0
    var answer: Int32 = 0
  }

  private static let prompts = 400
  private static func identifier(_ row: Int) -> String { row == 7 ? "a, \"b\" é" : "p\(row)" }
  private static func reward(_ row: Int, _ column: Int) -> Int { (row * 31 + column * 17) % 13 }

  private func table(identifiers: [String]? = (0..<prompts).map(identifier)) throws -> Table {
    let table = try Table("rewards")
    try table.add(
      rows: (0..<Self.prompts).map { row in (0..<16).map { Float(Self.reward(row, $0)) } })
    if let identifiers { try set(identifiers, table) }
    return table
  }

  private func set(_ identifiers: [String], _ table: Table) throws {
    var offsets: [Int64] = [0]
    for text in identifiers { offsets.append(offsets[offsets.count - 1] + Int64(text.utf8.count)) }
    let texts = identifiers.joined().utf8.map { CChar(bitPattern: $0) }
    try call {
      esscher_table_set_prompts(
        table.handle, texts, offsets, Int64(identifiers.count), $0)
    }
  }

  private func observer(_ taken: Taken) -> esscher_observer {
    var observer = esscher_observer()
    observer.size = MemoryLayout<esscher_observer>.size
    observer.context = Unmanaged.passUnretained(taken).toOpaque()
    observer.prompts = { context, lines, length in
      guard let context, let lines else { return 1 }
      let taken = Unmanaged<Taken>.fromOpaque(context).takeUnretainedValue()
      taken.calls += 1
      taken.text += String(
        decoding: UnsafeRawBufferPointer(start: lines, count: length), as: UTF8.self)
      return taken.answer
    }
    return observer
  }

  @Test("the lines are the program's, in several calls")
  func lines() throws {
    var csv = "prompt_id,reward\n"
    for row in 0..<Self.prompts {
      let name = row == 7 ? "\"a, \"\"b\"\" é\"" : "p\(row)"
      for column in 0..<16 { csv += "\(name),\(Self.reward(row, column))\n" }
    }
    let file = ScratchFile(csv, ending: ".csv")
    let lines = ScratchFile("", ending: ".csv")
    _ = try NumberTests.program(file, ["--precision", "mixed", "--per-prompt", lines.path])
    let taken = Taken()
    var observer = observer(taken)
    let options = try Options([("precision", "mixed")])
    let report = try FrontierReport(table(), options, observer: &observer).text()
    #expect(report == (try FrontierReport(table(), options).text()))
    #expect(taken.calls > 2)
    #expect(taken.text == ScratchFile.text(at: lines.path))
    #expect(taken.text.contains("\n7,\"a, \"\"b\"\" é\",16,tilt,"))
  }

  @Test("an answer that is not 0 ends the run")
  func ends() throws {
    let taken = Taken()
    taken.answer = 1
    var observer = observer(taken)
    let table = try table()
    let stopped = try refusal { _ = try FrontierReport(table, observer: &observer) }
    #expect(stopped.status == ESSCHER_INTERRUPTED)
    #expect(taken.calls == 1)
    // Of an older caller, whose struct ends before the member.
    observer.size = MemoryLayout<esscher_observer>.offset(of: \.prompts) ?? 0
    _ = try FrontierReport(table, observer: &observer)
    #expect(taken.calls == 1)
  }

  @Test("identifiers that do not fit are refused")
  func refusals() throws {
    let table = try table()
    #expect(try refusal { try set(["again"], table) }.message.contains("has identifiers"))
    let short = try self.table(identifiers: ["one"])
    let found = try refusal { _ = try FrontierReport(short) }
    #expect(found.status == ESSCHER_BAD_INPUT && found.message.contains("1 identifiers and 400"))
    let bare = try self.table(identifiers: nil)
    let text = [CChar](repeating: -1, count: 4)
    for (offsets, rows, sentence): ([Int64], Int64, String) in [
      ([0, 2], 0, "pass one for each"), ([0, 2], -1, "pass one for each"),
      ([2, 1], 1, "never decrease"), ([-1, 1], 1, "never decrease"), ([0, 2], 1, "is not UTF-8"),
    ] {
      let found = try refusal {
        try call { esscher_table_set_prompts(bare.handle, text, offsets, rows, $0) }
      }
      #expect(found.message.contains(sentence), "\(found.message)")
    }
    #expect(
      try refusal { try call { esscher_table_set_prompts(bare.handle, text, nil, 1, $0) } }
        .message.contains("offsets"))
    #expect(
      try refusal { try call { esscher_table_set_prompts(bare.handle, nil, [0, 1], 1, $0) } }
        .message.contains("NULL"))
    try call { esscher_table_set_prompts(bare.handle, nil, [0, 0], 1, $0) }
  }
}

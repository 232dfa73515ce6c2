// SPDX-License-Identifier: Apache-2.0
// JSON lines, CSV and TSV: what is read, what is guessed, and every way a text can be wrong.

import EsscherCore
import EsscherIO
import EsscherTestSupport
import Testing

@Suite("Text inputs")
struct TextInputTests {
  /// The table of a text, read as `ending` says.
  private func load(
    _ text: String, _ ending: String, columns: [String: String] = [:],
    missing: MissingPolicy = .error
  ) throws -> RewardTable {
    let file = ScratchFile(text, ending: ending)
    return try RewardLoader.load(
      LoadRequest(rewards: [file.path], columns: columns, missing: missing))
  }

  @Test(
    "one table, written in every way",
    arguments: [
      (
        ".jsonl",
        "{\"prompt_id\": \"a\", \"rewards\": [1, 2.5]}\n{\"prompt_id\": \"b\", \"rewards\": [-3e-1]}"
      ),
      (
        ".jsonl",
        "\u{FEFF}{\"id\": \"a\", \"score\": 1}\r\n\n{\"id\": \"b\", \"score\": \"-0.3\"}\r\n{\"id\": \"a\", \"score\": 2.5}\n"
      ),
      (".csv", "prompt_id,reward\na,1\na,2.5\nb,-0.3\n"),
      (
        ".csv",
        "\u{FEFF}\"score\",other,\"task_id\"\r\n1,\"x,\"\"y\"\"\nz\",a\r\n-.3,,b\r\n+2.5,q,a"
      ),
      (".tsv", "reward\tprompt\n\"1\"\ta\n2.5\ta\n\n-0.3\tb"),
    ])
  func everyWay(ending: String, text: String) throws {
    let table = try load(text, ending)
    #expect(try rows(table) == [[1, 2.5], [-0.3]])
    #expect(table.promptIDs == ["a", "b"])
    #expect(table.notes.isEmpty)
    #expect(table.inputs[0].shape == [2, 0] && table.inputs[0].elementType == "text")
  }

  @Test("interleaved prompts keep the order of their samples")
  func interleaved() throws {
    var text = "prompt_id,reward,gold_score\n"
    for sample in 0..<50 {
      for prompt in 0..<7 where (sample + prompt) % 3 != 0 {
        text += "p\(prompt),\(100 * prompt + sample),\(-sample)\n"
      }
    }
    let table = try load(text, ".csv")
    // Order of first appearance: sample 0 leaves out prompts 0, 3 and 6.
    #expect(table.promptIDs == ["p1", "p2", "p4", "p5", "p0", "p3", "p6"])
    let expected = [1, 2, 4, 5, 0, 3, 6].map { prompt in
      (0..<50).filter { ($0 + prompt) % 3 != 0 }.map { Double(100 * prompt + $0) }
    }
    #expect(try rows(table) == expected)
    let gold = try #require(table.gold)
    #expect(try rows(gold)[4] == expected[4].map { -$0 })
  }

  @Test("booleans, quoted numbers and nulls are numbers and missing cells")
  func loose() throws {
    let table = try load(
      "{\"rewards\": [true, false, \"2\", null, \"nan\", -7]}", ".jsonl", missing: .drop)
    let cells = try rows(table)[0]
    #expect(cells.filter { !$0.isNaN } == [1, 0, 2, -7])
    #expect(cells[3].isNaN && cells[4].isNaN)
  }

  @Test("prompts without identifiers: a list a line, or one prompt")
  func withoutPrompts() throws {
    let lists = try load("{\"rewards\": [1, 2]}\n{\"rewards\": [3]}\n", ".jsonl")
    #expect(try rows(lists) == [[1, 2], [3]])
    #expect(lists.promptIDs == nil && lists.notes.isEmpty)
    let single = try load("reward\n1\n2\n", ".csv")
    #expect(try rows(single) == [[1, 2]])
    #expect(single.notes.count == 1)
  }

  @Test("columns by the user's names, and a log weight only by name")
  func namedColumns() throws {
    let text = "prompt_id,reward,mine,log_weight\na,1,5,0.5\n"
    #expect(try load(text, ".csv").logWeights == nil)
    let table = try load(text, ".csv", columns: ["reward": "mine", "logweight": "log_weight"])
    #expect(try rows(table) == [[5]])
    let weights = try #require(table.logWeights)
    #expect(try rows(weights) == [[0.5]])
    #expect(table.label == "mine")
  }

  @Test(
    "counts of correct samples",
    arguments: [
      (".csv", "task_id,num_samples,num_correct\nx,200,0\ny,100,37\n"),
      (
        ".jsonl",
        "{\"task_id\": \"x\", \"num_samples\": 200, \"num_correct\": 0}\n{\"task_id\": \"y\", \"num_samples\": 100, \"num_correct\": 37}\n"
      ),
    ])
  func counts(ending: String, text: String) throws {
    let table = try load(text, ending)
    guard case .counts(let counts) = table.rewards else {
      Issue.record("cells were read")
      return
    }
    #expect(counts.sampleCounts == [200, 100] && counts.correctCounts == [0, 37])
    #expect(table.promptIDs == ["x", "y"])
  }

  @Test("dropped cells stay as missing ones, so that they are counted")
  func drops() throws {
    let table = try load(
      "{\"id\": 1, \"rewards\": [1, null]}\n{\"id\": 2, \"rewards\": []}\n{\"id\": 3}\n", ".jsonl",
      missing: .drop)
    let cells = try rows(table)
    #expect(cells.map(\.count) == [2, 0, 1])
    #expect(cells[0][1].isNaN && cells[2][0].isNaN)
    #expect(table.promptIDs == ["1", "2", "3"])
  }

  @Test(
    "refusals name the line and the remedy",
    arguments: [
      (".csv", "a,0.5\nb,0.7\n", 1, "looks like a line of data"),
      (".csv", "prompt_id,points\na,1\n", 1, "--column reward=NAME"),
      (".csv", "prompt_id,reward,reward\na,1,2\n", 1, "more than one column 'reward'"),
      (".csv", "prompt_id,reward\na,1\nb,2,3\n", 3, "3 fields, and the header has 2"),
      (".csv", "prompt_id,reward\na,one\n", 2, "'one' in column 'reward' is not a number"),
      (".csv", "prompt_id,reward\n\n\na,\n", 4, "--missing drop"),
      (".csv", "prompt_id,reward\na,inf\n", 2, "infinite"),
      (".csv", "prompt_id,reward\na,\"1\n", 2, "never closed"),
      (".csv", "prompt_id,reward\n\"a\"b,1\n", 2, "text follows a closing quote"),
      (".csv", "prompt_id,reward\n", nil, "holds no samples"),
      (".csv", "id,num_samples,num_correct\na,3,4\n", 2, "not possible"),
      (".csv", "id,num_samples,num_correct\na,3,1\na,3,1\n", 3, "add its counts up"),
      (".csv", "id,num_samples,num_correct\na,0,0\n", 2, "no samples"),
      (".jsonl", "{\"rewards\": [1]}\n{\"rewards\": [1, \"x\"]}\n", 2, "'x' is not a number"),
      (".jsonl", "{\"rewards\": [1, NaN]}\n", 1, "NaN is not JSON"),
      (".jsonl", "{\"rewards\": [1]}\n[1]\n", 2, "not an object"),
      (".jsonl", "{\"rewards\": [[1, 2]]}\n", 1, "several rewards a sample"),
      (".jsonl", "{\"rewards\": [1], \"gold\": [1, 2]}\n", 1, "both must hold the same samples"),
      (".jsonl", "{\"rewards\": [1, null]}\n", 1, "'rewards' is missing"),
      (".jsonl", "{\"rewards\": [1e999]}\n", 1, ""),
      (".jsonl", "{\"rewards\": []}\n", 1, "no samples"),
      (".jsonl", "{\"id\": 1, \"rewards\": [1]}\n{\"rewards\": [2]}\n", 2, "has no 'id'"),
      (".jsonl", "\n\n", nil, "holds no samples"),
      (".jsonl", "{\"num_samples\": [4, 9], \"num_correct\": 1}\n", 1, "a list of counts"),
      (".csv", "prompt_id,reward\ra,1\r", nil, "carriage returns"),
      (".csv", "prompt_id,reward,gold\na,1,2\na,1,x\n", 3, "'x' in column 'gold'"),
    ] as [(String, String, Int?, String)])
  func refusals(ending: String, text: String, line: Int?, part: String) {
    #expect {
      _ = try load(text, ending)
    } throws: { error in
      guard let error = error as? EsscherError else { return false }
      return error.code == .badInput && error.location?.line == line
        && error.message.contains(part)
    }
  }

  @Test("a role that does not exist is wrong usage")
  func unknownRole() {
    #expect {
      _ = try load("reward\n1\n", ".csv", columns: ["rewrad": "reward"])
    } throws: { ($0 as? EsscherError)?.code == .usage }
  }

  @Test("identifiers are told apart by their bytes")
  func identifierBytes() throws {
    // é as one scalar and as two, and two bytes that are no UTF-8.
    let lines: [[UInt8]] = [
      Array("id,reward".utf8), Array("\u{E9},1".utf8), Array("e\u{301},2".utf8),
      [0xFF] + Array(",3".utf8), [0xFE] + Array(",4".utf8), Array("\u{E9},5".utf8),
    ]
    let file = ScratchFile(Array(lines.joined(separator: [0x0A])), ending: ".csv")
    let table = try RewardLoader.load(LoadRequest(rewards: [file.path]))
    #expect(try rows(table) == [[1, 5], [2], [3], [4]])
  }

  @Test(
    "gold is guessed only from columns of numbers",
    arguments: [
      (".csv", "id,reward,gold_answer\na,1,Paris\n"),
      (".jsonl", "{\"id\": 1, \"reward\": 1, \"gold\": \"Paris\"}\n"),
    ])
  func textualGold(ending: String, text: String) throws {
    let table = try load(text, ending)
    #expect(table.gold == nil && table.notes.count == 1)
    #expect(try rows(table) == [[1]])
  }

  @Test("a field that begins on a later line is found")
  func lateField() throws {
    let table = try load(
      "{\"id\": 1, \"reward\": 1}\n{\"id\": 1, \"reward\": 2, \"gold\": 3}\n", ".jsonl",
      missing: .drop)
    let gold = try #require(table.gold)
    #expect(try rows(gold)[0][1] == 3)
  }

  @Test("with one column a blank line is a missing sample, unless it ends the file")
  func blankLines() throws {
    #expect(try rows(load("reward\n1\n2\n\n\n", ".csv")) == [[1, 2]])
    let cells = try rows(load("reward\n1\n\n2\n", ".csv", missing: .drop))[0]
    #expect(cells.count == 3 && cells[1].isNaN)
    #expect {
      _ = try load("reward\n1\n\n2\n", ".csv")
    } throws: { ($0 as? EsscherError)?.location?.line == 3 }
  }
}

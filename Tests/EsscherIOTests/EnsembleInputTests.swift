// SPDX-License-Identifier: Apache-2.0
// Several reward models from arrays, files, columns and lists inside lists.

import EsscherCore
import EsscherIO
import EsscherTestSupport
import Testing

@Suite("Inputs of ensembles")
struct EnsembleInputTests {
  private func members(_ table: RewardTable) throws -> [String: [[Double]]] {
    var members: [String: [[Double]]] = [:]
    for member in table.members { members[member.name] = try rows(member.source) }
    return members
  }

  private func refusal(_ request: LoadRequest) -> EsscherError? {
    do throws(EsscherError) {
      _ = try RewardLoader.load(request)
      return nil
    } catch { return error }
  }

  private func name(_ path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return String(name.prefix { $0 != "." })
  }

  @Test("an array with an axis of models, in either order", arguments: [false, true])
  func axis(fortran: Bool) throws {
    // Model r, prompt p, sample m is 100 r + 10 p + m.
    let (models, prompts, samples) = (2, 3, 4)
    var bytes: [UInt8] = []
    for index in 0..<models * prompts * samples {
      let (r, p, m) =
        fortran
        ? (index % 2, index / 2 % 3, index / 6) : (index / 12, index / 4 % 3, index % 4)
      bytes.append(UInt8(100 * r + 10 * p + m))
    }
    let file = ScratchFile(npy("|u1", "(2, 3, 4)", fortran: fortran, bytes), ending: ".npy")
    let table = try RewardLoader.load(LoadRequest(rewards: [file.path]))
    #expect(table.members.map(\.name) == ["\(name(file.path))[0]", "\(name(file.path))[1]"])
    for (r, member) in table.members.enumerated() {
      let expected = (0..<prompts).map { p in (0..<samples).map { Double(100 * r + 10 * p + $0) } }
      #expect(try rows(member.source) == expected)
      var part = [0.0, 0]
      try unsafe part.withUnsafeMutableBufferPointer {
        try unsafe member.source.copyDoubles(rows: 1..<2, columns: 2..<4, to: $0)
      }
      #expect(part == Array(expected[1][2...]))
      #expect(
        member.source.location(row: 1, column: 2).description
          == "\(file.path)[\(r)], row 1, column 2")
    }
    #expect(table.inputs.map(\.shape) == [[2, 3, 4]])
    let one = ScratchFile(npy("|u1", "(1, 1, 2)", [1, 2]), ending: ".npy")
    let gold = refusal(LoadRequest(rewards: [one.path], gold: file.path))
    #expect(gold?.code == .badInput && gold?.message.contains("2 numbers a sample") == true)
    #expect(try RewardLoader.load(LoadRequest(rewards: [one.path])).members.isEmpty)
  }

  @Test("files of text are matched by prompt; names are the files', gold the first's")
  func files() throws {
    let a = ScratchFile("id,reward,gold\na,1,0\na,2,1\nb,3,0\n", ending: ".csv")
    let b = ScratchFile(
      "{\"id\": \"b\", \"score\": [30]}\n{\"id\": \"a\", \"score\": [10, 20]}\n", ending: ".jsonl")
    let table = try RewardLoader.load(LoadRequest(rewards: [a.path, b.path]))
    #expect(
      try members(table) == [name(a.path): [[1, 2], [3]], name(b.path): [[10, 20], [30]]])
    #expect(try rows(try #require(table.gold)) == [[0, 1], [0]])
    #expect(table.inputs.map(\.role) == ["rewards", "rewards"] && table.promptIDs == ["a", "b"])
    // A file with several models brings them all.
    let c = ScratchFile("id,x,y\na,5,6\na,7,8\nb,9,0\n", ending: ".csv")
    let d = ScratchFile("id,x,y\nb,1,2\na,3,4\na,3,5\n", ending: ".tsv.csv")
    let both = try RewardLoader.load(
      LoadRequest(rewards: [c.path, d.path], columns: ["reward": "x,y"]))
    #expect(both.members.count == 4)
    #expect(try rows(both.members[3].source) == [[4, 5], [2]])
    let other = ScratchFile("id,reward\nz,1\n", ending: ".csv")
    let missing = refusal(LoadRequest(rewards: [a.path, other.path]))
    #expect(missing?.message.contains("has no prompt 'a'") == true)
    let counts = ScratchFile("id,num_samples,num_correct\na,2,1\nb,1,1\n", ending: ".csv")
    #expect(
      refusal(LoadRequest(rewards: [a.path, counts.path]))?.message.contains("holds counts") == true
    )
  }

  @Test("several columns of one text file")
  func columns() throws {
    let csv = ScratchFile(
      "prompt,rm_a,rm_b,gold\np,1,5,0\nq,2,6,1\np,3,7,1\n", ending: ".csv")
    let json = ScratchFile(
      """
      {"prompt": "p", "rm_a": [1, 3], "rm_b": [5, 7], "gold": [0, 1]}
      {"prompt": "q", "rm_a": 2, "rm_b": 6, "gold": 1}

      """, ending: ".jsonl")
    for file in [csv.path, json.path] {
      let table = try RewardLoader.load(
        LoadRequest(rewards: [file], columns: ["reward": "rm_a,rm_b"]))
      #expect(table.members.map(\.name) == ["rm_a", "rm_b"])
      #expect(try members(table) == ["rm_a": [[1, 3], [2]], "rm_b": [[5, 7], [6]]])
      #expect(try rows(try #require(table.gold)) == [[0, 1], [1]])
      let one = try RewardLoader.load(LoadRequest(rewards: [file], columns: ["reward": "rm_b"]))
      #expect(one.members.isEmpty && one.label == "rm_b")
      let none = refusal(LoadRequest(rewards: [file], columns: ["reward": "rm_a,rm_c"]))
      #expect(none?.message.contains("no column 'rm_c'") == true)
      let twice = refusal(LoadRequest(rewards: [file], columns: ["reward": "rm_a,rm_a"]))
      #expect(twice?.code == .usage && twice?.message.contains("twice") == true)
    }
    // A column whose own name has the comma is that column.
    let comma = ScratchFile("\"a,b\",a,b\n1,2,3\n", ending: ".csv")
    let table = try RewardLoader.load(
      LoadRequest(rewards: [comma.path], columns: ["reward": "a,b"]))
    #expect(table.members.isEmpty && table.label == "a,b")
    // A missing cell is named with its own column and line.
    let hole = ScratchFile("a,b\n1,2\n3,\n", ending: ".csv")
    let error = refusal(LoadRequest(rewards: [hole.path], columns: ["reward": "a,b"]))
    #expect(error?.message.contains("'b' is missing") == true && error?.location?.line == 3)
  }

  @Test("a list a sample inside the list of rewards")
  func nested() throws {
    let file = ScratchFile(
      """
      {"id": "a", "rewards": [[1, 10], [2, "20"], [3, 30]], "gold": [7, 8, 9]}
      {"id": "b", "rewards": [[4, null], null]}
      {"id": "c", "rewards": [[true, 60]]}

      """, ending: ".jsonl")
    let request = LoadRequest(rewards: [file.path], missing: .drop)
    let table = try RewardLoader.load(request)
    #expect(table.members.map(\.name) == ["rewards[0]", "rewards[1]"])
    let first = try rows(table.members[0].source)
    let second = try rows(table.members[1].source)
    #expect(first[0] == [1, 2, 3] && second[0] == [10, 20, 30])
    #expect(first[1][0] == 4 && first[1][1].isNaN && second[1].allSatisfy(\.isNaN))
    #expect(first[2] == [1] && second[2] == [60])
    // One score in each list is one reward.
    let single = ScratchFile("{\"rewards\": [[1], [2]]}\n", ending: ".jsonl")
    let one = try RewardLoader.load(LoadRequest(rewards: [single.path]))
    #expect(one.members.isEmpty)
    #expect(try rows(one) == [[1, 2]])
  }

  @Test(
    "lists inside lists that can be read in two ways are refused",
    arguments: [
      ("{\"rewards\": [[1, 2]]}\n", 1, "cannot be told from lists a model"),
      ("{\"rewards\": [[1, 2], [3, 4]]}\n{\"rewards\": [[5, 6]]}\n", 1, "cannot be told"),
      ("{\"rewards\": [[1, 2, 3], [3, 4, 5]]}\n", 1, "--column reward=A,B"),
      ("{\"rewards\": [[1, 2], [3], [4, 5]]}\n", 1, "differ in length (2 and 1)"),
      ("{\"rewards\": [[1], [2]]}\n{\"rewards\": [[1, 2]]}\n", 2, "differ in length"),
      ("{\"rewards\": [[], [2]]}\n", 1, "differ in length"),
      ("{\"rewards\": [[1, 2], 3, [4, 5]]}\n", 1, "a list where a number is expected"),
      ("{\"rewards\": [1, [2, 3]]}\n", 1, "a list where a number is expected"),
      ("{\"rewards\": [[1, [2]], [3, 4], [5, 6]]}\n", 1, "a list where a number"),
      ("{\"rewards\": [[1, 2], [3, 4], [5, 6]]}\n{\"rewards\": [1]}\n", 2, "are mixed"),
      ("{\"rewards\": [1]}\n{\"rewards\": [[1, 2], [3, 4], [5, 6]]}\n", 2, "are mixed"),
      ("{\"rewards\": [1, 2], \"gold\": [[1, 2], [1, 2]]}\n", 1, "a list where a number"),
    ])
  func ambiguous(text: String, line: Int, sentence: String) {
    let file = ScratchFile(text, ending: ".jsonl")
    let columns = text.contains("gold") ? ["gold": "gold"] : [:]
    let error = refusal(LoadRequest(rewards: [file.path], columns: columns))
    #expect(
      error?.code == .badInput && error?.message.contains(sentence) == true,
      "\(error?.description ?? "nothing")")
    #expect(error?.location?.line == line)
  }

  @Test("files of one name are told apart by their paths")
  func sameNames() throws {
    let file = ScratchFile("reward\n1\n2\n", ending: ".csv")
    // The same file by another path stands for one in another folder.
    let table = try RewardLoader.load(LoadRequest(rewards: [file.path, "/." + file.path]))
    #expect(table.members.map(\.name) == [file.path, "/." + file.path])
  }
}

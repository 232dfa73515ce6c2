// SPDX-License-Identifier: Apache-2.0
// Gold rewards and log weights from other files: matched by prompt, or by order; digests; archives.

import EsscherCore
import EsscherIO
import EsscherTestSupport
import Testing

@Suite("Inputs beside the rewards")
struct CompanionTests {
  private let rewards = "{\"id\": \"a\", \"rewards\": [1, 2]}\n{\"id\": \"b\", \"rewards\": [3]}\n"

  @Test("gold in another order of prompts is matched by identifier")
  func matched() throws {
    let file = ScratchFile(rewards, ending: ".jsonl")
    let gold = ScratchFile("id,gold,x\nb,30,0\na,10,0\na,20,0\n", ending: ".csv")
    for name in [gold.path, gold.path + ":gold"] {
      let table = try RewardLoader.load(LoadRequest(rewards: [file.path], gold: name))
      let source = try #require(table.gold)
      #expect(try EsscherTestSupport.rows(source) == [[10, 20], [30]])
      #expect(table.inputs.map(\.role) == ["rewards", "gold"])
    }
  }

  @Test(
    "gold of other prompts is refused",
    arguments: [
      ("id,gold\na,1\na,2\n", "has no prompt 'b'"),
      ("id,gold\na,1\na,2\nb,1\nc,1\n", "has the prompt 'c'"),
      ("id,other\na,1\n", "FILE:COLUMN"),
    ])
  func refused(text: String, part: String) {
    let file = ScratchFile(rewards, ending: ".jsonl")
    let gold = ScratchFile(text, ending: ".csv")
    #expect {
      _ = try RewardLoader.load(LoadRequest(rewards: [file.path], gold: gold.path))
    } throws: { error in
      (error as? EsscherError).map { $0.code == .badInput && $0.message.contains(part) } ?? false
    }
  }

  @Test("an explicit gold file wins over a column of that name")
  func explicitGold() throws {
    let file = ScratchFile("id,reward,gold\na,1,5\n", ending: ".csv")
    let gold = ScratchFile("id,gold\na,7\n", ending: ".csv")
    let table = try RewardLoader.load(LoadRequest(rewards: [file.path], gold: gold.path))
    let source = try #require(table.gold)
    #expect(try EsscherTestSupport.rows(source) == [[7]])
    let own = try RewardLoader.load(LoadRequest(rewards: [file.path]))
    let ownSource = try #require(own.gold)
    #expect(try EsscherTestSupport.rows(ownSource) == [[5]])
  }

  @Test("log-probabilities from a column, a list and a file; lists of tokens are left alone")
  func logProbabilities() throws {
    func load(_ text: String, _ ending: String, file: String? = nil) throws -> [[Double]]? {
      let rewards = ScratchFile(text, ending: ending)
      let table = try RewardLoader.load(
        LoadRequest(rewards: [rewards.path], logProbabilities: file))
      return try table.logProbabilities.map { try EsscherTestSupport.rows($0) }
    }
    #expect(try load("id,reward,logprob\na,1,-5\na,2,-6\n", ".csv") == [[-5, -6]])
    #expect(try load("id,reward,logprob\na,1,high\na,2,low\n", ".csv") == nil)
    #expect(
      try load("{\"id\": \"a\", \"rewards\": [1, 2], \"logprobs\": [-1, -2]}\n", ".jsonl") == [
        [-1, -2]
      ])
    // One number for each token of the only sample.
    #expect(
      try load("{\"id\": \"a\", \"reward\": 1, \"logprobs\": [-1, -2]}\n", ".jsonl") == nil)
    let file = ScratchFile("id,logprobs\nb,-3\na,-1\na,-2\n", ending: ".csv")
    for name in [file.path, file.path + ":logprobs"] {
      #expect(try load(rewards, ".jsonl", file: name) == [[-1, -2], [-3]])
    }
  }

  @Test("SHA-256 of what was read")
  func digests() throws {
    let file = ScratchFile("reward\n1\n", ending: ".csv")
    let table = try RewardLoader.load(LoadRequest(rewards: [file.path], computeDigests: true))
    // printf 'reward\n1\n' | sha256sum
    #expect(
      table.inputs[0].sha256
        == "c130562e5a6f7f9768bcf12a7e980883ecf79320451270c031b06e3d0ee8fee1")
  }

  @Test("one file named twice and endings that say nothing are refused with the remedy")
  func requests() {
    func code(_ request: LoadRequest) -> EsscherError? {
      do throws(EsscherError) {
        _ = try RewardLoader.load(request)
        return nil
      } catch { return error }
    }
    let file = ScratchFile("reward\n1\n", ending: ".dat")
    let several = code(LoadRequest(rewards: [file.path, file.path], inputFormat: .csv))
    #expect(several?.code == .usage && several?.message.contains("named twice") == true)
    let unknown = code(LoadRequest(rewards: [file.path]))
    #expect(unknown?.code == .usage && unknown?.message.contains("--input-format") == true)
    #expect(code(LoadRequest(rewards: [file.path], inputFormat: .csv)) == nil)
    // Beside the rewards, an ending that says nothing means their format.
    #expect(code(LoadRequest(rewards: [file.path], inputFormat: .csv, gold: file.path)) == nil)
    #expect(code(LoadRequest(rewards: [file.path], inputFormat: .csv, key: "a"))?.code == .usage)
    #expect(
      code(LoadRequest(rewards: [file.path], inputFormat: .csv, dtype: "bf16"))?.code == .usage)
    let packed = ScratchFile("x", ending: ".jsonl.gz")
    #expect(code(LoadRequest(rewards: [packed.path]))?.message.contains("zcat") == true)
    let empty = ScratchFile("", ending: ".csv")
    #expect(code(LoadRequest(rewards: [empty.path]))?.message.contains("is empty") == true)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Archives: members by name, and the ways one can lie about what it holds.

import EsscherCore
import EsscherIO
import EsscherTestSupport
import Testing

/// A .zip of stored members, made by hand so that every field can be a lie.
struct ZipBuilder {
  struct Member {
    var name: String
    var bytes: [UInt8]
    /// What the directory claims to come out.
    var claimedSize: Int?
    var corruptsChecksum = false
  }

  static func bytes(_ members: [Member]) -> [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for member in members {
      let offset = file.count
      let checksum = crc32(member.bytes) ^ (member.corruptsChecksum ? 1 : 0)
      let sizes =
        little(Int(checksum), 4) + little(member.bytes.count, 4)
        + little(member.claimedSize ?? member.bytes.count, 4)
      let name = Array(member.name.utf8)
      file += [0x50, 0x4B, 3, 4] + little(20, 2) + little(0, 8) + sizes
      file += little(name.count, 2) + little(0, 2) + name + member.bytes
      directory += [0x50, 0x4B, 1, 2] + little(20, 2) + little(20, 2) + little(0, 8) + sizes
      directory += little(name.count, 2) + little(0, 12) + little(offset, 4) + name
    }
    let end =
      [0x50, 0x4B, 5, 6] + little(0, 4) + little(members.count, 2) + little(members.count, 2)
      + little(directory.count, 4) + little(file.count, 4) + little(0, 2)
    return file + directory + end
  }

  private static func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 < 8 ? value >> (8 * $0) : 0) }
  }

  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { rest, _ in rest >> 1 ^ (rest & 1) &* 0xEDB8_8320 }
    }
  }
}

@Suite("npz archives")
struct ArchiveTests {
  private let one = npy("|u1", "(1, 3)", [1, 2, 3])
  private let two = npy("|u1", "(2, 1)", [4, 5])

  private func load(_ bytes: [UInt8], key: String? = nil) throws -> [[Double]] {
    let file = ScratchFile(bytes, ending: ".npz")
    return try rows(RewardLoader.load(LoadRequest(rewards: [file.path], key: key)))
  }

  @Test("members by name, with and without the ending")
  func members() throws {
    #expect(try load(ZipBuilder.bytes([.init(name: "a.npy", bytes: one)])) == [[1, 2, 3]])
    let both = ZipBuilder.bytes([
      .init(name: "a.npy", bytes: one), .init(name: "b.npy", bytes: two),
    ])
    #expect(try load(both, key: "a") == [[1, 2, 3]])
    #expect(try load(both, key: "b.npy") == [[4], [5]])
    let file = ScratchFile(both, ending: ".npz")
    let table = try RewardLoader.load(
      LoadRequest(rewards: [file.path], key: "b", gold: file.path + ":b"))
    #expect(table.inputs.map(\.name) == [file.path + ":b", file.path + ":b"])
  }

  @Test("lies and damage")
  func lies() {
    func expect(_ bytes: [UInt8], _ part: String, key: String? = nil) {
      #expect {
        _ = try load(bytes, key: key)
      } throws: { error in
        guard let error = error as? EsscherError else { return false }
        return error.code == .badInput && error.message.contains(part)
      }
    }
    let both = ZipBuilder.bytes([
      .init(name: "a.npy", bytes: one), .init(name: "b.npy", bytes: two),
    ])
    expect(both, "say which with --key")
    expect(both, "has no array 'c'; it holds a, b", key: "c")
    let file = ScratchFile(both, ending: ".npz")
    #expect {
      _ = try RewardLoader.load(LoadRequest(rewards: [file.path], key: "a", gold: file.path))
    } throws: { ($0 as? EsscherError)?.message.contains("FILE:NAME") == true }
    expect(Array("not an archive".utf8), "not a readable .npz archive")
    expect(
      Array(ZipBuilder.bytes([.init(name: "a.npy", bytes: one)]).dropLast(9)), "not a readable")
    // A bomb: some bytes that claim to become a gigabyte.
    expect(
      ZipBuilder.bytes([.init(name: "a.npy", bytes: one, claimedSize: 1 << 30)]),
      "which no honest archive does")
    // An array that promises more cells than its member holds.
    expect(
      ZipBuilder.bytes([.init(name: "a.npy", bytes: npy("<f8", "(1000, 1000)", [0, 0, 0, 0]))]),
      "promises")
    expect(
      ZipBuilder.bytes([.init(name: "a.npy", bytes: one, corruptsChecksum: true)]), "is damaged")
    expect(ZipBuilder.bytes([.init(name: "a.npy", bytes: [])]), "is empty")
    expect(ZipBuilder.bytes([.init(name: "a.npy", bytes: Array("text".utf8))]), "")
  }
}

// SPDX-License-Identifier: Apache-2.0
// Arrays: every order and several types against hand-made bytes, and every way a file can lie.

import EsscherCore
import EsscherIO
import EsscherTestSupport
import Testing

/// Bytes of a version 1 file.
func npy(_ descr: String, _ shape: String, fortran: Bool = false, _ payload: [UInt8]) -> [UInt8] {
  let header =
    "{'descr': '\(descr)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }\n"
  return [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, UInt8(header.utf8.count), 0]
    + Array(header.utf8) + payload
}

@Suite("npy files")
struct NPYTests {
  @Test(
    "shapes, orders and types",
    arguments: [
      ("|i1", "(2, 3)", false, [1, 2, 3, 4, 5, 255] as [UInt8], [[1, 2, 3], [4, 5, -1.0]]),
      ("|u1", "(2, 3)", true, [1, 4, 2, 5, 3, 255], [[1, 2, 3], [4, 5, 255]]),
      ("|b1", "(3,)", false, [0, 1, 1], [[0, 1, 1]]),
      ("<i2", "(1, 2, 1)", false, [1, 1, 255, 255], [[257], [-1]]),
      ("<f2", "(1, 2)", false, [0x00, 0x3C, 0x00, 0xC0], [[1, -2]]),
      ("<f4", "(1, 1)", false, [0, 0, 0x80, 0x3F], [[1]]),
      ("<f8", "(1, 1)", false, [0, 0, 0, 0, 0, 0, 0xF0, 0x3F], [[1]]),
      ("<u4", "(1, 1)", false, [255, 255, 255, 255], [[4_294_967_295]]),
    ])
  func reads(
    descr: String, shape: String, fortran: Bool, payload: [UInt8], expected: [[Double]]
  ) throws {
    let file = ScratchFile(npy(descr, shape, fortran: fortran, payload), ending: ".npy")
    #expect(try rows(RewardLoader.load(LoadRequest(rewards: [file.path]))) == expected)
  }

  @Test("bfloat16 only when the user says so")
  func bfloat16() throws {
    let file = ScratchFile(npy("|V2", "(1, 2)", [0x80, 0x3F, 0x00, 0xC0]), ending: ".npy")
    var request = LoadRequest(rewards: [file.path], dtype: "bf16")
    #expect(try rows(RewardLoader.load(request)) == [[1, -2]])
    request.dtype = nil
    expectRefusal(request, "--dtype bf16")
  }

  @Test(
    "refusals say what is wrong and what to do",
    arguments: [
      (npy("|O", "(1, 1)", [0, 0]), "never run"),
      (npy(">f4", "(1, 1)", [0, 0, 0, 0]), "big-endian"),
      (npy("<U4", "(1, 1)", [0, 0, 0, 0]), "not a number type"),
      (npy("<f4", "(2, 3)", [0, 0, 0, 0]), "truncated"),
      (npy("<f4", "(1, 1)", [0, 0, 0, 0, 0]), "bytes more"),
      (npy("<f4", "(0, 3)", []), "no cells"),
      (npy("<f8", "(4294967296, 4294967296)", []), "no file can hold"),
      (npy("<f4", "(2, 0, 1)", []), "no cells"),
      (npy("<f4", "(1, 1, 1, 1)", [0, 0, 0, 0]), "4 axes"),
      ([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 200, 0, 0x7B], "truncated inside the header"),
      (Array("not an array at all".utf8), "NumPy's signature"),
      ([], "is empty"),
    ])
  func refuses(bytes: [UInt8], sentence: String) {
    let file = ScratchFile(bytes, ending: ".npy")
    expectRefusal(LoadRequest(rewards: [file.path]), sentence)
  }

  @Test("a missing file and a folder have sentences of their own")
  func missing() {
    expectRefusal(LoadRequest(rewards: ["no-such-file.npy"]), "no such file")
    expectRefusal(LoadRequest(rewards: ["."], inputFormat: .npy), "is a directory")
  }

  private func expectRefusal(_ request: LoadRequest, _ sentence: String) {
    #expect {
      _ = try RewardLoader.load(request)
    } throws: { error in
      guard let error = error as? EsscherError else { return false }
      return error.code == .badInput && error.description.contains(sentence)
        && error.location?.file != nil
    }
  }
}

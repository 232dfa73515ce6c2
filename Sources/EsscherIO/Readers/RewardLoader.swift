// SPDX-License-Identifier: Apache-2.0
// From the names a user gave to a table the engine can run on. Arrays for now; text comes next.

public import EsscherCore
internal import Glibc

/// Opens inputs.
public enum RewardLoader {
  /// Reads the headers of every input and maps their cells.
  ///
  /// - Throws: `.badInput` for anything that cannot be read, `.usage` for a request that names no
  ///   format that is known.
  public static func load(_ request: LoadRequest) throws(EsscherError) -> RewardTable {
    let rewards = try open(request.rewards[0], request.key, role: "rewards", request)
    var table = RewardTable(
      label: label(request.rewards[0]), rewards: .cells(rewards.source), inputs: [rewards.record])
    if let gold = request.gold {
      let (path, key) = split(gold)
      let opened = try open(path, key, role: "gold", request)
      table.gold = opened.source
      table.inputs.append(opened.record)
    }
    if let weights = request.logWeights {
      let (path, key) = split(weights)
      let opened = try open(path, key, role: "log-weights", request)
      table.logWeights = opened.source
      table.inputs.append(opened.record)
    }
    return table
  }

  /// A file's name without folder and ending.
  static func label(_ path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return name }
    return String(name[..<dot])
  }

  /// `FILE[:key]`; a file whose own name has the colon is that file.
  static func split(_ text: String) -> (path: String, key: String?) {
    guard unsafe access(text, F_OK) != 0, let colon = text.lastIndex(of: ":") else {
      return (text, nil)
    }
    return (String(text[..<colon]), String(text[text.index(after: colon)...]))
  }

  private static func open(
    _ path: String, _ key: String?, role: String, _ request: LoadRequest
  ) throws(EsscherError) -> (source: NPYSource, record: InputRecord) {
    let ending = path.split(separator: ".").last.map { $0.lowercased() } ?? ""
    let format = role == "rewards" ? request.inputFormat ?? ending : ending
    let source: NPYSource
    switch format {
    case "npy": source = try NPYSource(try InputFile(path: path, name: path), dtype: request.dtype)
    case "npz":
      // The file's own faults first, in our words rather than the archive library's.
      _ = try InputFile(path: path, name: path)
      let archive = try NPZArchive(path: path, name: path)
      source = try NPYSource(
        try archive.unpack(key: key, directory: nil, dtype: request.dtype), dtype: request.dtype)
    default:
      // A missing file or a folder is the likelier mistake than a format.
      _ = try InputFile(path: path, name: path)
      throw EsscherError(
        .usage, "the format of '\(path)' is not known; this version reads .npy and .npz")
    }
    let record = InputRecord(
      role: role, name: key.map { "\(path):\($0)" } ?? path, format: format,
      elementType: source.header.descr, shape: source.header.shape, path: path,
      sha256: request.computeDigests ? try FileDigest.sha256(path: path, name: path) : nil)
    return (source, record)
  }
}

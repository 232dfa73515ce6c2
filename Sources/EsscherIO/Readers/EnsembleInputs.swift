// SPDX-License-Identifier: Apache-2.0
// Several reward models: from several files, several columns of one, or an array with an axis of models.

internal import EsscherCore

extension Loader {
  /// Every reward model of the request, in the order of the files and within them; none where there is one.
  ///
  /// Gold rewards and log weights that lie beside rewards are those of the first file.
  ///
  /// - Parameter first: the first file, whose rows the others follow.
  /// - Returns: the models, and the records of the further files.
  /// - Throws: `.badInput` for a file that is not of the same prompts, `.usage` for one that is named twice.
  func ensemble(
    beginningWith first: LoadedInput
  ) throws(EsscherError) -> (members: [RewardMember], records: [InputRecord]) {
    guard request.rewards.count > 1 else { return (first.members, []) }
    guard request.rewards.count(where: { $0 == "-" }) < 2 else {
      throw EsscherError(
        .usage, "standard input can be read once; name files for the other rewards")
    }
    let inputs =
      try [first]
      + request.rewards.dropFirst().mapThrowing { (path) throws(EsscherError) in
        let format = path == "-" ? request.inputFormat : nil
        let use = TextUse.rewards(
          chosen: chosen, ownGold: false, ownWeights: false, ownProbabilities: false)
        return try load(path, key: request.key, format: format, role: "rewards", use: use)
      }
    // The files' names tell models apart, and their paths where the names are alike.
    let short = request.rewards.map { RewardLoader.label($0) }
    let labels = Set(short).count == short.count ? short : request.rewards
    var members: [RewardMember] = []
    for (label, input) in zip(labels, inputs) {
      let own = input.members.isEmpty ? [RewardMember?](arrayLiteral: nil) : input.members
      for (index, member) in own.enumerated() {
        let rows = member.map { RewardRows.cells($0.source) } ?? input.rows
        let name =
          member.map { input.column == nil ? "\(label)[\(index)]" : "\(label):\($0.name)" } ?? label
        members.append(
          RewardMember(name: name, source: try Self.matched(rows, input, to: first)))
      }
    }
    for (index, member) in members.enumerated()
    where members[..<index].contains(where: { $0.name == member.name }) {
      throw EsscherError(
        .usage, "the rewards '\(member.name)' are named twice; an ensemble needs different models")
    }
    return (members, inputs.dropFirst().map(\.record))
  }
}

extension Sequence {
  /// `map` whose closure throws the package's own error.
  fileprivate func mapThrowing<Result>(
    _ transform: (Element) throws(EsscherError) -> Result
  ) throws(EsscherError) -> [Result] {
    var results: [Result] = []
    for element in self { results.append(try transform(element)) }
    return results
  }
}

// SPDX-License-Identifier: Apache-2.0
// The states of one round, checked to be one of every shard of one sweep.

internal import EsscherCore

struct SweepRound {
  let question: SweepQuestion
  /// Rounds merged before.
  let number: Int
  /// Results over all prompts from the rounds before.
  let known: [PassKey: [UInt8]]
  /// Results that every shard has, one a shard.
  let offered: [PassKey: [[UInt8]]]
  /// Whether every shard can look at any prompt.
  let readsEverything: Bool
  let devices: [String]
  let inputs: [InputRecord]
  let notes: [String]

  private typealias Named = (name: String, state: SweepState)

  /// - Throws: `.badInput` with the first thing that does not fit.
  init(
    _ states: [(name: String, state: SweepState)], version: String
  ) throws(EsscherError) {
    var merged: [Named] = []
    var shards: [(named: Named, index: Int, count: Int, rows: Range<Int>)] = []
    for named in states {
      guard named.state.version == version else {
        throw Self.refusal(
          named,
          "was made by Esscher \(named.state.version), and this is \(version); use one version "
            + "for a whole sweep")
      }
      switch named.state.part {
      case .merged: merged.append(named)
      case .shard(let index, let count, let rows): shards.append((named, index, count, rows))
      }
    }
    guard let first = shards.first else {
      throw EsscherError(
        .usage, "merge needs the state of every shard: name the files that they wrote")
    }
    for named in shards.map(\.named) + merged {
      try Self.checkQuestion(named, first.named)
      try Self.checkInputs(named, first.named)
    }
    shards.sort { ($0.rows.lowerBound, $0.index) < ($1.rows.lowerBound, $1.index) }
    try Self.checkShards(shards.map { ($0.named, $0.index, $0.count, $0.rows) })
    let previous = try Self.previous(merged, shards.map(\.named))
    question = first.named.state.question
    readsEverything = first.named.state.readsEverything
    number = previous?.round ?? 0
    known = Sweep.results(previous?.passes ?? [])
    var offered: [PassKey: [[UInt8]]] = [:]
    for shard in shards {
      guard Set(shard.named.state.passes.map(PassKey.init)).count == shard.named.state.passes.count
      else {
        throw Self.refusal(shard.named, StateCoder.damaged.message)
      }
      for pass in shard.named.state.passes {
        offered[PassKey(pass), default: []].append(pass.result)
      }
    }
    self.offered = offered.filter { $0.value.count == shards.count }
    let parts = (previous.map { [$0] } ?? []) + shards.map(\.named.state)
    devices = Set(parts.flatMap(\.devices)).sorted()
    // Shards that read all prompts read the same.
    inputs = readsEverything ? parts[0].inputs : Self.distinct(parts.map(\.inputs))
    notes = Self.distinct(parts.map(\.notes))
  }

  /// A sweep that is finished.
  init(finished: SweepState) {
    question = finished.question
    number = finished.round
    known = Sweep.results(finished.passes)
    offered = [:]
    readsEverything = finished.readsEverything
    devices = finished.devices
    inputs = finished.inputs
    notes = finished.notes
  }

  private static func distinct<Element: Equatable>(_ lists: [[Element]]) -> [Element] {
    var distinct: [Element] = []
    for list in lists where list != lists.first || distinct.isEmpty {
      for element in list where !distinct.contains(element) { distinct.append(element) }
    }
    return distinct
  }

  private static func refusal(_ named: Named, _ sentence: String) -> EsscherError {
    EsscherError(.badInput, sentence, at: EsscherError.Location(file: named.name))
  }

  /// States of one sweep ask the same.
  static func checkQuestion(
    _ named: (name: String, state: SweepState), _ first: (name: String, state: SweepState)
  ) throws(EsscherError) {
    guard
      let (name, own, others) = named.state.question.difference(from: first.state.question)
    else { return }
    throw refusal(
      named,
      "answers another question than \(first.name): \(name) is \(own) here and \(others) there; run "
        + "every shard with the same options on the same input")
  }

  /// Shards that read one table read the same one.
  private static func checkInputs(_ named: Named, _ first: Named) throws(EsscherError) {
    guard named.state.readsEverything == first.state.readsEverything else {
      throw refusal(
        named,
        "was made of a part of the prompts, or \(first.name) was, and the other of all; make every "
          + "shard in one way")
    }
    guard named.state.readsEverything else { return }
    let (own, others) = (named.state.inputs, first.state.inputs)
    guard Self.areAlike(own, others) else {
      throw refusal(
        named,
        "was made of another table than \(first.name): \(own.map(\.name).joined(separator: ", ")) "
          + "is not of the same kind or shape; give every shard the same files")
    }
  }

  /// Whether inputs can be of one table: the same roles and, as far as their readers tell, the same kinds and shapes. What
  /// one reader finds in a file another may find in memory.
  static func areAlike(_ own: [InputRecord], _ others: [InputRecord]) -> Bool {
    // Policies are part of the question.
    let (own, others) = (
      own.filter { $0.role != "policies" }, others.filter { $0.role != "policies" }
    )
    return own.count == others.count
      && zip(own, others).allSatisfy { one, other in
        guard one.role == other.role else { return false }
        if one.format == other.format {
          return one.elementType == other.elementType && one.shape == other.shape
        }
        // Text has no element type until it is read, and its shape may not be told.
        let kinds = Set([one.elementType, other.elementType])
        let isShapeTold = !one.shape.isEmpty && !other.shape.isEmpty
        return (kinds.count == 1 || kinds.contains("text"))
          && (!isShapeTold || one.shape == other.shape)
      }
  }

  /// Every shard once.
  private static func checkShards(
    _ shards: [(named: Named, index: Int, count: Int, rows: Range<Int>)]
  ) throws(EsscherError) {
    let count = shards[0].count
    var names: [Int: String] = [:]
    for shard in shards {
      guard shard.count == count else {
        throw refusal(
          shard.named,
          "is of \(shard.count) shards, and \(shards[0].named.name) of \(count); run them with the "
            + "same --shard I/N")
      }
      if let other = names[shard.index] {
        throw refusal(
          shard.named,
          "is shard \(shard.index) of \(count), and so is \(other); name each shard's state once")
      }
      names[shard.index] = shard.named.name
    }
    let missing = (1...count).filter { names[$0] == nil }
    guard missing.isEmpty else {
      let list = missing.prefix(8).map(String.init).joined(separator: ", ")
      throw EsscherError(
        .badInput,
        "\(missing.count == 1 ? "shard" : "shards") \(list)\(missing.count > 8 ? ", ..." : "") of "
          + "\(count) \(missing.count == 1 ? "is" : "are") missing; run "
          + "\(missing.count == 1 ? "it" : "them") and name all states")
    }
    var end = 0
    for shard in shards {
      guard shard.rows.lowerBound == end else {
        throw refusal(
          shard.named,
          "begins at prompt \(shard.rows.lowerBound), where \(end) was to come; the "
            + "shards must hold every prompt once")
      }
      end = shard.rows.upperBound
    }
    let all = shards[0].named.state.question.promptCount
    guard end == all else {
      throw EsscherError(
        .badInput, "the shards hold \(end) of \(all) prompts; they must hold every prompt once")
    }
  }

  /// The merge that all shards went by.
  private static func previous(
    _ merged: [Named], _ shards: [Named]
  ) throws(EsscherError) -> SweepState? {
    let wanted = shards.map(\.state.predecessor)
    if wanted.allSatisfy({ $0 == 0 }) { return nil }
    if let early = shards.first(where: { $0.state.predecessor == 0 }),
      let late = shards.first(where: { $0.state.predecessor != 0 })
    {
      throw refusal(
        early,
        "is of round 1, and \(late.name) goes by another merge, of round \(late.state.round + 1); run "
          + "the shard again with --after")
    }
    guard let previous = merged.first(where: { $0.state.checksum == wanted[0] }) else {
      throw refusal(
        shards[0],
        "is of round \(shards[0].state.round + 1) and goes by a merged state that is not here; name "
          + "the one given to --after, too")
    }
    for shard in shards where shard.state.predecessor != wanted[0] {
      throw refusal(
        shard,
        "goes by another merge than \(shards[0].name) (round \(shard.state.round + 1), and "
          + "\(shards[0].state.round + 1) there); run the shard again with --after")
    }
    return previous.state
  }
}

extension PassKey {
  init(_ pass: SweepState.Pass) { self.init(name: pass.name, parameters: pass.parameters) }
}

extension Sweep {
  /// Results by their pass.
  static func results(_ passes: [SweepState.Pass]) -> [PassKey: [UInt8]] {
    Dictionary(passes.map { (PassKey($0), $0.result) }, uniquingKeysWith: { first, _ in first })
  }

  /// The other way round, in an order that depends on nothing but the passes.
  static func passes(_ results: [PassKey: [UInt8]]) -> [SweepState.Pass] {
    results.map { SweepState.Pass(name: $0.name, parameters: $0.parameters, result: $1) }
      .sorted {
        $0.name == $1.name
          ? $0.parameters.lexicographicallyPrecedes($1.parameters) : $0.name < $1.name
      }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Made-up ensembles: scores of several models of the same samples, with gold and log weights.

package import EsscherCore

/// Scores of R models, and what belongs to the samples.
package struct EnsembleRows: Sendable {
  /// Model, prompt, sample.
  package var scores: [[[Double]]]
  package var gold: [[Double]]
  package var logWeights: [[Double]]

  /// Prompts of unequal length unless told otherwise; scores are gold plus errors of unlike size and offset.
  package init(models: Int, prompts: Int, samples: Int, seed: UInt64, ragged: Bool = true) {
    var random = SeededGenerator(seed: seed)
    let counts = (0..<prompts).map { samples + (ragged ? $0 % 3 : 0) }
    gold = counts.map { count in (0..<count).map { _ in random.normal() } }
    logWeights = counts.map { count in (0..<count).map { _ in 0.5 * random.normal() } }
    scores = []
    for model in 0..<models {
      var rows: [[Double]] = []
      for row in gold {
        rows.append(row.map { Double(model) + $0 + 0.3 * Double(model + 1) * random.normal() })
      }
      scores.append(rows)
    }
  }

  /// The members as the engine takes them.
  package var members: [RewardMember] {
    scores.enumerated().map { index, rows in
      RewardMember(name: "model \(index)", source: MemorySource(name: "file \(index)", rows: rows))
    }
  }

  /// The table of all of it.
  package func table(gold hasGold: Bool = true, weights: Bool = false) -> RewardTable {
    RewardTable(
      label: "made", members: members,
      gold: hasGold ? MemorySource(name: "gold", rows: gold) : nil,
      logWeights: weights ? MemorySource(name: "weights", rows: logWeights) : nil)
  }

  /// One reward of every sample, from its scores.
  package func combined(_ combine: (_ scores: [Double]) -> Double) -> [[Double]] {
    gold.indices.map { row in
      gold[row].indices.map { column in combine(scores.map { $0[row][column] }) }
    }
  }

  /// The samples of each prompt in another order, everything together.
  package func permuted(seed: UInt64) -> EnsembleRows {
    var random = SeededGenerator(seed: seed)
    var moved = self
    for row in gold.indices {
      let order = gold[row].indices.shuffled(using: &random)
      moved.gold[row] = order.map { gold[row][$0] }
      moved.logWeights[row] = order.map { logWeights[row][$0] }
      for model in scores.indices {
        moved.scores[model][row] = order.map { scores[model][row][$0] }
      }
    }
    return moved
  }
}

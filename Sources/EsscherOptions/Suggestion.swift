// SPDX-License-Identifier: Apache-2.0
// "Did you mean": the known word nearest to a misspelt one, by edit distance.

package enum Suggestion {
  /// ` Did you mean X?`, or nothing where no word is near.
  package static func sentence(for word: String, among known: [String]) -> String {
    nearest(to: word, among: known).map { " Did you mean \($0)?" } ?? ""
  }

  /// The nearest known word, if it can be reached by changing about a third of the letters. A word
  /// that continues what was typed counts as near.
  package static func nearest(to word: String, among known: [String]) -> String? {
    let ranked = known.map { (name: $0, distance: distance(word, $0)) }
    if let best = ranked.min(by: { $0.distance < $1.distance }),
      best.distance <= max(1, word.count / 3)
    {
      return best.name
    }
    let stem = word.drop { $0 == "-" }
    guard stem.count >= 2 else { return nil }
    let continued = known.filter { $0.hasPrefix(word) }
    return continued.count == 1 ? continued[0] : nil
  }

  /// Edits that turn one word into the other: insertions, deletions, replacements, and swaps of
  /// neighbours (the restricted Damerau-Levenshtein distance).
  package static func distance(_ first: String, _ second: String) -> Int {
    let a = Array(first.utf8)
    let b = Array(second.utf8)
    guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
    var before = [Int](repeating: 0, count: b.count + 1)
    var previous = Array(0...b.count)
    for i in 1...a.count {
      var current = [i] + [Int](repeating: 0, count: b.count)
      for j in 1...b.count {
        let cost = a[i - 1] == b[j - 1] ? 0 : 1
        current[j] = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost)
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
          current[j] = min(current[j], before[j - 2] + 1)
        }
      }
      (before, previous) = (previous, current)
    }
    return previous[b.count]
  }
}

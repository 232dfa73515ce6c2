// SPDX-License-Identifier: Apache-2.0
// RowSort on the CPU: the samples of one row, largest first, gold and weights along with their rewards.

internal import CRowSort
internal import EsscherCore

extension RowWorkspace {
  /// Keys of the row's floats, with positions where gold follows them, straight from the read buffer.
  ///
  /// - Returns: false where a cell is infinite or NaN; the keys are of no use then.
  func makeKeys(floats: UnsafePointer<Float>) -> Bool {
    hasGold
      ? unsafe crow_pairs_of_floats(level, floats, count, keys)
      : unsafe crow_keys_of_floats(level, floats, count, shortKeys(keys))
  }

  /// Sorts the row, largest first, gold and weights along with their rewards; equal rewards keep their order, or
  /// have their gold's where it was packed with them.
  ///
  /// - Complexity: O(count), no allocation; see docs/design/013-row-sort.md.
  func sort() {
    unsafe small[0] = 0
    if hasPackedGold {
      sortPacked()
      return
    }
    if hasKeysOfFloats {
      if hasGold {
        unsafe crow_sort_64(level, keys, count, spareKeys)
        hasTies = unsafe crow_floats_of_pairs(level, keys, count, values, small)
      } else {
        let short = unsafe shortKeys(keys)
        unsafe crow_sort_32(level, short, count, shortKeys(spareKeys))
        hasTies = unsafe crow_floats_of_keys(level, short, count, values, small)
      }
    } else if hasGold || hasWeights {
      unsafe crow_pairs_of_doubles(level, values, count, keys)
      unsafe crow_sort_pairs_of_doubles(level, values, keys, count, spareKeys)
      hasTies = unsafe crow_gather(level, values, keys, count, shifted, small)
      unsafe values.update(from: shifted, count: count)
    } else {
      sortRewards(storage: .float64)
    }
    sortedSum = unsafe small[0]
    if hasWeights {
      _ = unsafe crow_gather(level, weights, keys, count, shifted, small)
      unsafe weights.update(from: shifted, count: count)
    }
    if hasGold {
      let room = unsafe goldRoom
      _ = unsafe crow_gather(level, gold, keys, count, room, small)
      unsafe storedGold = room
      goldSum = unsafe small[0]
    }
  }

  /// Sorts rewards that carry their gold in their keys' lower halves. Nobody sees inside of ties, within which it is
  /// sorted too.
  private func sortPacked() {
    unsafe crow_sort_64(level, keys, count, spareKeys)
    unsafe storedGold = goldRoom
    hasTies = unsafe crow_unpack_floats(level, keys, count, values, storedGold, small)
    sortedSum = unsafe small[0]
    goldSum = unsafe small[1]
  }

  /// Where sorted gold lies until it comes back to its place, when it is centred.
  private var goldRoom: UnsafeMutablePointer<Double> {
    unsafe UnsafeMutableRawPointer(spareKeys).assumingMemoryBound(to: Double.self)
  }

  /// Sorts the rewards alone, which gold and weights do not follow.
  func sortRewards(storage: CellStorage) {
    switch storage {
    case .float32:
      let short = unsafe shortKeys(keys)
      unsafe crow_short_keys_of_doubles(level, values, count, short)
      unsafe crow_sort_32(level, short, count, shortKeys(spareKeys))
      hasTies = unsafe crow_floats_of_keys(level, short, count, values, small)
    case .float64:
      unsafe crow_keys_of_doubles(level, values, count, keys)
      unsafe crow_sort_64(level, keys, count, spareKeys)
      hasTies = unsafe crow_doubles_of_keys(level, keys, count, values, small)
    }
  }

  /// Room for keys of 32 bits in that of keys of 64.
  func shortKeys(_ keys: UnsafeMutablePointer<Int64>) -> UnsafeMutablePointer<Int32> {
    unsafe UnsafeMutableRawPointer(keys).assumingMemoryBound(to: Int32.self)
  }
}

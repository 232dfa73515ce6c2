// SPDX-License-Identifier: Apache-2.0
// RowSort: the samples of one row, largest first, with the order they came in where a payload needs it.
//
// Least-significant-digit radix sort on order-preserving integer keys; measured faster on a row than
// comparison sorts from about 50 keys up. A digit that all keys share costs nothing.

/// Maps floating-point values to unsigned keys whose ascending order is the values' descending order.
enum DescendingKey {
  /// −0 and +0 are one value and get one key. NaN must not come here.
  @inline(__always)
  static func encode(_ x: Float) -> UInt32 {
    let bits = (x + 0).bitPattern
    let ascending = bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits
    return ~ascending
  }

  @inline(__always)
  static func decode(_ key: UInt32) -> Float {
    let ascending = ~key
    return Float(bitPattern: ascending >> 31 == 1 ? ascending & 0x7FFF_FFFF : ~ascending)
  }

  @inline(__always)
  static func encode(_ x: Double) -> UInt64 {
    let bits = (x + 0).bitPattern
    let ascending = bits >> 63 == 0 ? bits | 0x8000_0000_0000_0000 : ~bits
    return ~ascending
  }

  @inline(__always)
  static func decode(_ key: UInt64) -> Double {
    let ascending = ~key
    return Double(
      bitPattern: ascending >> 63 == 1 ? ascending & 0x7FFF_FFFF_FFFF_FFFF : ~ascending)
  }
}

enum RowSort {
  /// Below this many keys insertion sort is faster than the radix passes' histograms.
  static let insertionLimit = 48

  /// Sorts keys ascending; stable. `order`, where given, is permuted along.
  ///
  /// - Parameters:
  ///   - keys, spare: `count` keys and as much scratch; the result is in `keys`.
  ///   - order, spareOrder: positions that follow their keys, and as much scratch.
  ///   - histogram: 256 counters a byte of the key.
  /// - Complexity: O(count · bytes of the key), no allocation.
  @inline(__always)
  static func sort<Key: FixedWidthInteger & UnsignedInteger>(
    _ keys: UnsafeMutablePointer<Key>, _ spare: UnsafeMutablePointer<Key>,
    _ order: UnsafeMutablePointer<UInt32>?, _ spareOrder: UnsafeMutablePointer<UInt32>?,
    count: Int, histogram: UnsafeMutablePointer<UInt32>
  ) {
    if count <= insertionLimit {
      unsafe insertionSort(keys, order, count: count)
      return
    }
    let digits = Key.bitWidth / 8
    unsafe histogram.update(repeating: 0, count: 256 &* digits)
    var index = 0
    while index < count {
      var key = unsafe keys[index]
      var digit = 0
      while digit < digits {
        unsafe histogram[digit &* 256 &+ Int(truncatingIfNeeded: key & 0xFF)] &+= 1
        key = key &>> 8
        digit &+= 1
      }
      index &+= 1
    }
    var source = unsafe keys
    var target = unsafe spare
    var sourceOrder = unsafe order
    var targetOrder = unsafe spareOrder
    var digit = 0
    while digit < digits {
      let bins = unsafe histogram + digit &* 256
      let shift = Key(truncatingIfNeeded: digit &* 8)
      let first = unsafe Int(truncatingIfNeeded: (source[0] &>> shift) & 0xFF)
      digit &+= 1
      if unsafe Int(bins[first]) == count { continue }
      var position: UInt32 = 0
      var bin = 0
      while bin < 256 {
        let size = unsafe bins[bin]
        unsafe bins[bin] = position
        position &+= size
        bin &+= 1
      }
      index = 0
      if let from = unsafe sourceOrder, let to = unsafe targetOrder {
        while index < count {
          let key = unsafe source[index]
          let place = Int(truncatingIfNeeded: (key &>> shift) & 0xFF)
          let slot = unsafe Int(bins[place])
          unsafe bins[place] &+= 1
          unsafe target[slot] = key
          unsafe to[slot] = from[index]
          index &+= 1
        }
      } else {
        while index < count {
          let key = unsafe source[index]
          let place = Int(truncatingIfNeeded: (key &>> shift) & 0xFF)
          let slot = unsafe Int(bins[place])
          unsafe bins[place] &+= 1
          unsafe target[slot] = key
          index &+= 1
        }
      }
      unsafe swap(&source, &target)
      unsafe swap(&sourceOrder, &targetOrder)
    }
    if unsafe source != keys {
      unsafe keys.update(from: source, count: count)
      if let order = unsafe order, let sorted = unsafe sourceOrder {
        unsafe order.update(from: sorted, count: count)
      }
    }
  }

  @inline(__always)
  private static func insertionSort<Key: FixedWidthInteger & UnsignedInteger>(
    _ keys: UnsafeMutablePointer<Key>, _ order: UnsafeMutablePointer<UInt32>?, count: Int
  ) {
    var index = 1
    while index < count {
      let key = unsafe keys[index]
      let place = unsafe order?[index] ?? 0
      var hole = index
      while unsafe hole > 0 && keys[hole &- 1] > key {
        unsafe keys[hole] = keys[hole &- 1]
        if let order = unsafe order { unsafe order[hole] = order[hole &- 1] }
        hole &-= 1
      }
      unsafe keys[hole] = key
      if let order = unsafe order { unsafe order[hole] = place }
      index &+= 1
    }
  }
}

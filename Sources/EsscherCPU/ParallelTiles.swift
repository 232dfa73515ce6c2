// SPDX-License-Identifier: Apache-2.0
// The one place where several threads write into one array.
//
// Why that is safe: work is handed out as disjoint index ranges by an atomic counter, each index is
// given to exactly one worker, and a worker writes only to the slots of its own indices. The arrays
// outlive the call, because `WorkerThreads.run` returns after every worker has. Nothing about the
// result depends on which worker took which range.

package import EsscherCore
internal import Synchronization

/// A slice of memory whose slots are each written by one worker.
///
/// The only type that carries a mutable pointer across threads.
@safe
package struct DisjointSlots<Element>: @unchecked Sendable {
  private let base: UnsafeMutablePointer<Element>?

  package init(_ buffer: UnsafeMutableBufferPointer<Element>) {
    unsafe base = buffer.baseAddress
  }

  /// Writes one slot; the caller owns its index.
  @inline(__always)
  package func set(_ index: Int, _ value: Element) {
    if let base = unsafe base { unsafe base[index] = value }
  }

  /// Writes one slot that holds nothing yet.
  @inline(__always)
  package func initialize(_ index: Int, _ value: Element) {
    if let base = unsafe base { unsafe (base + index).initialize(to: value) }
  }

  /// The slots from `index` on, for a worker that owns a run of them.
  package func pointer(at index: Int) -> UnsafeMutablePointer<Element>? {
    unsafe base.map { unsafe $0 + index }
  }
}

package enum ParallelTiles {
  /// Runs `body` on every chunk of `0 ..< count`, `threads` chunks at a time.
  ///
  /// `makeScratch` is called once a worker, and its error is that of chunk 0. If chunks throw, the error of the first chunk in index
  /// order is thrown, whatever the threads did.
  package static func forEach<Scratch>(
    count: Int, chunk: Int, threads: Int, makeScratch: @Sendable () throws(EsscherError) -> Scratch,
    body: @Sendable (_ range: Range<Int>, _ scratch: Scratch) throws(EsscherError) -> Void
  ) throws(EsscherError) {
    let chunks = (count + chunk - 1) / chunk
    let next = Atomic(0)
    let failure = Mutex<(chunk: Int, error: EsscherError)?>(nil)
    WorkerThreads.run(min(threads, chunks)) {
      let scratch: Scratch
      do throws(EsscherError) {
        scratch = try makeScratch()
      } catch {
        failure.withLock { $0 = (0, error) }
        return
      }
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < chunks else { return }
        if let failed = failure.withLock({ $0?.chunk }), failed < index { return }
        do throws(EsscherError) {
          try body(index * chunk..<min(count, (index + 1) * chunk), scratch)
        } catch {
          failure.withLock { first in
            if first.map({ $0.chunk > index }) ?? true { first = (index, error) }
          }
        }
      }
    }
    if let error = failure.withLock({ $0?.error }) { throw error }
  }

  /// Runs `body` for every index of `0 ..< count` on any threads, a few neighbours at a time.
  package static func forEach(
    count: Int, threads: Int, _ body: @Sendable (_ index: Int) -> Void
  ) {
    forEach(count: count, threads: threads, makeScratch: {}, body: { index, _ in body(index) })
  }

  /// As ``forEach(count:threads:_:)``; `makeScratch` is called once a worker.
  private static func forEach<Scratch>(
    count: Int, threads: Int, makeScratch: @Sendable () -> Scratch,
    body: @Sendable (_ index: Int, _ scratch: Scratch) -> Void
  ) {
    guard count > 0 else { return }
    // Neighbours together, so that workers seldom write to one cache line and seldom meet at the counter.
    let chunk = max(1, min(16, count / (4 * max(1, threads))))
    let next = Atomic(0)
    WorkerThreads.run(min(threads, count)) {
      let scratch = makeScratch()
      while true {
        let start = next.wrappingAdd(chunk, ordering: .relaxed).oldValue
        guard start < count else { return }
        for index in start..<min(count, start + chunk) { body(index, scratch) }
      }
    }
  }

  /// Runs `body` for every index of `0 ..< count` on any threads and collects the results in order.
  package static func map<Result>(
    count: Int, threads: Int, _ body: @Sendable (_ index: Int) -> Result
  ) -> [Result] {
    map(count: count, threads: threads, makeScratch: {}, body: { index, _ in body(index) })
  }

  /// As ``map(count:threads:_:)``; `makeScratch` is called once a worker.
  package static func map<Result, Scratch>(
    count: Int, threads: Int, makeScratch: @Sendable () -> Scratch,
    body: @Sendable (_ index: Int, _ scratch: Scratch) -> Result
  ) -> [Result] {
    unsafe [Result](unsafeUninitializedCapacity: count) { buffer, initialized in
      let slots = unsafe DisjointSlots(buffer)
      forEach(
        count: count, threads: threads, makeScratch: makeScratch,
        body: { index, scratch in slots.initialize(index, body(index, scratch)) })
      initialized = count
    }
  }
}

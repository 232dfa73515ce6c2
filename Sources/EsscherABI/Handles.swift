// SPDX-License-Identifier: Apache-2.0
// Objects of the library behind the interface's pointers, and the one way a call ends.

internal import CEsscher
internal import CForkState
internal import EsscherCore

/// An object that C holds a pointer to.
///
/// C's pointer owns one reference: `handle` makes it, ``release(_:)`` ends it, and a pointer may not be used after.
protocol Handle: AnyObject {
  /// What it is, for messages.
  static var kind: String { get }
}

extension Handle {
  /// A pointer for C, which owns the object from now on.
  var handle: OpaquePointer { unsafe OpaquePointer(Unmanaged.passRetained(self).toOpaque()) }

  /// The object behind a pointer, nil of NULL.
  static func object(_ handle: OpaquePointer?) -> Self? {
    guard let handle = unsafe handle else { return nil }
    return unsafe Unmanaged<Self>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
  }

  /// The object behind a pointer that must be one.
  static func required(_ handle: OpaquePointer?) throws(EsscherError) -> Self {
    guard let object = unsafe object(handle) else {
      throw EsscherError(.usage, "The \(kind) is NULL; pass one that was created.")
    }
    return object
  }

  /// Ends C's ownership.
  static func release(_ handle: OpaquePointer?) {
    guard let handle = unsafe handle else { return }
    unsafe Unmanaged<Self>.fromOpaque(UnsafeRawPointer(handle)).release()
  }
}

/// Why a call failed.
final class Failure: Handle {
  static let kind = "error"
  let status: Int32
  let message: CText
  let location: CText

  init(_ error: EsscherError) {
    status = error.code.exitCode
    message = CText(error.description)
    location = CText(error.location?.description ?? "")
  }
}

enum Call {
  typealias ErrorSlot = UnsafeMutablePointer<OpaquePointer?>

  /// Runs the body of a call and turns what it throws into a status and an error for the caller.
  static func status(
    _ slot: ErrorSlot?, _ body: () throws(EsscherError) -> Void
  ) -> Int32 {
    var status = Int32(ESSCHER_INTERNAL)
    run { status = unsafe outcome(slot, body) }
    return status
  }

  /// Runs the body of a call, on a new thread where the caller's came over with fork: that one cannot hold a lock that
  /// another thread waits for (`cforkstate_is_forking_thread`).
  ///
  /// Functions that read a handle need it not, as long as creating the handle sets up every global that they use: what is set
  /// up takes no lock.
  static func run(_ body: () -> Void) {
    guard cforkstate_is_forking_thread() != 0 else { return body() }
    let threads = withoutActuallyEscaping(body) { body in
      let work = Body(body)
      return withExtendedLifetime(work) {
        unsafe cforkstate_run_on_new_threads(
          1, { unsafe Unmanaged<Body>.fromOpaque($0).takeUnretainedValue().run() },
          Unmanaged.passUnretained(work).toOpaque())
      }
    }
    // No thread could be had: better than no answer.
    if threads == 0 { body() }
  }

  /// A closure that C can hold a pointer to.
  private final class Body {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
  }

  private static func outcome(
    _ slot: ErrorSlot?, _ body: () throws(EsscherError) -> Void
  ) -> Int32 {
    do throws(EsscherError) {
      try body()
      if let slot = unsafe slot { unsafe slot.pointee = nil }
      return Int32(ESSCHER_OK)
    } catch {
      let failure = Failure(error)
      if let slot = unsafe slot { unsafe slot.pointee = failure.handle }
      return failure.status
    }
  }
}

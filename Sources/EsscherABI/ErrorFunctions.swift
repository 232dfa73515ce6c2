// SPDX-License-Identifier: Apache-2.0
// Version and errors. What each function does is documented in esscher.h, whose names they have.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

internal import CEsscher
internal import Esscher
internal import Glibc

/// See esscher.h.
@c @implementation
public func esscher_abi_version() -> Int32 { Int32(ESSCHER_ABI_VERSION) }

private let version = CText(Engine.version)

/// See esscher.h.
@c @implementation
public func esscher_version() -> UnsafePointer<CChar>? {
  var text: UnsafePointer<CChar>?
  Call.run { unsafe text = version.pointer }
  return unsafe text
}

/// See esscher.h.
@c @implementation
public func esscher_error_status(_ error: OpaquePointer?) -> Int32 {
  unsafe Failure.object(error)?.status ?? Int32(ESSCHER_OK)
}

/// See esscher.h.
@c @implementation
public func esscher_error_message(_ error: OpaquePointer?) -> UnsafePointer<CChar>? {
  unsafe Failure.object(error)?.message.pointer ?? nothing
}

/// See esscher.h.
@c @implementation
public func esscher_error_location(_ error: OpaquePointer?) -> UnsafePointer<CChar>? {
  unsafe Failure.object(error)?.location.pointer ?? nothing
}

/// "", which is there without being set up.
private var nothing: UnsafePointer<CChar> {
  let empty: StaticString = ""
  return unsafe UnsafeRawPointer(empty.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// See esscher.h.
@c @implementation
public func esscher_error_destroy(_ error: OpaquePointer?) { unsafe Failure.release(error) }

/// See esscher.h.
@c @implementation
public func esscher_text_destroy(_ text: UnsafeMutablePointer<CChar>?) { unsafe free(text) }

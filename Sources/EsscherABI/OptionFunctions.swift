// SPDX-License-Identifier: Apache-2.0
// Options. What each function does is documented in esscher.h, whose names they have.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

internal import CEsscher
internal import EsscherCore
internal import EsscherOptions

/// See esscher.h.
@c @implementation
public func esscher_options_create() -> OpaquePointer? {
  var made: OpaquePointer?
  Call.run { unsafe made = RequestHandle().handle }
  return unsafe made
}

/// See esscher.h.
@c @implementation
public func esscher_options_destroy(_ options: OpaquePointer?) {
  unsafe RequestHandle.release(options)
}

/// See esscher.h.
@c @implementation
public func esscher_options_set(
  _ options: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  unsafe Call.status(error) { () throws(EsscherError) in
    let request = try unsafe RequestHandle.required(options)
    let text: String? = unsafe value == nil ? nil : try Argument.text(value, "The option's value")
    try request.set(try unsafe Argument.text(name, "The option's name"), text)
  }
}

/// See esscher.h.
@c @implementation
public func esscher_options_set_numbers(
  _ options: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ numbers: UnsafePointer<Double>?,
  _ count: Int64, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  unsafe Call.status(error) { () throws(EsscherError) in
    let request = try unsafe RequestHandle.required(options)
    let name = try unsafe Argument.text(name, "The option's name")
    guard let numbers = unsafe numbers else {
      throw EsscherError(
        .usage, "The numbers of '\(name.prefix(64))' are NULL; pass where they are.")
    }
    guard (1...Int64(GridSpec.countLimit)).contains(count) else {
      throw EsscherError(
        .usage,
        "'\(name.prefix(64))' takes from 1 to \(GridSpec.countLimit) numbers, not \(count).")
    }
    try request.set(
      name, numbers: unsafe Array(UnsafeBufferPointer(start: numbers, count: Int(count))))
  }
}

/// See esscher.h.
@c @implementation
public func esscher_options_add_policy(
  _ options: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ kl: Double, _ reward: Double,
  _ gold: Double, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  unsafe Call.status(error) { () throws(EsscherError) in
    let request = try unsafe RequestHandle.required(options)
    let name = try unsafe Argument.text(name, "The policy's name")
    guard !name.isEmpty else {
      throw EsscherError(.badInput, "the policy has no name; give it one")
    }
    try request.add(
      PolicyPoint(name: name, kl: kl, reward: reward, gold: gold.isNaN ? nil : gold))
  }
}

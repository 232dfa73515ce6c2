// SPDX-License-Identifier: Apache-2.0
// Runs and devices. What each function does is documented in esscher.h, whose names they have.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CEsscher
internal import Esscher
internal import EsscherReport

/// See esscher.h.
@c @implementation
public func esscher_frontier(
  _ table: OpaquePointer?, _ options: OpaquePointer?, _ observer: UnsafePointer<esscher_observer>?,
  _ report: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  if let report = unsafe report { unsafe report.pointee = nil }
  return unsafe Call.status(error) { () throws(EsscherError) in
    guard let report = unsafe report else {
      throw EsscherError(
        .usage, "There is nowhere to put the report; pass the address of a pointer.")
    }
    let rewards = try unsafe TableHandle.required(table).table()
    let request = unsafe RequestHandle.object(options)?.request ?? FrontierRequest()
    let watching = try unsafe ObserverArgument(observer, promptIDs: rewards.promptIDs)
    let result = try Engine().frontier(rewards, request, observer: watching.observer)
    try watching.finish()
    unsafe report.pointee = ReportHandle(result).handle
  }
}

/// See esscher.h.
@c @implementation
public func esscher_devices(
  _ text: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  unsafe Call.status(error) { () throws(EsscherError) in
    guard let text = unsafe text else {
      throw EsscherError(.usage, "There is nowhere to put the text; pass the address of a pointer.")
    }
    let (usable, rejected) = Engine.devices()
    guard let copy = unsafe CText.handOver(DeviceListing.json(usable, rejected)) else {
      throw EsscherError(.internal, "There is no memory for the text.")
    }
    unsafe text.pointee = copy
  }
}

/// See esscher.h.
@c @implementation
public func esscher_set_probe_command(
  _ arguments: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int32,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  unsafe Call.status(error) { () throws(EsscherError) in
    let most = DeviceProbeChild.mostWords
    guard let arguments = unsafe arguments else {
      throw EsscherError(.usage, "The probe command is NULL; pass a program by its path.")
    }
    guard (1...Int32(most)).contains(count) else {
      throw EsscherError(.usage, "A probe command has from 1 to \(most) arguments, not \(count).")
    }
    var words: [String] = []
    for index in 0..<Int(count) {
      words.append(try unsafe Argument.text(arguments[index], "Argument \(index)"))
    }
    guard words[0].hasPrefix("/") else {
      throw EsscherError(
        .usage,
        "The program '\(words[0].prefix(200))' is no absolute path; write it from the root on.")
    }
    DeviceProbeChild.offer(words)
  }
}

/// See esscher.h.
@c @implementation
public func esscher_probe_main(
  _ count: Int32, _ arguments: UnsafePointer<UnsafePointer<CChar>?>?
) -> Int32 {
  guard let arguments = unsafe arguments, (2...64).contains(count) else {
    return Int32(ESSCHER_USAGE)
  }
  var words: [String] = []
  for index in 0..<Int(count) {
    guard let word = unsafe arguments[index].map({ unsafe String(cString: $0) }) else {
      return Int32(ESSCHER_USAGE)
    }
    words.append(word)
  }
  guard words[0] == DeviceProbeChild.argument else { return Int32(ESSCHER_USAGE) }
  DeviceProbeChild.run(Array(words.dropFirst())) { line in ProbeOutput.write(line + "\n") }
  return Int32(ESSCHER_OK)
}

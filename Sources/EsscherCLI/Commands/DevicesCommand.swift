// SPDX-License-Identifier: Apache-2.0
// `esscher devices`: what can carry out a run here, and what `auto` picks.

internal import Esscher
internal import EsscherIO

enum DevicesCommand {
  static func run(_ record: LowArguments, _ session: Session) throws(EsscherError) {
    try refusePositionals(record, of: .devices)
    let (usable, rejected) = Engine.devices()
    try session.checkCancelled()
    try session.console.print(
      record.json ? json(usable, rejected) : text(usable, rejected))
  }

  static func text(_ devices: [DeviceDescription], _ rejected: [DeviceFallback]) -> String {
    var text = ""
    for device in devices {
      let memory = device.memoryBytes.map { ", \(($0 + 1 << 29) >> 30) GiB" } ?? ""
      text += "\(device.name): \(device.model), \(device.target), \(device.units) units\(memory)"
      text += device.isAutomaticChoice ? " (picked by auto)\n" : "\n"
    }
    for device in rejected {
      text += "not usable: \(device.device): \(device.reason); \(device.remedy)\n"
    }
    return text
  }

  static func json(_ devices: [DeviceDescription], _ rejected: [DeviceFallback]) -> String {
    let items = devices.map { device in
      JSONValue.object([
        ("name", .string(device.name)),
        ("model", .string(device.model)),
        ("target", .string(device.target)),
        ("units", .integer(device.units)),
        ("memory_bytes", device.memoryBytes.map(JSONValue.integer) ?? .null),
        ("usable", .bool(true)),
      ])
    }
    let others = rejected.map { device in
      JSONValue.object([
        ("name", .string(device.device)), ("usable", .bool(false)),
        ("reason", .string(device.reason)), ("remedy", .string(device.remedy)),
      ])
    }
    let choice = devices.first(where: \.isAutomaticChoice)?.name
    return JSONValue.object([("devices", .array(items + others)), ("auto", JSONValue(choice))])
      .pretty(depth: 2) + "\n"
  }
}

/// Refuses arguments of a command that takes none.
func refusePositionals(_ record: LowArguments, of command: CommandName) throws(EsscherError) {
  guard let first = record.positionals.first else { return }
  throw EsscherError(
    .usage, "\(command.rawValue) takes no arguments besides options; '\(first)' is one too many.")
}

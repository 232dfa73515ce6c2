// SPDX-License-Identifier: Apache-2.0
// `esscher devices`: what can carry out a run here, and what `auto` picks.

internal import Esscher
internal import EsscherIO

enum DevicesCommand {
  static func run(_ record: LowArguments, _ session: Session) throws(EsscherError) {
    try refusePositionals(record, of: .devices)
    let devices = Engine.devices
    try session.console.print(record.json ? json(devices) : text(devices))
  }

  static func text(_ devices: [DeviceDescription]) -> String {
    var text = ""
    for device in devices {
      text += "\(device.name): \(device.model), \(device.target), \(device.units) threads"
      text += device.isAutomaticChoice ? " (picked by auto)\n" : "\n"
    }
    return text
  }

  static func json(_ devices: [DeviceDescription]) -> String {
    let items = devices.map { device in
      JSONValue.object([
        ("name", .string(device.name)),
        ("model", .string(device.model)),
        ("target", .string(device.target)),
        ("threads", .integer(device.units)),
        ("memory_bytes", device.memoryBytes.map(JSONValue.integer) ?? .null),
        ("usable", .bool(true)),
      ])
    }
    let choice = devices.first(where: \.isAutomaticChoice)?.name
    return JSONValue.object([("devices", .array(items)), ("auto", JSONValue(choice))])
      .pretty(depth: 2) + "\n"
  }
}

/// Refuses arguments of a command that takes none.
func refusePositionals(_ record: LowArguments, of command: CommandName) throws(EsscherError) {
  guard let first = record.positionals.first else { return }
  throw EsscherError(
    .usage, "\(command.rawValue) takes no arguments besides options; '\(first)' is one too many.")
}

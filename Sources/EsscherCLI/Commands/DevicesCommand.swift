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
      record.json ? DeviceListing.json(usable, rejected) : text(usable, rejected))
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
}

/// Refuses arguments of a command that takes none.
func refusePositionals(_ record: LowArguments, of command: CommandName) throws(EsscherError) {
  guard let first = record.positionals.first else { return }
  throw EsscherError(
    .usage, "\(command.rawValue) takes no arguments besides options; '\(first)' is one too many.")
}

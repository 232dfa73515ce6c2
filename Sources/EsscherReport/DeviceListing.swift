// SPDX-License-Identifier: Apache-2.0
// The devices of a machine as JSON, as `esscher devices --json` prints them.

package import EsscherCore

package enum DeviceListing {
  /// Usable devices, then the others with their reasons, and what `auto` picks.
  ///
  /// - Parameters:
  ///   - devices: those that a run can use.
  ///   - rejected: those that it cannot.
  package static func json(_ devices: [DeviceDescription], _ rejected: [DeviceFallback]) -> String {
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

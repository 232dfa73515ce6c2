// SPDX-License-Identifier: Apache-2.0

/// A device of this machine, usable or not.
public struct DeviceDescription: Sendable, Equatable {
  /// As `--device` names it.
  public var name: String
  /// The processor's or board's own name.
  public var model: String
  /// What its code is compiled for: the instruction-set level of the hot loops, or a driver's version.
  public var target: String
  /// Worker threads or compute units.
  public var units: Int
  /// Memory in bytes that runs may draw on; nil where it is not known.
  public var memoryBytes: Int?
  /// Whether `auto` picks it.
  public var isAutomaticChoice: Bool

  /// A device from its parts.
  public init(
    name: String, model: String, target: String, units: Int, memoryBytes: Int?,
    isAutomaticChoice: Bool
  ) {
    self.name = name
    self.model = model
    self.target = target
    self.units = units
    self.memoryBytes = memoryBytes
    self.isAutomaticChoice = isAutomaticChoice
  }
}

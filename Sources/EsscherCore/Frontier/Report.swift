// SPDX-License-Identifier: Apache-2.0
// The record a run leaves behind: its points and where they came from.

/// Time spent in one stage of a run.
public struct StageTime: Sendable, Equatable {
  /// Name of the stage.
  public var stage: String
  /// Wall time.
  public var seconds: Double

  /// One stage's time.
  public init(stage: String, seconds: Double) {
    self.stage = stage
    self.seconds = seconds
  }
}

/// A device that was considered and not used.
public struct DeviceFallback: Sendable, Equatable {
  /// Name of the device.
  public var device: String
  /// Why it was not used.
  public var reason: String
  /// What would make it usable.
  public var remedy: String

  /// A device that was passed over.
  public init(device: String, reason: String, remedy: String) {
    self.device = device
    self.reason = reason
    self.remedy = remedy
  }
}

/// Where a report's numbers came from.
public struct Provenance: Sendable, Equatable {
  /// Version of Esscher.
  public var version: String
  /// The program's arguments.
  public var commandLine: [String]
  /// Files that were read.
  public var inputs: [InputRecord]
  /// Prompts and samples that took part.
  public var promptCount: Int
  /// Samples of the shortest prompt.
  public var sampleCountMinimum: Int
  /// Samples of the longest prompt.
  public var sampleCountMaximum: Int
  /// Samples dropped for a missing cell.
  public var droppedSamples: Int
  /// Prompts dropped because no sample was left.
  public var droppedPrompts: Int
  /// Name of the device.
  public var device: String
  /// Version of the driver, where there is one.
  public var driver: String?
  /// Devices that were passed over.
  public var fallbacks: [DeviceFallback]
  /// Precision asked for, or the default of the input.
  public var precision: Precision
  /// Worker threads.
  public var threads: Int
  /// Memory budget in bytes.
  public var memoryBudgetBytes: Int
  /// Seed of the bootstrap.
  public var seed: UInt64
  /// Bootstrap replicates.
  public var resamples: Int
  /// Confidence of the intervals.
  public var confidence: Double
  /// Wall time by stage, in order.
  public var stages: [StageTime]
  /// How the tilts of the report's points were summed, and to what bound; nil of a device that does not count.
  public var tilts: TiltMethods?

  /// A provenance record from its parts.
  public init(
    version: String, commandLine: [String], inputs: [InputRecord], promptCount: Int,
    sampleCountMinimum: Int, sampleCountMaximum: Int, droppedSamples: Int, droppedPrompts: Int,
    device: String, driver: String?, fallbacks: [DeviceFallback], precision: Precision,
    threads: Int, memoryBudgetBytes: Int, seed: UInt64, resamples: Int, confidence: Double,
    stages: [StageTime]
  ) {
    self.version = version
    self.commandLine = commandLine
    self.inputs = inputs
    self.promptCount = promptCount
    self.sampleCountMinimum = sampleCountMinimum
    self.sampleCountMaximum = sampleCountMaximum
    self.droppedSamples = droppedSamples
    self.droppedPrompts = droppedPrompts
    self.device = device
    self.driver = driver
    self.fallbacks = fallbacks
    self.precision = precision
    self.threads = threads
    self.memoryBudgetBytes = memoryBudgetBytes
    self.seed = seed
    self.resamples = resamples
    self.confidence = confidence
    self.stages = stages
  }
}

/// The result of a run, ready for a writer.
public struct Report: Sendable, Equatable {
  /// Lines of the result, in order.
  public var points: [FrontierPoint]
  /// Where the numbers came from.
  public var provenance: Provenance
  /// Sentences for the user that belong to no single point.
  public var warnings: [String]

  /// A finished report.
  public init(points: [FrontierPoint], provenance: Provenance, warnings: [String]) {
    self.points = points
    self.provenance = provenance
    self.warnings = warnings
  }
}

// SPDX-License-Identifier: Apache-2.0
// The record a run leaves behind: its points and where they came from.

/// Time spent in one stage of a run.
public struct StageTime: Sendable, Equatable {
  public var stage: String
  public var seconds: Double

  public init(stage: String, seconds: Double) {
    self.stage = stage
    self.seconds = seconds
  }
}

/// A device that was considered and not used.
public struct DeviceFallback: Sendable, Equatable {
  public var device: String
  public var reason: String
  public var remedy: String

  public init(device: String, reason: String, remedy: String) {
    self.device = device
    self.reason = reason
    self.remedy = remedy
  }
}

/// Where a report's numbers came from.
public struct Provenance: Sendable, Equatable {
  public var version: String
  public var commandLine: [String]
  public var inputs: [InputRecord]
  /// Prompts and samples that took part.
  public var promptCount: Int
  public var sampleCountMinimum: Int
  public var sampleCountMaximum: Int
  /// Samples dropped for a missing cell.
  public var droppedSamples: Int
  /// Prompts dropped because no sample was left.
  public var droppedPrompts: Int
  public var device: String
  public var driver: String?
  public var fallbacks: [DeviceFallback]
  public var precision: Precision
  public var threads: Int
  public var memoryBudgetBytes: Int
  public var seed: UInt64
  public var resamples: Int
  public var confidence: Double
  public var stages: [StageTime]

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
  public var points: [FrontierPoint]
  public var provenance: Provenance
  /// Sentences for the user that belong to no single point.
  public var warnings: [String]

  public init(points: [FrontierPoint], provenance: Provenance, warnings: [String]) {
    self.points = points
    self.provenance = provenance
    self.warnings = warnings
  }
}

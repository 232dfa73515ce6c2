// SPDX-License-Identifier: Apache-2.0
// The report as one JSON object: points (one a line), provenance, warnings. Keys keep their order.

public import EsscherCore

/// Writes a whole report as JSON.
public struct JSONReportWriter: ReportWriter {
  /// A writer; it has no state of its own.
  public init() {}

  /// The whole text; see ``ReportWriter``.
  public func text(of report: Report) -> String {
    // A point stays on its line, so that a report can be read and compared line by line.
    let points = JSONValue.array(report.points.map(JSONValue.init)).pretty(depth: 1, indent: "  ")
    let provenance = JSONValue(report.provenance).pretty(depth: 2, indent: "  ")
    let warnings = JSONValue.array(report.warnings.map(JSONValue.string))
      .pretty(depth: 1, indent: "  ")
    return """
      {
        "points": \(points),
        "provenance": \(provenance),
        "warnings": \(warnings)
      }

      """
  }
}

extension JSONValue {
  /// A point on one line, keys named as the CSV columns.
  init(_ point: FrontierPoint) {
    self = .object(
      FrontierPoint.columns.map { (key: $0.name, value: JSONValue($0.cell(point))) })
  }

  init(_ cell: FrontierPoint.Cell) {
    self =
      switch cell {
      case .text(let text): .string(text)
      case .number(let value): .number(value)
      case .integer(let value): .integer(value)
      case .flag(let value): .bool(value)
      case .undefined: .null
      }
  }

  init(_ provenance: Provenance) {
    self = .object([
      ("version", .string(provenance.version)),
      ("command_line", .array(provenance.commandLine.map(JSONValue.string))),
      ("inputs", .array(provenance.inputs.map(JSONValue.init))),
      ("prompts", .integer(provenance.promptCount)),
      ("samples_minimum", .integer(provenance.sampleCountMinimum)),
      ("samples_maximum", .integer(provenance.sampleCountMaximum)),
      ("dropped_samples", .integer(provenance.droppedSamples)),
      ("dropped_prompts", .integer(provenance.droppedPrompts)),
      ("device", .string(provenance.device)),
      ("driver", JSONValue(provenance.driver)),
      ("fallbacks", .array(provenance.fallbacks.map(JSONValue.init))),
      ("precision", .string(provenance.precision.rawValue)),
      ("threads", .integer(provenance.threads)),
      ("memory_budget_bytes", .integer(provenance.memoryBudgetBytes)),
      ("seed", .unsigned(provenance.seed)),
      ("resamples", .integer(provenance.resamples)),
      ("confidence", .number(provenance.confidence)),
      ("tilts", provenance.tilts.map(JSONValue.init) ?? .null),
      ("stages", .array(provenance.stages.map(JSONValue.init))),
    ])
  }

  init(_ methods: TiltMethods) {
    self = .object([
      ("power_moments", .integer(methods.powers)),
      ("blocks", .integer(methods.blocks)),
      ("equal_steps", .integer(methods.runs)),
      ("samples", .integer(methods.samples)),
      ("error_bound", .number(methods.errorBound)),
    ])
  }

  init(_ input: InputRecord) {
    self = .object([
      ("role", .string(input.role)),
      ("name", .string(input.name)),
      ("format", .string(input.format)),
      ("element_type", .string(input.elementType)),
      ("shape", .array(input.shape.map(JSONValue.integer))),
      ("sha256", JSONValue(input.sha256)),
    ])
  }

  init(_ fallback: DeviceFallback) {
    self = .object([
      ("device", .string(fallback.device)),
      ("reason", .string(fallback.reason)),
      ("remedy", .string(fallback.remedy)),
    ])
  }

  init(_ time: StageTime) {
    self = .object([("stage", .string(time.stage)), ("seconds", .number(time.seconds))])
  }
}

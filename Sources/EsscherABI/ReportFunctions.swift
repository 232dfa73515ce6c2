// SPDX-License-Identifier: Apache-2.0
// Reports. What each function does is documented in esscher.h, whose names they have.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

internal import CEsscher
internal import EsscherCore
internal import EsscherOptions
internal import EsscherReport

/// See esscher.h.
@c @implementation
public func esscher_report_point_count(_ report: OpaquePointer?) -> Int64 {
  unsafe Int64(ReportHandle.object(report)?.pointCount ?? 0)
}

/// See esscher.h.
@c @implementation
public func esscher_report_column_count(_ report: OpaquePointer?) -> Int64 {
  unsafe report == nil ? 0 : Int64(ReportHandle.columns.count)
}

/// See esscher.h.
@c @implementation
public func esscher_report_column_name(
  _ report: OpaquePointer?, _ column: Int64
) -> UnsafePointer<CChar>? {
  guard unsafe report != nil, let column = ReportHandle.column(column) else { return nil }
  return unsafe ReportHandle.names[column].pointer
}

/// See esscher.h.
@c @implementation
public func esscher_report_column_kind(_ report: OpaquePointer?, _ column: Int64) -> Int32 {
  guard unsafe report != nil, let column = ReportHandle.column(column) else { return -1 }
  return ReportHandle.kinds[column].rawValue
}

/// See esscher.h.
@c @implementation
public func esscher_report_number(
  _ report: OpaquePointer?, _ row: Int64, _ column: Int64, _ value: UnsafeMutablePointer<Double>?
) -> Int32 {
  guard let report = unsafe ReportHandle.object(report), let cell = report.cell(row, column),
    let value = unsafe value
  else { return Int32(ESSCHER_USAGE) }
  guard let number = ReportHandle.number(cell) else { return Int32(ESSCHER_UNDEFINED) }
  unsafe value.pointee = number
  return Int32(ESSCHER_OK)
}

/// See esscher.h.
@c @implementation
public func esscher_report_numbers(
  _ report: OpaquePointer?, _ column: Int64, _ values: UnsafeMutablePointer<Double>?, _ count: Int64
) -> Int32 {
  guard let report = unsafe ReportHandle.object(report), let values = unsafe values,
    count >= report.pointCount, let index = ReportHandle.column(column),
    ReportHandle.kinds[index] != .text
  else { return Int32(ESSCHER_USAGE) }
  for row in 0..<report.pointCount {
    let cell = report.cell(Int64(row), column) ?? .undefined
    unsafe values[row] = ReportHandle.number(cell) ?? .nan
  }
  return Int32(ESSCHER_OK)
}

/// See esscher.h.
@c @implementation
public func esscher_report_cell_text(
  _ report: OpaquePointer?, _ row: Int64, _ column: Int64
) -> UnsafePointer<CChar>? {
  unsafe ReportHandle.object(report)?.text(row, column)?.pointer
}

/// See esscher.h.
@c @implementation
public func esscher_report_warning_count(_ report: OpaquePointer?) -> Int64 {
  unsafe Int64(ReportHandle.object(report)?.warningCount ?? 0)
}

/// See esscher.h.
@c @implementation
public func esscher_report_warning(
  _ report: OpaquePointer?, _ index: Int64
) -> UnsafePointer<CChar>? {
  unsafe ReportHandle.object(report)?.warning(index)?.pointer
}

/// See esscher.h.
@c @implementation
public func esscher_report_text(
  _ report: OpaquePointer?, _ format: UnsafePointer<CChar>?,
  _ text: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ length: UnsafeMutablePointer<Int>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  unsafe Call.status(error) { () throws(EsscherError) in
    let report = try unsafe ReportHandle.required(report)
    let name = try unsafe Argument.text(format, "The format")
    let format: OutputFormat = try ValueParsing.choice(String(name.prefix(64)), option: "format")
    guard let text = unsafe text else {
      throw EsscherError(.usage, "There is nowhere to put the text; pass the address of a pointer.")
    }
    let rendered = report.text(format)
    unsafe text.pointee = rendered.pointer
    if let length = unsafe length { unsafe length.pointee = rendered.length }
  }
}

/// See esscher.h.
@c @implementation
public func esscher_report_destroy(_ report: OpaquePointer?) {
  unsafe ReportHandle.release(report)
}

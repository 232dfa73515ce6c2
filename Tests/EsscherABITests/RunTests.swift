// SPDX-License-Identifier: Apache-2.0
// Options, observers, reports and devices.

import CEsscher
import EsscherOptions
import EsscherTestSupport
import Glibc
import Testing

@Suite("C interface: runs")
struct RunTests {
  func table() throws -> Table {
    let table = try Table()
    try table.add(
      rows: (0..<8).map { row in (0..<16).map { Float((row * 31 + $0 * 17) % 13) / 2 } })
    return table
  }

  @Test("versions")
  func versions() {
    #expect(esscher_abi_version() == ESSCHER_ABI_VERSION)
    #expect(String(cString: esscher_version()).contains("."))
  }

  @Test("every option takes what the program takes, and refuses with its sentence")
  func options() throws {
    let good: [String: String?] = [
      "betas": "0.5,1", "lambdas": "log:0.1:10:4", "kl-budgets": "0.1,0.2", "ns": "pow2",
      "curves": "tilt,best_of_n", "resamples": "0", "confidence": "0.9", "bias-correct": nil,
      "seed": "18446744073709551615", "precision": "double", "missing": "drop",
      "ensemble": "uwo:1", "standardize": "model", "device": "cpu", "threads": "2",
      "memory-budget": "256MiB",
    ]
    for option in RequestOption.all {
      let options = try Options()
      try options.set(option.name, try #require(good[option.name]))
      guard option.name != "device", option.name != "bias-correct" else { continue }
      let found = try refusal { try options.set(option.name, "not,this") }
      #expect(found.status == ESSCHER_USAGE)
      #expect(found.message.contains("--\(option.name)"), "\(found.message)")
      #expect(try refusal { try options.set(option.name, nil) }.message.contains("needs a value"))
    }
    let options = try Options()
    let unknown = try refusal { try options.set("lamdas", "1") }
    #expect(unknown.message.contains("Did you mean lambdas?"))
    #expect(
      try refusal { try options.set(String(repeating: "x", count: 100_000), "1") }.message.count
        < 1000)
    #expect(
      try refusal { try options.set("bias-correct", "maybe") }.message.contains("is a switch"))
    #expect(
      try refusal { try options.set("lambdas", String(repeating: "1,", count: 3 << 20)) }.message
        .contains("longer than"))
  }

  @Test("a switch can be turned on and off again")
  func switches() throws {
    let table = try table()
    let plain = try FrontierReport(table).text()
    let options = try Options([("bias-correct", "true")])
    let corrected = try FrontierReport(table, options).text()
    #expect(corrected != plain)
    try options.set("bias-correct", "false")
    #expect(try FrontierReport(table, options).text() == plain)
  }

  @Test("grids as numbers are the grids as text")
  func numbers() throws {
    let table = try table()
    let text = try Options([
      ("lambdas", "0.1,0.3,2"), ("betas", "0.7"), ("kl-budgets", "0.2"), ("ns", "1,4,16"),
    ])
    let numbers = try Options()
    for (name, values) in [
      ("lambdas", [2, 0.3, 0.1, 0.3]), ("betas", [0.7]), ("kl-budgets", [0.2]), ("ns", [16, 1, 4]),
    ] {
      try call {
        esscher_options_set_numbers(numbers.handle, name, values, Int64(values.count), $0)
      }
    }
    #expect(try FrontierReport(table, numbers).text() == FrontierReport(table, text).text())
    for (name, values, part) in [
      ("lambdas", [-1.0], "at least 0"), ("lambdas", [.nan], "at least 0"),
      ("betas", [0], "above 0"), ("betas", [Double.leastNonzeroMagnitude], "not finite"),
      ("ns", [2.5], "whole numbers"),
      ("ns", [1e300], "whole numbers"), ("kl-budgets", [.infinity], "at least 0"),
      ("seed", [1], "no option that takes numbers"), ("lambda", [1], "Did you mean lambdas?"),
    ] {
      let found = try refusal {
        try call { esscher_options_set_numbers(numbers.handle, name, values, 1, $0) }
      }
      #expect(found.message.contains(part), "\(found.message)")
    }
    for count in [Int64.min, -1, 0, .max] {
      let found = try refusal {
        try call { esscher_options_set_numbers(numbers.handle, "lambdas", [1], count, $0) }
      }
      #expect(found.message.contains("from 1 to 100000"))
    }
  }

  @Test("policies are placed, and impossible ones refused")
  func policies() throws {
    let options = try Options()
    try call { esscher_options_add_policy(options.handle, "mine", 0.2, 3.5, .nan, $0) }
    for (name, kl, reward, gold, part) in [
      ("mine", 0.1, 1, 1, "twice"), ("", 0.1, 1, 1, "no name"), ("b", -0.1, 1, 1, "negative"),
      ("b", .nan, 1, 1, "finite"), ("b", 1, .infinity, 1, "finite"),
      ("b", 1, 1, .infinity, "finite"),
    ] {
      let found = try refusal {
        try call { esscher_options_add_policy(options.handle, name, kl, reward, gold, $0) }
      }
      #expect(found.status == ESSCHER_BAD_INPUT)
      #expect(found.message.contains(part))
    }
    let csv = try FrontierReport(try table(), options).text()
    #expect(csv.split(separator: "\n").count { $0.hasPrefix("policy,mine,") } == 1)
  }

  @Test("a run is ended by its flag, by its callback, and tells its stages")
  func observers() throws {
    let table = try table()
    final class Log {
      var stages: [String] = []
      var fractions: [Double] = []
      var answer: Int32 = 0
    }
    let log = Log()
    var observer = esscher_observer()
    observer.size = MemoryLayout<esscher_observer>.size
    observer.context = Unmanaged.passUnretained(log).toOpaque()
    observer.progress = { context, stage, fraction in
      guard let context, let stage else { return 1 }
      let log = Unmanaged<Log>.fromOpaque(context).takeUnretainedValue()
      log.stages.append(String(cString: stage))
      log.fractions.append(fraction)
      return log.answer
    }
    let expected = try FrontierReport(table).text()
    #expect(try FrontierReport(table, observer: &observer).text() == expected)
    // Given lambdas and n need no look at the rewards before; so few lambdas need another one for efficiency.
    #expect(Set(log.stages) == ["computing", "comparing best-of-n"])
    #expect(log.fractions.allSatisfy { (0...1).contains($0) })
    log.answer = 1
    let stopped = try refusal { _ = try FrontierReport(table, observer: &observer) }
    #expect(stopped.status == ESSCHER_INTERRUPTED)

    let flag = table.hold([Int32(1)])
    observer.cancel = UnsafePointer(flag)
    log.answer = 0
    #expect(
      try refusal { _ = try FrontierReport(table, observer: &observer) }.status
        == ESSCHER_INTERRUPTED)
    flag.pointee = 0
    #expect(try FrontierReport(table, observer: &observer).text() == expected)
    // Of an older caller: nothing but the size.
    observer.size = MemoryLayout<Int>.size
    flag.pointee = 1
    #expect(try FrontierReport(table, observer: &observer).text() == expected)
    // In the middle of the member cancel.
    observer.size = 12
    #expect(
      try refusal { _ = try FrontierReport(table, observer: &observer) }.message.contains("size"))
    observer.size = 3
    #expect(
      try refusal { _ = try FrontierReport(table, observer: &observer) }.message.contains("size"))
  }

  /// Cells of a line of CSV; those in quotes hold no quotes here.
  static func cells(of line: Substring) -> [String] {
    var cells = [""]
    var isQuoted = false
    for character in line {
      if character == "\"" {
        isQuoted.toggle()
      } else if character == ",", !isQuoted {
        cells.append("")
      } else {
        cells[cells.count - 1].append(character)
      }
    }
    return cells
  }

  @Test("a report's cells are those of its CSV, of the kinds that its columns have")
  func cells() throws {
    let table = try table()
    let report = try FrontierReport(
      table, Options([("kl-budgets", "0.2,90"), ("missing", "drop")]))
    let csv = try report.text()
    let lines = csv.split(separator: "\n").map { Self.cells(of: $0) }
    let handle = report.handle
    #expect(esscher_report_point_count(handle) == Int64(lines.count - 1))
    let columns = Int(esscher_report_column_count(handle))
    #expect(lines[0].count == columns)
    var undefined = 0
    for column in 0..<columns {
      let name = try #require(esscher_report_column_name(handle, Int64(column)))
      #expect(String(cString: name) == lines[0][column])
      let kind = Int(esscher_report_column_kind(handle, Int64(column)))
      var numbers = [Double](repeating: 7, count: lines.count - 1)
      let status = esscher_report_numbers(handle, Int64(column), &numbers, Int64(numbers.count))
      #expect(status == (kind == ESSCHER_TEXT ? ESSCHER_USAGE : ESSCHER_OK))
      for row in lines.indices.dropLast() {
        let cell = lines[row + 1][column]
        var value = 7.5
        let status = esscher_report_number(handle, Int64(row), Int64(column), &value)
        let text = esscher_report_cell_text(handle, Int64(row), Int64(column))
        guard kind != ESSCHER_TEXT else {
          #expect(status == ESSCHER_USAGE && value == 7.5)
          #expect(try String(cString: #require(text)) == cell)
          continue
        }
        #expect(text == nil)
        guard !cell.isEmpty else {
          undefined += 1
          #expect(status == ESSCHER_UNDEFINED && value == 7.5 && numbers[row].isNaN)
          continue
        }
        #expect(status == ESSCHER_OK && numbers[row] == value)
        switch kind {
        case ESSCHER_FLAG: #expect(cell == (value == 1 ? "true" : "false"))
        case ESSCHER_INTEGER: #expect(Int(cell).map(Double.init) == value)
        default: #expect(Double(cell) == value && cell.contains("."))
        }
      }
    }
    #expect(undefined > 0)
    for (row, column) in [(-1, 5), (Int64.max, 5), (0, -1), (0, .max), (Int64(lines.count), 5)]
      as [(Int64, Int64)]
    {
      var value = 0.0
      #expect(esscher_report_number(handle, row, column, &value) == ESSCHER_USAGE)
      #expect(esscher_report_cell_text(handle, row, column) == nil)
    }
    #expect(esscher_report_column_name(handle, -1) == nil)
    #expect(esscher_report_column_kind(handle, .max) == -1)
    var few = [0.0]
    #expect(esscher_report_numbers(handle, 5, &few, 1) == ESSCHER_USAGE)
  }

  @Test("the report's texts are the program's formats")
  func texts() throws {
    let report = try FrontierReport(try table())
    #expect(try report.text("csv").hasPrefix("curve,label,"))
    #expect(try report.text("json").contains("\"provenance\""))
    #expect(try report.text("json").contains("\"format\": \"memory\""))
    #expect(try report.text("jsonl").hasPrefix("{\"curve\": \"tilt\""))
    #expect(try report.text("table").contains("8 prompts x 16 samples"))
    #expect(try refusal { _ = try report.text("cvs") }.message.contains("Did you mean csv?"))
  }

  @Test("warnings are listed")
  func warnings() throws {
    let table = try Table()
    try table.add(rows: [[1, 2, .nan, 5], [3, 4, 1, 1]])
    let report = try FrontierReport(table, Options([("missing", "drop")]))
    #expect(esscher_report_warning_count(report.handle) > 0)
    let warning = try #require(esscher_report_warning(report.handle, 0))
    #expect(String(cString: warning).contains("1 samples were left out"))
    #expect(esscher_report_warning(report.handle, -1) == nil)
    #expect(esscher_report_warning(report.handle, .max) == nil)
  }

  @Test("devices come as JSON, and a device that is none is refused")
  func devices() throws {
    var text: UnsafeMutablePointer<CChar>?
    try call { esscher_devices(&text, $0) }
    let json = String(cString: try #require(text))
    esscher_text_destroy(text)
    #expect(json.contains("\"name\": \"cpu\"") && json.contains("\"auto\""))
    let options = try Options([("device", "nonesuch")])
    let found = try refusal { _ = try FrontierReport(try table(), options) }
    #expect(found.status == ESSCHER_DEVICE_UNAVAILABLE)
    #expect(found.message.contains("'nonesuch' cannot be used"))
  }

  @Test("a probe command must be an absolute path with few arguments")
  func probeCommand() throws {
    for (words, count, part) in [
      (["relative"], 1, "absolute"), (["/bin/true"], 0, "from 1 to 8"),
      (["/bin/true"], -1, "from 1 to 8"), ([], 1, "is NULL"),
    ] {
      let copies = words.map { UnsafePointer(strdup($0)) } + [nil]
      defer { for copy in copies { free(UnsafeMutablePointer(mutating: copy)) } }
      let found = try refusal { try call { esscher_set_probe_command(copies, Int32(count), $0) } }
      #expect(found.message.contains(part), "\(found.message)")
    }
    #expect(esscher_probe_main(0, []) == ESSCHER_USAGE)
    "other".withCString { other in
      let words: [UnsafePointer<CChar>?] = [other, nil, other]
      #expect(esscher_probe_main(2, words) == ESSCHER_USAGE)
      #expect(esscher_probe_main(1, words) == ESSCHER_USAGE)
    }
  }
}

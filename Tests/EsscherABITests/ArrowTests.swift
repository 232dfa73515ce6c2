// SPDX-License-Identifier: Apache-2.0
// Arrow streams: every layout gives the numbers of the same cells as an array, and everything is released once.

import CEsscher
import Testing

@Suite("C interface: Arrow streams")
struct ArrowTests {
  static let rows: [[Double?]?] = [
    [1, 2, 4.5, nil, 0], [3, 3, 8], nil, [], [0, nil, -1, 7, 7, 2], [5, 6, 1],
  ]

  /// What the rows give as plain arrays: lists that are null or empty are prompts without samples.
  static func expected() throws -> String {
    let table = try Table()
    let values = rows.flatMap { ($0 ?? []).map { $0 ?? .nan } }
    var argument = matrix(table.hold(values), ESSCHER_FLOAT64, rows.count, values.count)
    argument.offsets = UnsafeRawPointer(
      table.hold(
        rows.reduce(into: [Int64(0)]) { $0.append($0[$0.count - 1] + Int64($1?.count ?? 0)) }))
    argument.offset_dtype = Int32(ESSCHER_INT64)
    try table.add(matrix: argument)
    return try FrontierReport(table, Options([("missing", "drop")])).text()
  }

  /// Lists with offsets of a width, `skipped` rows and `before` items before the first.
  static func list(
    _ rows: [[Double?]?], width: Int, name: String = "rewards", skipped: Int = 0, before: Int = 0
  ) -> ArrowNode {
    let padded: [[Double?]?] = [[Double?]?](repeating: [99, 98], count: skipped) + rows
    let node = ArrowNode(width == 4 ? "+l" : "+L", name)
    node.length = rows.count
    node.offset = skipped
    node.nullCount = padded.contains { $0 == nil } ? -1 : 0
    let ends = padded.reduce(into: [0]) { $0.append($0[$0.count - 1] + ($1?.count ?? 0)) }
    node.buffers = [
      node.nullCount == 0 ? nil : ArrowNode.bits(padded.map { $0 != nil }), integers(ends, width),
    ]
    let items = [Double?](repeating: 77, count: before) + padded.flatMap { $0 ?? [] }
    node.children = [ArrowNode.numbers("g", items, offset: before)]
    return node
  }

  static func integers(_ values: [Int], _ width: Int) -> [UInt8] {
    width == 4
      ? NumberTests.bytes(values.map(Int32.init)) : NumberTests.bytes(values.map(Int64.init))
  }

  /// Views of items in reverse order of the rows.
  static func view(_ rows: [[Double?]?], width: Int) -> ArrowNode {
    let node = ArrowNode(width == 4 ? "+vl" : "+vL", "rewards")
    node.length = rows.count
    node.nullCount = -1
    var items: [Double?] = []
    var starts = [Int](repeating: 0, count: rows.count)
    for (row, cells) in rows.enumerated().reversed() {
      starts[row] = items.count
      items += cells ?? []
    }
    node.buffers = [
      ArrowNode.bits(rows.map { $0 != nil }), integers(starts, width),
      integers(rows.map { $0?.count ?? 3 }, width),
    ]
    node.children = [ArrowNode.numbers("g", items)]
    return node
  }

  /// A batch with a column besides the lists.
  static func batch(_ column: ArrowNode, offset: Int = 0) -> ArrowNode {
    let batch = ArrowNode("+s", "")
    let other = ArrowNode("u", "prompt")
    other.length = column.length
    other.buffers = [nil, [UInt8](repeating: 0, count: 4 * column.length + 4), []]
    batch.children = [other, column]
    batch.length = column.length - offset
    batch.offset = offset
    batch.buffers = [nil]
    return batch
  }

  /// Reads a stream, runs, and checks that all of it was given back.
  func report(
    _ producer: ArrowProducer, column: String? = nil,
    _ options: [(String, String?)] = [("missing", "drop")]
  ) throws -> String {
    let text = try {
      let table = try Table()
      try call {
        esscher_table_add_arrow(
          table.handle, Int32(ESSCHER_REWARDS), "made", column, producer.stream, $0)
      }
      #expect(producer.isReleased)
      return try FrontierReport(table, Options(options)).text()
    }()
    #expect(producer.live == 0, "every array goes back when the table goes")
    return text
  }

  @Test("lists of every layout, sliced, chunked and in batches, give the numbers of the same rows")
  func lists() throws {
    let expected = try Self.expected()
    let rows = Self.rows
    for width in [4, 8] {
      #expect(try report(ArrowProducer([Self.list(rows, width: width)])) == expected)
      #expect(
        try report(ArrowProducer([Self.list(rows, width: width, skipped: 3, before: 2)]))
          == expected)
      #expect(try report(ArrowProducer([Self.view(rows, width: width)])) == expected)
      let chunks = [rows[..<2], rows[2..<2], rows[2...]].map { Self.list(Array($0), width: width) }
      #expect(try report(ArrowProducer(chunks)) == expected)
      #expect(try report(ArrowProducer([Self.batch(Self.list(rows, width: width))])) == expected)
      let named = Self.batch(Self.list(rows, width: width, name: "mine"))
      #expect(try report(ArrowProducer([named]), column: "mine") == expected)
      let sliced = Self.batch(
        Self.list([[1, 1], nil] + rows, width: width, skipped: 1, before: 1), offset: 2)
      #expect(try report(ArrowProducer([sliced])) == expected)
    }
  }

  @Test(
    "lists of one length, in floats that are read in place, give the numbers of the same matrix")
  func fixedLists() throws {
    let values = NumberTests.cells.map { Float($0) / 3 }
    let table = try Table()
    try table.add(matrix: matrix(table.hold(values), ESSCHER_FLOAT32, 7, 9))
    let expected = try FrontierReport(table).text()
    let node = ArrowNode("+w:9", "rewards")
    node.length = 7
    node.offset = 2
    node.buffers = [nil]
    node.children = [
      ArrowNode.numbers(
        "f", [Float?](repeating: 5, count: 19) + values.map(Optional.some), offset: 1)
    ]
    #expect(try report(ArrowProducer([node]), []) == expected)
    // The third list is null: one prompt less.
    node.nullCount = 1
    node.buffers = [ArrowNode.bits([true, true, true, true, false, true, true, true, true])]
    let fewer = try Table()
    try fewer.add(
      rows: [0, 1, 3, 4, 5, 6].map { Array(values[$0 * 9..<$0 * 9 + 9]) })
    let dropped = try report(ArrowProducer([node]))
    let numbers = { (text: String) in
      text.split(separator: "\n").dropFirst().map {
        $0.split(separator: ",", omittingEmptySubsequences: false)[5]
      }
    }
    #expect(numbers(dropped) == numbers(try FrontierReport(fewer).text()))
  }

  @Test("plain numbers are one prompt, over any number of chunks")
  func plain() throws {
    let values: [Float?] = [1, 4, 2, nil, 8, 3, 3]
    let table = try Table()
    try table.add(rows: [values.map { $0 ?? .nan }])
    let expected = try FrontierReport(table, Options([("missing", "drop")])).text()
    #expect(try report(ArrowProducer([.numbers("f", values)])) == expected)
    let chunks = [values[..<3], values[3..<3], values[3...]].map {
      ArrowNode.numbers("f", Array($0))
    }
    #expect(try report(ArrowProducer(chunks)) == expected)
    let doubles = [values[..<3], values[3...]].map { part in
      ArrowNode.numbers("g", part.map { $0.map(Double.init) })
    }
    let wide = try Table()
    try wide.add(
      matrix: matrix(wide.hold(values.map { $0.map(Double.init) ?? .nan }), ESSCHER_FLOAT64, 1, 7))
    #expect(
      try report(ArrowProducer(doubles))
        == FrontierReport(wide, Options([("missing", "drop")])).text())
  }

  @Test(
    "every element type is read",
    arguments: ["e", "f", "g", "c", "C", "s", "S", "i", "I", "l", "L", "b"])
  func elementTypes(_ format: String) throws {
    let cells = [0, 1, 1, 0, 1]
    let node: ArrowNode
    switch format {
    case "e": node = .numbers(format, cells.map { Float16($0) })
    case "f": node = .numbers(format, cells.map { Float($0) })
    case "g": node = .numbers(format, cells.map { Double($0) })
    case "c", "C": node = .numbers(format, cells.map { UInt8($0) })
    case "s", "S": node = .numbers(format, cells.map { UInt16($0) })
    case "i", "I": node = .numbers(format, cells.map { UInt32($0) })
    case "l", "L": node = .numbers(format, cells.map { UInt64($0) })
    default:
      node = ArrowNode(format)
      node.length = 5
      node.offset = 3
      node.buffers = [nil, ArrowNode.bits([true, true, true] + cells.map { $0 == 1 })]
    }
    let text = try report(ArrowProducer([node]), [])
    let table = try Table()
    let isWide = ["g", "i", "I", "l", "L"].contains(format)
    try table.add(
      matrix: isWide
        ? matrix(table.hold(cells.map { Double($0) }), ESSCHER_FLOAT64, 1, 5)
        : matrix(table.hold(cells.map { Float($0) }), ESSCHER_FLOAT32, 1, 5))
    #expect(try text == FrontierReport(table).text())
  }

  /// Streams that must be refused, and a part of the sentence.
  static func broken() -> [(String, ArrowProducer, String?)] {
    let good = list(rows, width: 4)
    let decreasing = list(rows, width: 4)
    decreasing.buffers[1] = integers([0, 5, 3, 8, 8, 14, 17], 4)
    let long = list(rows, width: 8)
    long.buffers[1] = integers([0, 5, 8, 8, 8, 14, 1 << 40], 8)
    let negative = list(rows, width: 8)
    negative.buffers[1] = integers([-9, 5, 8, 8, 8, 14, 17], 8)
    let short = ArrowNode("+w:9", "rewards")
    short.length = 3
    short.buffers = [nil]
    short.children = [.numbers("f", [Float?](repeating: 1, count: 26))]
    let huge = list(rows, width: 4)
    huge.length = .max
    let below = list(rows, width: 4)
    below.offset = -1
    let text = ArrowNode("u", "rewards")
    let nested = ArrowNode("+l", "rewards")
    nested.children = [list(rows, width: 4)]
    let empty = list([[], nil], width: 4)
    let lame = ArrowNode("+l", "rewards")
    lame.length = 1
    lame.buffers = [nil, nil]
    lame.children = [.numbers("f", [Float?](repeating: 1, count: 2))]
    let failing = ArrowProducer([list(rows, width: 4)])
    failing.failure = "the disk is gone"
    let twice = batch(list(rows, width: 4))
    twice.children[0].name = "rewards"
    let half = batch(list(rows, width: 4))
    half.nullCount = 1
    half.buffers = [ArrowNode.bits([true, false, true, true, true, true])]
    let other = batch(list(rows, width: 4, name: "mine"))
    return [
      ("go from", ArrowProducer([decreasing]), nil), ("do not fit", ArrowProducer([long]), nil),
      ("do not fit", ArrowProducer([negative]), nil), ("fewer items", ArrowProducer([short]), nil),
      ("out of reach", ArrowProducer([huge]), nil), ("out of reach", ArrowProducer([below]), nil),
      ("type 'u'", ArrowProducer([text]), nil), ("type '+l'", ArrowProducer([nested]), nil),
      ("no samples", ArrowProducer([empty]), nil), ("without offsets", ArrowProducer([lame]), nil),
      ("the disk is gone", failing, nil), ("more than one column", ArrowProducer([twice]), nil),
      ("null as a whole", ArrowProducer([half]), nil),
      ("its columns are prompt, mine", ArrowProducer([other]), nil),
      (
        "no column 'yours'; its columns are prompt, mine",
        ArrowProducer([batch(list(rows, width: 4, name: "mine"))]), "yours"
      ),
      ("without columns", ArrowProducer([good]), "mine"),
    ].map { ($0.0 == "go from" ? "do not fit" : $0.0, $0.1, $0.2) }
  }

  @Test("broken streams are refused with a sentence, and released")
  func refusals() throws {
    for (part, producer, column) in Self.broken() {
      let table = try Table()
      let found = try refusal {
        try call {
          esscher_table_add_arrow(table.handle, 0, "made", column, producer.stream, $0)
        }
      }
      #expect(found.status == ESSCHER_BAD_INPUT, "\(part)")
      #expect(found.message.contains(part), "\(part): \(found.message)")
      #expect(found.location.hasPrefix("made"))
      #expect(producer.isReleased && producer.live == 0, "\(part)")
      // Nothing of it stayed.
      try table.add(rows: [[1, 2]])
    }
  }

  @Test("a stream is released also where other arguments are wrong, and cannot be read twice")
  func wrongArguments() throws {
    let producer = ArrowProducer([Self.list(Self.rows, width: 4)])
    let found = try refusal {
      try call { esscher_table_add_arrow(nil, 9, nil, nil, producer.stream, $0) }
    }
    #expect(found.status == ESSCHER_USAGE)
    #expect(producer.isReleased && producer.live == 0)
    let half = ArrowProducer([Self.list(Self.rows, width: 4)])
    half.stream.pointee.get_next = nil
    let table = try Table()
    let broken = try refusal {
      try call { esscher_table_add_arrow(table.handle, 0, "made", nil, half.stream, $0) }
    }
    #expect(broken.message.contains("get_next"))
    #expect(half.isReleased && half.live == 0)
    for stream in [producer.stream, nil] {
      let again = try refusal {
        try call { esscher_table_add_arrow(table.handle, 0, "made", nil, stream, $0) }
      }
      #expect(again.message.contains("released already"))
    }
  }
}

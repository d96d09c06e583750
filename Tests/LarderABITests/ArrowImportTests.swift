import CLarder
import Glibc
import LarderColumns
import LarderInterchange
import Testing

@Suite struct ArrowImportTests {
  /// Imports one column of a batch and says what it holds.
  private func values(_ column: Foreign, offset: Int = 0, length: Int? = nil) throws -> [Value] {
    let log = ReleaseLog()
    var named = column
    named.name = "c"
    let batch = Foreign.batch([named], length: length ?? column.length, offset: offset)
    var array = batch.makeArray(log)
    var schema = batch.makeSchema(log)
    let result: [Value]
    do {
      let imported = try importArrow(moving: &array, schema: &schema)
      #expect(array.release == nil)
      result = (0..<imported.count).map { imported.columns[0][$0] }
    }
    #expect(log.arrays == 1)
    #expect(schema.release != nil)
    schema.release(&schema)
    return result
  }

  private func refusal(_ column: Foreign) throws -> LarderError {
    let log = ReleaseLog()
    var named = column
    named.name = "c"
    let batch = Foreign.batch([named])
    var array = batch.makeArray(log)
    var schema = batch.makeSchema(log)
    defer { schema.release(&schema) }
    let error = try #require(throws: LarderError.self) {
      _ = try importArrow(moving: &array, schema: &schema)
    }
    #expect(log.arrays == 1)
    return error
  }

  @Test func integersOfEveryWidth() throws {
    #expect(
      try values(Foreign("c", length: 3, [nil, Foreign.bytes([Int8(-1), 0, 127])]))
        == [.int32(-1), .int32(0), .int32(127)])
    #expect(
      try values(Foreign("C", length: 2, [nil, [255, 1]])) == [.int32(255), .int32(1)])
    #expect(
      try values(Foreign("s", length: 1, [nil, Foreign.bytes([Int16(-300)])])) == [.int32(-300)])
    #expect(
      try values(Foreign("S", length: 1, [nil, Foreign.bytes([UInt16(65_535)])]))
        == [.int32(65_535)])
    #expect(try values(Foreign("i", length: 1, [nil, Foreign.bytes([Int32(-7)])])) == [.int32(-7)])
    #expect(
      try values(Foreign("I", length: 1, [nil, Foreign.bytes([UInt32.max])]))
        == [.int64(Int64(UInt32.max))])
    #expect(
      try values(Foreign("l", length: 1, [nil, Foreign.bytes([Int64.min])])) == [.int64(.min)])
    #expect(
      try values(Foreign("L", length: 1, [nil, Foreign.bytes([UInt64(9)])])) == [.int64(9)])
    let tooLarge = try refusal(Foreign("L", length: 1, [nil, Foreign.bytes([UInt64.max])]))
    #expect(tooLarge.code == .invalidInput)
    #expect(tooLarge.column == "c" && tooLarge.row == 0)
  }

  @Test func nullsWithAndWithoutABitmapAndAtEveryOffset() throws {
    let numbers = (0..<40).map { Int64($0) }
    let bitmap = (0..<6).map { _ in UInt8(0b0101_0101) }
    for offset in 0..<18 {
      for length in 0...20 {
        let column = Foreign(
          "l", length: length, offset: offset, nulls: -1, [bitmap, Foreign.bytes(numbers)])
        let expected = (offset..<offset + length).map { row in
          row % 2 == 0 ? Value.int64(Int64(row)) : .null
        }
        #expect(try values(column) == expected, "offset \(offset), length \(length)")
      }
    }
    #expect(
      try values(Foreign("l", length: 2, nulls: -1, [nil, Foreign.bytes(numbers)]))
        == [.int64(0), .int64(1)])
    let missing = try refusal(Foreign("l", length: 2, nulls: 1, [nil, Foreign.bytes(numbers)]))
    #expect(missing.message.contains("no validity bitmap"))
  }

  @Test func aSlicedBatchCutsItsColumns() throws {
    let column = Foreign("l", length: 10, [nil, Foreign.bytes((0..<10).map { Int64($0) })])
    #expect(try values(column, offset: 3, length: 2) == [.int64(3), .int64(4)])
    let offset = Foreign(
      "l", length: 7, offset: 3, [nil, Foreign.bytes((0..<10).map { Int64($0) })])
    #expect(try values(offset, offset: 2, length: 2) == [.int64(5), .int64(6)])
  }

  @Test func boolsFloatsAndTimes() throws {
    #expect(
      try values(Foreign("b", length: 4, offset: 3, nulls: 0, [nil, [0b0100_1000]]))
        == [.bool(true), .bool(false), .bool(false), .bool(true)])
    #expect(try values(Foreign("e", length: 1, [nil, [0x00, 0x3E]])) == [.float32(1.5)])
    #expect(
      try values(Foreign("f", length: 1, [nil, Foreign.bytes([Float.nan])])) == [.float32(.nan)])
    #expect(
      try values(Foreign("g", length: 1, [nil, Foreign.bytes([-0.0])])) == [.float64(-0.0)])
    let ticks = Foreign.bytes([Int64(1_500)])
    for (format, unit) in [
      ("tss:", TimeUnit.seconds), ("tsm:Europe/Paris", .milliseconds), ("tsu:UTC", .microseconds),
      ("tsn:+05:30", .nanoseconds), ("tdm", .milliseconds),
    ] {
      let found = try values(Foreign(format, length: 1, [nil, ticks]))
      #expect(found == [.timestamp(Timestamp(ticks: 1_500, unit: unit))], "\(format)")
    }
    #expect(
      try values(Foreign("tdD", length: 1, [nil, Foreign.bytes([Int32(-3)])])) == [.date(-3)])
    #expect(try values(Foreign("ttu", length: 1, [nil, ticks])) == [.int64(1_500)])
    #expect(try values(Foreign("tDn", length: 1, [nil, ticks])) == [.int64(1_500)])
  }

  @Test func textsOfEveryLayout() throws {
    let letters = Array("oneétwo".utf8)
    let ends: [Int32] = [0, 3, 5, 5, 8]
    let expected: [Value] = [.string("é"), .string(""), .string("two")]
    let small = Foreign("u", length: 3, offset: 1, [nil, Foreign.bytes(ends), letters])
    #expect(try values(small) == expected)
    let large = Foreign(
      "U", length: 3, offset: 1, [nil, Foreign.bytes(ends.map { Int64($0) }), letters])
    #expect(try values(large) == expected)
    #expect(
      try values(Foreign("z", length: 1, [nil, Foreign.bytes([Int32(0), 2]), [0xFF, 0]]))
        == [.bytes([0xFF, 0])])
    let long = Array("a text of more than twelve bytes".utf8)
    func view(_ bytes: [UInt8], buffer: Int32 = 0, at: Int32 = 0) -> [UInt8] {
      let count = Foreign.bytes([Int32(bytes.count)])
      if bytes.count <= 12 {
        return count + bytes + [UInt8](repeating: 0, count: 12 - bytes.count)
      }
      return count + bytes.prefix(4) + Foreign.bytes([buffer, at])
    }
    let views = Foreign(
      "vu", length: 2, offset: 1,
      [
        nil, view([0x58]) + view(Array("short".utf8)) + view(long, at: 2), [0, 0] + long,
        Foreign.bytes([Int64(long.count + 2)]),
      ])
    #expect(
      try values(views) == [.string("short"), .string(String(decoding: long, as: UTF8.self))])
    let torn = try refusal(
      Foreign("u", length: 1, [nil, Foreign.bytes([Int32(0), 1]), [0xC3]]))
    #expect(torn.code == .invalidInput && torn.row == 0)
    let outside = try refusal(
      Foreign(
        "vu", length: 1, [nil, view(long, at: 2), long, Foreign.bytes([Int64(long.count)])]))
    #expect(outside.message.contains("leaves its buffer"))
  }

  @Test func fixedBytesDecimalsAndUUIDs() throws {
    #expect(
      try values(Foreign("w:2", length: 2, offset: 1, [nil, [1, 2, 3, 4, 5, 6]]))
        == [.bytes([3, 4]), .bytes([5, 6])])
    let number = Foreign.bytes([Int64(-1_250), Int64(-1)])
    #expect(try values(Foreign("d:10,2", length: 1, [nil, number])) == [.string("-12.50")])
    #expect(
      try values(Foreign("d:10,2,64", length: 1, [nil, Array(number.prefix(8))]))
        == [.string("-12.50")])
    var identifier = Foreign("w:16", length: 1, [nil, (0..<16).map { UInt8($0) }])
    identifier.metadata = ForeignMetadata.extensionName("arrow.uuid")
    #expect(try values(identifier) == [.string("00010203-0405-0607-0809-0a0b0c0d0e0f")])
    var json = Foreign("u", length: 1, [nil, Foreign.bytes([Int32(0), 2]), Array("{}".utf8)])
    json.metadata = ForeignMetadata.extensionName("arrow.json")
    let log = ReleaseLog()
    let batch = Foreign.batch([json])
    var (array, schema) = (batch.makeArray(log), batch.makeSchema(log))
    #expect(try importArrow(moving: &array, schema: &schema).schema.fields[0].type == .json)
    schema.release(&schema)
  }

  @Test func dictionariesWithIndexesOfEveryWidth() throws {
    let words = Foreign(
      "u", length: 3, offset: 1,
      [nil, Foreign.bytes([Int32(0), 1, 3, 6, 6]), Array("Xaabbb".utf8)])
    let expected: [Value] = [.string("bbb"), .null, .string("aa")]
    let indexes: [(String, [UInt8])] = [
      ("c", Foreign.bytes([Int8(1), 99, 0])), ("C", [1, 99, 0]),
      ("s", Foreign.bytes([Int16(1), -5, 0])), ("S", Foreign.bytes([UInt16(1), 99, 0])),
      ("i", Foreign.bytes([Int32(1), 99, 0])), ("I", Foreign.bytes([UInt32(1), 99, 0])),
      ("l", Foreign.bytes([Int64(1), .max, 0])), ("L", Foreign.bytes([UInt64(1), 99, 0])),
    ]
    for (format, bytes) in indexes {
      let column = Foreign(format, length: 3, nulls: 1, [[0b101], bytes], dictionary: [words])
      #expect(try values(column) == expected, "\(format)")
    }
    let numbers = Foreign("l", length: 2, [nil, Foreign.bytes([Int64(5), 6])])
    #expect(
      try values(Foreign("c", length: 2, [nil, [1, 0]], dictionary: [numbers]))
        == [.int64(6), .int64(5)])
    let outside = try refusal(Foreign("c", length: 1, [nil, [7]], dictionary: [words]))
    #expect(outside.message.contains("Index 7"))
  }

  @Test func listsOfEveryLayout() throws {
    var elements = Foreign(
      "l", length: 5, offset: 1, [nil, Foreign.bytes((0..<6).map { Int64($0) })])
    elements.name = "item"
    let expected: [Value] = [.list([.int64(3)]), .list([]), .list([.int64(4), .int64(5)])]
    let ends: [Int32] = [0, 2, 3, 3, 5]
    #expect(
      try values(
        Foreign("+l", length: 3, offset: 1, [nil, Foreign.bytes(ends)], children: [elements]))
        == expected)
    #expect(
      try values(
        Foreign(
          "+L", length: 3, offset: 1, [nil, Foreign.bytes(ends.map { Int64($0) })],
          children: [elements])) == expected)
    #expect(
      try values(Foreign("+w:2", length: 1, offset: 1, [nil], children: [elements]))
        == [.list([.int64(3), .int64(4)])])
    let tooShort = try refusal(Foreign("+w:2", length: 3, [nil], children: [elements]))
    #expect(tooShort.message.contains("where 6 are expected"))
  }

  @Test func emptyArraysMayLackEveryBuffer() throws {
    for format in ["l", "b", "tsn:", "w:16", "d:10,2"] {
      #expect(try values(Foreign(format, length: 0, [nil, nil])).isEmpty, "\(format)")
    }
    for format in ["u", "U", "z", "Z"] {
      #expect(try values(Foreign(format, length: 0, [nil, nil, nil])).isEmpty, "\(format)")
    }
    #expect(try values(Foreign("n", length: 3, [])) == [.null, .null, .null])
    let log = ReleaseLog()
    let batch = Foreign.batch([], length: 7)
    var (array, schema) = (batch.makeArray(log), batch.makeSchema(log))
    #expect(try importArrow(moving: &array, schema: &schema).count == 7)
    schema.release(&schema)
    #expect(log.arrays == 1)
  }

  @Test func whatIsNotReadIsRefusedByName() throws {
    let child = Foreign("l", length: 1, name: "x", [nil, Foreign.bytes([Int64(1)])])
    let list = Foreign(
      "+l", length: 1, name: "l", [nil, Foreign.bytes([Int32(0), 1])],
      children: [child])
    let cases: [(Foreign, String)] = [
      (Foreign("+s", length: 1, [nil], children: [child]), "structs"),
      (
        Foreign("+l", length: 1, [nil, Foreign.bytes([Int32(0), 1])], children: [list]),
        "Lists of lists"
      ),
      (Foreign("+m", length: 1, [nil, Foreign.bytes([Int32(0), 1])], children: [child]), "Maps"),
      (Foreign("+ud:0", length: 1, [[0], [0, 0, 0, 0]], children: [child]), "Unions"),
      (Foreign("+r", length: 1, [], children: [child, child]), "Run-end encoded"),
      (Foreign("+vl", length: 1, [nil, [], []], children: [child]), "List views"),
      (Foreign("d:10,-2", length: 1, [nil, nil]), "Decimals of 128 bits and scale -2"),
      (Foreign("q", length: 1, [nil, nil]), "\"q\""),
    ]
    for (column, words) in cases {
      let error = try refusal(column)
      #expect(error.code == .unsupported, "\(column.format)")
      #expect(error.message.contains(words), "\(column.format): \(error.message)")
      #expect(error.column == "c", "\(column.format)")
    }
    var nullRows = Foreign.batch([Foreign("l", length: 2, [nil, Foreign.bytes([Int64(1), 2])])])
    nullRows.nulls = 1
    nullRows.buffers = [[0b01]]
    let log = ReleaseLog()
    var (array, schema) = (nullRows.makeArray(log), nullRows.makeSchema(log))
    let error = #expect(throws: LarderError.self) {
      _ = try importArrow(moving: &array, schema: &schema)
    }
    #expect(error?.row == 1)
    schema.release(&schema)
    #expect(log.arrays == 1 && log.schemas == 1)
  }

  @Test func bytesAtTheEndOfReadableMemoryAreCopied() throws {
    // The last word lies right before a page that may not be read.
    let page = 4_096
    let memory = try #require(
      mmap(nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
    mprotect(memory + page, page, PROT_NONE)
    defer { munmap(memory, 2 * page) }
    for count in 1...16 {
      let log = ReleaseLog()
      let start = memory + (page - count * 8)
      for index in 0..<count {
        start.storeBytes(of: Int64(index), toByteOffset: index * 8, as: Int64.self)
      }
      let batch = Foreign.batch([Foreign("l", length: count, [nil, []])])
      var (array, schema) = (batch.makeArray(log), batch.makeSchema(log))
      array.children[0]?.pointee.buffers[1] = UnsafeRawPointer(start)
      let imported = try importArrow(moving: &array, schema: &schema)
      #expect(imported.columns[0].values.base != start)
      #expect((0..<count).allSatisfy { imported.columns[0][$0] == .int64(Int64($0)) })
      schema.release(&schema)
      #expect(log.arrays == 1)
    }
  }

  @Test func alignedBuffersAreSharedAndOthersCopied() throws {
    let log = ReleaseLog()
    let batch = Foreign.batch([
      Foreign(
        "l", length: 4, offset: 1, name: "a",
        [nil, Foreign.bytes([Int64](repeating: 1, count: 64))]),
      Foreign("l", length: 4, name: "b", [nil, Foreign.bytes([Int64](repeating: 1, count: 64))]),
    ])
    var (array, schema) = (batch.makeArray(log), batch.makeSchema(log))
    let own = try #require(array.children[0]?.pointee.buffers[1])
    let other = try #require(array.children[1]?.pointee.buffers[1])
    array.children[1]?.pointee.buffers[1] = other + 1
    do {
      let imported = try importArrow(moving: &array, schema: &schema)
      #expect(imported.columns[0].values.base == UnsafeMutableRawPointer(mutating: own) + 8)
      #expect(imported.columns[1].values.base != UnsafeMutableRawPointer(mutating: other) + 1)
      // An optimized build lets go of the batch after its last use.
      withExtendedLifetime(imported) { #expect(log.arrays == 0) }
    }
    #expect(log.arrays == 1)
    schema.release(&schema)
  }
}

enum ForeignMetadata {
  /// Metadata of one pair that names an extension type.
  static func extensionName(_ name: String) -> [UInt8] {
    let key = Array("ARROW:extension:name".utf8)
    return Foreign.bytes([Int32(1), Int32(key.count)]) + key
      + Foreign.bytes([Int32(name.utf8.count)]) + Array(name.utf8)
  }
}

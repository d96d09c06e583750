import Glibc
import LarderColumns
import LarderContract
import LarderInterchange
import TestSupport
import Testing

@Suite struct CSVRoundTripTests {
  static let types: [DataType] = [
    .bool, .int32, .int64, .float32, .float64, .string, .bytes, .timestamp(.microseconds),
    .timestamp(.nanoseconds), .date, .json, .decimal, .opaque(tag: "map"), .list(.float64),
    .list(.string), .list(.bool), .list(.timestamp(.microseconds)), .list(.bytes),
  ]

  static func value(_ type: DataType, _ random: inout SeededRandom, nulls: Double = 0.2) -> Value {
    if random.chance(nulls) { return .null }
    let word = random.next()
    let narrow = Int64(bitPattern: word) >> Int64(random.int(0...63))
    switch type {
    case .bool: return .bool(word & 1 == 1)
    case .int32: return .int32(Int32(truncatingIfNeeded: narrow))
    case .int64: return .int64(narrow)
    case .date: return .date(Int32(truncatingIfNeeded: narrow))
    case .timestamp(let unit): return .timestamp(Timestamp(ticks: narrow, unit: unit))
    case .float32:
      let short = random.chance(0.5)
      return .float32(
        short ? Float(narrow) / 100 : Float(bitPattern: UInt32(truncatingIfNeeded: word)))
    case .float64:
      return .float64(random.chance(0.5) ? Double(narrow) / 100 : Double(bitPattern: word))
    case .bytes, .opaque:
      return .bytes((0..<random.int(0...9)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
    case .list(let element):
      return .list((0..<random.int(0...4)).map { _ in value(element, &random) })
    case .string, .json, .uuid, .decimal:
      let letters: [Character] = ["a", ",", "\"", "\n", "\r", ";", " ", "\u{e9}", "\u{1F600}", "N"]
      return .string(
        String((0..<random.int(0...6)).map { _ in letters[random.int(0...letters.count - 1)] }))
    }
  }

  @Test func readsBackWhatItWrites() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededRandom(seed: seed)
    for _ in 0..<20 {
      let fields = Self.types.enumerated().map { Field("f\($0)", $1) }
      let view = FeatureView(
        "v", entities: [Entity("e", joinKeys: [.string("k")])], features: fields,
        eventTimestamp: "t")
      let count = random.int(1...300)
      var names = ["k", "t"] + fields.map(\.name)
      var columns: [Column] = []
      for type in [.string, .timestamp(.microseconds)] + Self.types {
        let isKey = columns.count < 2
        let values = (0..<count).map { _ in Self.value(type, &random, nulls: isKey ? 0 : 0.2) }
        columns.append(try Column.of(type, values))
      }
      let order = (0..<names.count).shuffled(using: &random)
      names = order.map { names[$0] }
      columns = order.map { columns[$0] }
      let batch = try RecordBatch(
        schema: Schema(zip(names, columns).map { ColumnField($0, $1.type) }), columns: columns)
      let delimiter: Character = random.chance(0.5) ? "," : ";"
      let format = try CSVFormat(delimiter: delimiter)
      var text: [UInt8] = []
      let writer = CSVWriter(
        delimiter: format.delimiter, lineEnd: random.chance(0.5) ? [0x0A] : [0x0D, 0x0A])
      writer.append(header: names, to: &text)
      writer.append(batch, to: &text)
      var reader = try CSVReader(
        ByteSource(name: "a.csv", bytes: text), for: view, format: format, timeUnit: view.timeUnit)
      let read = try #require(try reader.next(), "seed \(seed)")
      #expect(read.count == count, "seed \(seed)")
      for name in names {
        for row in 0..<count where batch[name]?[row] != read[name]?[row] {
          let before = batch[name].map { "\($0[row])" } ?? ""
          let after = read[name].map { "\($0[row])" } ?? ""
          Issue.record("seed \(seed): \(name) row \(row): \(before) came back as \(after)")
          return
        }
      }
    }
  }

  @Test func readsFloatsAsTheStandardLibraryDoes() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededRandom(seed: seed)
    var texts = ["0.1", "1e22", "1e23", "9007199254740993", "16777217", "16777219", "1e-45"]
    texts += ["0.000000000000000000000000000000000000011754943508222875", "33554435", "8388608.5"]
    for _ in 0..<5_000 {
      let digits = (0..<random.int(1...25)).map { _ in String(random.int(0...9)) }.joined()
      let point = random.int(0...digits.count)
      let text = "\(digits.prefix(point)).\(digits.dropFirst(point))"
      texts.append(random.chance(0.5) ? text : "\(text)e\(random.int(-50...30))")
    }
    let lines = texts.map { "k,0,\($0)\n" }.joined()
    for (row, cells) in try readCSV("k,t,x\n" + lines, view(.float64)).enumerated() {
      let expected = try #require(Double(texts[row]))
      #expect(cells[2] == .float64(expected), "seed \(seed): \(texts[row])")
    }
    let finite = texts.filter { Float($0)?.isFinite == true }
    let narrow = finite.map { "k,0,\($0)\n" }.joined()
    for (row, cells) in try readCSV("k,t,x\n" + narrow, view(.float32)).enumerated() {
      let expected = try #require(Float(finite[row]))
      #expect(cells[2] == .float32(expected), "seed \(seed): \(finite[row])")
    }
  }

  /// A plain reading of RFC 4180, a character at a time: the oracle of the tokenizer.
  static func plainRecords(_ bytes: [UInt8], columns: Int) -> [[String?]]? {
    var records: [[String?]] = []
    var record: [String?] = []
    var cell: [UInt8] = []
    var quoted = false
    var at = 0
    var began = false
    func close() {
      record.append(cell.isEmpty && !quoted ? nil : String(decoding: cell, as: UTF8.self))
    }
    while at < bytes.count {
      let byte = bytes[at]
      if cell.isEmpty, !quoted, byte == 0x22 {
        quoted = true
        began = true
        at += 1
        while true {
          guard at < bytes.count else { return nil }
          if bytes[at] != 0x22 {
            cell.append(bytes[at])
          } else {
            guard at + 1 < bytes.count, bytes[at + 1] == 0x22 else { break }
            cell.append(0x22)
            at += 1
          }
          at += 1
        }
        at += 1
        if at + 1 < bytes.count, bytes[at] == 0x0D, bytes[at + 1] == 0x0A { at += 1 }
        if at + 1 == bytes.count, bytes[at] == 0x0D { at += 1 }
        guard at >= bytes.count || bytes[at] == 0x2C || bytes[at] == 0x0A else { return nil }
        continue
      }
      if byte == 0x2C {
        close()
        cell = []
        quoted = false
        began = true
      } else if byte == 0x0A {
        if !quoted, cell.last == 0x0D { cell.removeLast() }
        if began || !cell.isEmpty || columns == 1 {
          close()
          guard record.count == columns else { return nil }
          records.append(record)
        }
        record = []
        cell = []
        quoted = false
        began = false
      } else {
        cell.append(byte)
        began = began || byte != 0x0D
      }
      at += 1
    }
    if !quoted, cell.last == 0x0D { cell.removeLast() }
    if began || !cell.isEmpty {
      close()
      guard record.count == columns else { return nil }
      records.append(record)
    }
    return records
  }

  @Test func splitsAsThePlainReaderDoesInWindowsOfAnySize() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededRandom(seed: seed)
    let pieces = ["a", "bc", "\"", "\"\"", ",", "\n", "\r\n", "\"x,y\"", "\"\n\"", "1", " "]
    var agreed = 0
    let view = FeatureView("v", entities: [], eventTimestamp: "t") {
      Field("x", .string)
      Field("y", .string)
    }
    for round in 0..<3_000 {
      var body = ""
      for _ in 0..<random.int(1...4) {
        var cells: [String] = ["0"]
        for _ in 0..<2 {
          let cell = (0..<random.int(0...2)).map { _ in pieces[random.int(0...pieces.count - 1)] }
          cells.append(random.chance(0.3) ? cell.joined() : cell.filter { $0 != "," }.joined())
        }
        body += cells.joined(separator: ",") + (random.chance(0.2) ? "\r\n" : "\n")
      }
      let bytes = Array(body.utf8)
      let expected = Self.plainRecords(bytes, columns: 3)
      let text = Array("t,x,y\n".utf8) + bytes
      var got: [[String?]]? = []
      do {
        let source =
          round % 2 == 0
          ? ByteSource(name: "a", bytes: text) : try pipe(text, window: random.int(8...40))
        var reader = try CSVReader(source, for: view, timeUnit: view.timeUnit)
        while let batch = try reader.next() {
          for row in 0..<batch.count {
            got?.append(
              batch.row(row).map { value in
                switch value {
                case .string(let text): text
                case .timestamp(let time): String(time.ticks)
                default: nil
                }
              })
          }
        }
      } catch { got = nil }
      // A time other than 0 is refused by its type; only the splitting is compared here.
      if let expected, expected.allSatisfy({ $0[0] == "0" }) {
        #expect(got == expected, "seed \(seed), round \(round): \(body.debugDescription)")
        agreed += 1
      } else {
        #expect(got == nil, "seed \(seed), round \(round): \(body.debugDescription)")
      }
    }
    #expect(agreed > 300)
  }

  private func pipe(_ bytes: [UInt8], window: Int) throws -> ByteSource {
    var ends: [Int32] = [0, 0]
    #expect(Glibc.pipe(&ends) == 0)
    #expect(write(ends[1], bytes, bytes.count) == bytes.count)
    close(ends[1])
    return ByteSource(name: "pipe", descriptor: ends[0], windowBytes: window)
  }
}

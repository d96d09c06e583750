import Glibc
import LarderColumns
import LarderContract
import LarderEncodings
import LarderFiles
import Testing

@testable import LarderOffline

@Suite struct LimitTests {
  private func store(_ change: (inout StoreOptions) -> Void = { _ in }) throws -> Store {
    var options = Fixture.options()
    change(&options)
    let host = SimulatedFileSystem(seed: 1).host()
    return try Store.open("/s", access: .create, host: host, options: options)
  }

  /// The same code as for 4 Mi rows, held to fewer.
  @Test(arguments: [(2_047, 1), (2_048, 1), (2_049, 2)])
  func dividesRowsAmongSegments(_ rows: Int, _ segments: Int) throws {
    let store = try store { $0.segmentRows = 2_048 }
    try store.apply(Fixture.definitions(Fixture.view()))
    let batch = try Fixture.batch(Fixture.rows(rows, from: 0, keys: 500))
    try store.append([batch], to: "stats")
    let report = try #require(try store.snapshot().report().views.first)
    #expect(report.rows == rows && report.segments == segments)
    #expect(try store.snapshot().verify().findings.isEmpty)
  }

  @Test func holdsTheSegmentsOfAStore() throws {
    let store = try store()
    try store.apply(Fixture.definitions(Fixture.view()))
    for index in 0..<3 {
      let rows = Fixture.rows(5, from: Int64(index) * 10)
      try store.append([Fixture.batch(rows)], to: "stats")
    }
    let state = try store.refresh()
    let view = try #require(state.segments.keys.first)
    // As if of a later commit, so that boxes are disjoint.
    var new = try #require(state.segments[view]?.first?.description)
    new.firstCommit = state.head.id + 1
    new.lastCommit = state.head.id + 1
    for limit in [5, 4] {
      try Boxes.checkEdit(adding: [new], removing: [], view: view, in: state, limit: limit)
    }
    let failure = #expect(throws: LarderError.self) {
      try Boxes.checkEdit(adding: [new], removing: [], view: view, in: state, limit: 3)
    }
    #expect(failure?.code == .limitExceeded)
  }

  /// The same code as for records of 256 MiB, held to fewer bytes.
  @Test func holdsTheBytesOfARecord() throws {
    let definitions = ManifestRecord.Body.edit(
      ManifestRecord.Edit(
        reason: .append, view: 1, removed: (0..<999).map { FileIdentifier(high: 1, low: $0) },
        added: [], keyLogs: [:]))
    func encode(_ limit: Int) throws -> Int {
      try ManifestFile.encode(
        definitions, id: 1, time: 0, previous: 0, store: FileIdentifier(high: 1, low: 2), at: 0,
        limit: limit
      ).bytes.count
    }
    let bytes = try encode(Limits.manifestRecordBytes)
    for limit in [bytes + 1, bytes] { #expect(try encode(limit) == bytes) }
    let failure = #expect(throws: LarderError.self) { try encode(bytes - 1) }
    #expect(failure?.code == .limitExceeded)
  }

  @Test(arguments: [-1, 0, 1])
  func holdsTheEntriesOfADictionary(beyond: Int) throws {
    var column = ColumnRecord(role: .feature, fieldID: 1, type: .string)
    column.encoding = .dictionary
    column.dictionaryCount = Limits.dictionaryEntries + beyond
    var writer = RecordWriter()
    column.write(to: &writer)
    var reader = RecordReader(writer.bytes, file: "footer", origin: 0)
    if beyond > 0 {
      let failure = #expect(throws: LarderError.self) { try ColumnRecord.read(from: &reader) }
      #expect(failure?.code == .corrupt)
    } else {
      guard case .known(let found) = try ColumnRecord.read(from: &reader) else {
        Issue.record("The record was not read.")
        return
      }
      #expect(found == column)
    }
  }

  /// Codes have 16 bits: with one value more the texts are written without a dictionary.
  @Test func holdsTheCodesOfADictionary() throws {
    var dictionary = TextDictionary()
    func code(_ number: Int) -> Int? {
      "value \(number)".withUTF8Bytes { dictionary.code(of: $0, limit: 1 << 16) }
    }
    for number in 0..<1 << 16 where code(number) != number {
      Issue.record("value \(number) has another code")
    }
    #expect(code(1 << 16) == nil)
    #expect(code(7) == 7 && code((1 << 16) - 1) == (1 << 16) - 1)
  }

  /// A file of holes, so that it takes no space.
  @Test(arguments: [-1, 0, 1])
  func holdsTheBytesOfASegment(beyond: Int) throws {
    let path = "/tmp/larder-segment-limit-\(getpid())-\(beyond)"
    let descriptor = open(path, O_RDWR | O_CREAT, 0o600)
    defer {
      close(descriptor)
      unlink(path)
    }
    try #require(ftruncate(descriptor, Int(Limits.segmentBytes) + beyond) == 0)
    let failure = #expect(throws: LarderError.self) {
      try Segment(path: path, files: POSIXFileSystem(), expected: nil)
    }
    // Up to the limit it is looked at, and holds nothing that a segment has.
    #expect(failure?.code == .corrupt)
    #expect(failure?.message.contains("are not a segment") == (beyond > 0), "\(failure as Any)")
  }

  @Test func holdsTheBytesOfAValue() throws {
    let store = try store()
    let view = FeatureView("v", entities: [], features: [Field("value", .bytes)])
    try store.apply(Definitions(featureViews: [view]))
    for (extra, isFine) in [(-1, true), (0, true), (1, false)] {
      let value = [UInt8](repeating: 7, count: Limits.valueBytes + extra)
      let batch = try RecordBatch([
        "event_timestamp": .timestamp([1, 2]), "value": try .of(.bytes, [.null, .bytes(value)]),
      ])
      let head = try store.refresh().head
      if isFine {
        try store.append([batch], to: "v")
      } else {
        let failure = #expect(throws: LarderError.self) { try store.append([batch], to: "v") }
        #expect(failure?.code == .limitExceeded)
        #expect(failure?.column == "value" && failure?.row == 1)
        #expect(try store.refresh().head == head)
      }
    }
  }

  /// The limit itself is 2 GiB; the same code is held to 1,000 bytes, and to 100 list elements.
  @Test(arguments: [(-1, true), (0, true), (1, false)])
  func holdsTheBytesOfAColumn(_ extra: Int, _ isFine: Bool) throws {
    let texts = try Column.string((0..<10).map { String(repeating: "x", count: $0 * 10) })
    // 90 and 10 bytes, 9 and 1 elements, ten times each.
    let rows: [UInt32] = (0..<20).map { $0 % 2 == 0 ? 9 : 1 }
    let lists = try Column.of(
      .list(.int32), (0..<10).map { .list(Array(repeating: .int32(1), count: $0)) })
    func code(_ column: Column, _ limit: Int) -> LarderError.Code? {
      rows.withUnsafeBufferPointer { rows in
        do throws(LarderError) {
          let gathered = try column.gathered(rows, in: ScratchMemory(), limit: limit)
          #expect(gathered[0] == column[9] && gathered[19] == column[1])
          return nil
        } catch {
          return error.code
        }
      }
    }
    #expect(code(texts, 1_000 - extra) == (isFine ? nil : .limitExceeded))
    #expect(code(lists, 100 - extra) == (isFine ? nil : .limitExceeded))
  }

  @Test func countsPartitionsOfSingleSegments() throws {
    let store = try store()
    try store.apply(Fixture.definitions(Fixture.view(partition: .day), Fixture.view("whole")))
    let day: Int64 = 86_400_000_000
    for time in [0, day - 1, 3 * day] {
      let rows = [TestRow(key: 1, event: time, created: nil, value: time)]
      try store.append([Fixture.batch(rows)], to: "stats")
    }
    try store.append([Fixture.batch(Fixture.rows(5, from: 0))], to: "whole")
    #expect(try store.snapshot().report().views.map(\.partitions) == [2, 1])
  }
}

extension String {
  /// Calls a closure with the string's bytes.
  fileprivate func withUTF8Bytes<T>(_ body: (UnsafeRawBufferPointer) -> T) -> T {
    Array(utf8).withUnsafeBytes(body)
  }
}

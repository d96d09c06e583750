import LarderColumns
import LarderFiles
import LarderKeys
import TestSupport
import Testing

/// A log in memory beside the keys that it should hold.
struct LogUnderTest {
  let files = HeapFiles()
  let directory = "keys/k3"
  let identity = KeyLogIdentity(store: FileIdentifier(high: 7, low: 9), set: 3)
  let schema: KeySchema
  var tails: [[UInt8]] = []
  /// The state after each append, from the empty log on.
  var states: [KeyLogState] = []
  var writer: KeyLogWriter

  init(_ schema: KeySchema) throws {
    self.schema = schema
    writer = try KeyLogWriter(
      creating: 1, of: schema, identity: identity, in: files, directory: directory)
    states = [writer.state]
  }

  var path: String { directory + "/keys-00000000000000000001.log" }

  func open(_ state: KeyLogState, after earlier: KeyLog? = nil) throws -> KeyLog {
    try KeyLog.open(
      in: files, directory: directory, identity: identity, schema: schema, state: state,
      after: earlier)
  }

  mutating func append(_ new: [[UInt8]]) throws {
    let keys = NewKeys(schema: schema, first: UInt32(tails.count))
    for tail in new { try tail.withUnsafeBytes { try keys.append($0) } }
    states.append(try writer.append(keys))
    tails += new
  }

  func check(_ log: KeyLog) throws {
    for id in 0..<log.count {
      let found = try log.tail(of: id).map { Array($0) }
      #expect(found == tails[Int(id)])
    }
  }
}

func randomTail(_ schema: KeySchema, _ random: inout SeededRandom) throws -> [UInt8] {
  let values = schema.columns.map { column -> KeyValue in
    switch column.type {
    case .int32: .int32(Int32.random(in: .min ... .max, using: &random))
    case .int64: .int64(Int64.random(in: .min ... .max, using: &random))
    case .timestamp: .timestamp(seconds: Int64.random(in: -5...5, using: &random))
    case .string: .string(String(repeating: "é", count: random.int(0...9)) + "\(random.next())")
    case .bytes:
      .bytes((0..<random.int(0...40)).map { _ in UInt8.random(in: 0...255, using: &random) })
    }
  }
  return try EntityKey(schema: schema, values: values).tail
}

let schemasUnderTest: [KeySchema] = {
  let sets: [[KeyColumn]] = [
    [KeyColumn("id", .int64)], [KeyColumn("id", .int32)], [KeyColumn("id", .string)],
    [KeyColumn("id", .bytes)], [KeyColumn("at", .timestamp)],
    [KeyColumn("a", .int32), KeyColumn("b", .int64)],
    [KeyColumn("a", .string), KeyColumn("b", .int64), KeyColumn("c", .bytes)],
    [KeyColumn("a", .string), KeyColumn("b", .string), KeyColumn("c", .int32)],
  ]
  return sets.compactMap { try? KeySchema($0) }
}()

@Suite struct KeyLogTests {
  @Test(arguments: schemasUnderTest)
  func reopensAtEveryCommittedLength(_ schema: KeySchema) throws {
    var random = SeededRandom(seed: 11)
    var log = try LogUnderTest(schema)
    for size in [1, 3, 700, 1, 5_000, 2] {
      try log.append((0..<size).map { _ in try randomTail(schema, &random) })
    }
    var earlier: KeyLog?
    for state in log.states {
      let fresh = try log.open(state)
      try log.check(fresh)
      try fresh.verify()
      let resumed = try log.open(state, after: earlier)
      try log.check(resumed)
      earlier = resumed
    }
  }

  @Test(arguments: schemasUnderTest)
  func givesKeysBackAsColumns(_ schema: KeySchema) throws {
    var random = SeededRandom(seed: 17)
    var test = try LogUnderTest(schema)
    for size in [9, 300] {
      try test.append((0..<size).map { _ in try randomTail(schema, &random) })
    }
    let log = try test.open(test.states[2])
    let ids = (0..<500).map { _ in UInt32(random.int(0...308)) }
    let columns = try ids.withUnsafeBufferPointer { try log.columns(of: $0) }
    #expect(columns.map(\.type) == schema.columns.map(\.type.dataType))
    let named = zip(schema.columns, columns).map { (name: $0.name, column: $1) }
    // Converted to keys again they are the tails that the ids stand for.
    let batch = try KeyBatch(named, schema: schema, rows: 0..<ids.count, for: .write)
    let wrong = ids.indices.count { Array(batch.tail($0)) != test.tails[Int(ids[$0])] }
    #expect(wrong == 0)
    let writer = try log.rewrite(
      erasing: [5], as: 2, in: test.files, directory: test.directory)
    let erased = try [4, 5, 6].withUnsafeBufferPointer {
      try test.open(writer.state).columns(of: $0)
    }
    #expect(erased.allSatisfy { $0.isValid(0) && !$0.isValid(1) && $0.isValid(2) })
    #expect(throws: LarderError.self) {
      try [309].withUnsafeBufferPointer { try log.columns(of: $0) }
    }
  }

  @Test func splitsLargeAppendsIntoChunks() throws {
    var random = SeededRandom(seed: 12)
    var numbers = try LogUnderTest(KeySchema([KeyColumn("id", .int64)]))
    try numbers.append((0..<150_000).map { _ in try randomTail(numbers.schema, &random) })
    try numbers.check(numbers.open(numbers.states[1]))
    var texts = try LogUnderTest(KeySchema([KeyColumn("id", .bytes)]))
    try texts.append((0..<60).map { [UInt8](repeating: UInt8($0), count: 60_000 + $0) })
    try texts.check(texts.open(texts.states[1]))
  }

  @Test func overwritesWhatNoCommitNamed() throws {
    var random = SeededRandom(seed: 13)
    var log = try LogUnderTest(KeySchema([KeyColumn("id", .string)]))
    try log.append((0..<100).map { _ in try randomTail(log.schema, &random) })
    let committed = try log.open(log.states[1])
    // A writer whose commit never came.
    let lost = NewKeys(schema: log.schema, first: 100)
    for _ in 0..<1_000 {
      try randomTail(log.schema, &random).withUnsafeBytes { try lost.append($0) }
    }
    try log.writer.append(lost)
    log.writer = try KeyLogWriter(
      continuing: committed, in: log.files, directory: log.directory)
    try log.append((0..<5).map { _ in try randomTail(log.schema, &random) })
    try log.check(log.open(log.states[2]))
    try log.check(log.open(log.states[1]))
  }

  @Test func rewritesWithEmptySlots() throws {
    var random = SeededRandom(seed: 14)
    for schema in schemasUnderTest {
      var log = try LogUnderTest(schema)
      for size in [70, 200] {
        try log.append((0..<size).map { _ in try randomTail(schema, &random) })
      }
      let before = try log.open(log.states[2])
      let writer = try before.rewrite(
        erasing: [0, 5, 64, 269], as: 2, in: log.files, directory: log.directory)
      let after = try log.open(writer.state)
      #expect(after.count == 270 && after.state.generation == 2)
      try after.verify()
      // A second erasure keeps the slots of the first empty.
      let again = try after.rewrite(erasing: [6], as: 3, in: log.files, directory: log.directory)
      let last = try log.open(again.state)
      for id in UInt32(0)..<270 {
        let erased = [0, 5, 6, 64, 269].contains(id)
        #expect(try last.tail(of: id).map { Array($0) } == (erased ? nil : log.tails[Int(id)]))
        #expect((try after.key(of: id) == nil) == (erased && id != 6))
      }
    }
  }

  @Test(arguments: [0, 2, 6])
  func findsEveryFlippedBit(_ which: Int) throws {
    var random = SeededRandom(seed: 15)
    let schema = schemasUnderTest[which]
    var log = try LogUnderTest(schema)
    for size in [3, 5, 1] {
      try log.append((0..<size).map { _ in try randomTail(schema, &random) })
    }
    let state = log.states[3]
    let good = try #require(log.files[log.path])
    for at in 0..<Int(state.length) {
      var bad = good
      bad[at] ^= 1 << UInt8(random.int(0...7))
      log.files[log.path] = bad
      let error = #expect(throws: LarderError.self, "byte \(at)") {
        let opened = try log.open(state)
        try opened.verify()
      }
      #expect(error?.code == .corrupt || error?.code == .unsupportedVersion)
    }
    // Beyond the named length everything is void.
    var longer = good
    for at in Int(state.length)..<good.count { longer[at] = 0xFF }
    log.files[log.path] = longer
    try log.check(log.open(state))
  }

  @Test func refusesTornSplicedAndForeignFiles() throws {
    var random = SeededRandom(seed: 16)
    var log = try LogUnderTest(KeySchema([KeyColumn("id", .int64)]))
    for size in [3, 5, 1] {
      try log.append((0..<size).map { _ in try randomTail(log.schema, &random) })
    }
    let state = log.states[3]
    let good = try #require(log.files[log.path])
    for length in stride(from: 0, to: Int(state.length), by: 7) {
      log.files[log.path] = Array(good.prefix(length))
      #expect(throws: LarderError.self) { try log.open(state) }
      // A tail that never reached the disk, unless it is padding, which is zero anyway.
      let zeros = [UInt8](repeating: 0, count: good.count - length)
      guard good.prefix(length) + zeros != good else { continue }
      log.files[log.path] = good.prefix(length) + zeros
      #expect(throws: LarderError.self) {
        let opened = try log.open(state)
        try opened.verify()
      }
    }
    log.files[log.path] = good
    for length in [state.length - 64, state.length + 64, log.states[2].length, 0, .max] {
      let wrong = KeyLogState(
        generation: 1, length: length, count: state.count, checksum: state.checksum)
      #expect(throws: LarderError.self) { try log.open(wrong) }
    }
    #expect(throws: LarderError.self) {
      try log.open(
        KeyLogState(
          generation: 1, length: state.length, count: state.count - 1, checksum: state.checksum))
    }
    // Other keys, as many and as long: another chunk was committed than lies there.
    #expect(throws: LarderError.self) {
      try log.open(
        KeyLogState(
          generation: 1, length: state.length, count: state.count, checksum: state.checksum ^ 1))
    }
    let strangers = [
      KeyLogIdentity(store: FileIdentifier(high: 7, low: 8), set: 3),
      KeyLogIdentity(store: FileIdentifier(high: 7, low: 9), set: 4),
    ]
    for identity in strangers {
      let error = #expect(throws: LarderError.self) {
        try KeyLog.open(
          in: log.files, directory: log.directory, identity: identity, schema: log.schema,
          state: state)
      }
      #expect(error?.message.contains("another store") == true)
    }
  }
}

import LarderColumns
import LarderFiles
import LarderKeys
import TestSupport
import Testing

@Suite struct KeyMapTests {
  private func filled(
    _ schema: KeySchema, _ count: Int, seed: UInt64
  ) throws -> (test: LogUnderTest, log: KeyLog) {
    var random = SeededRandom(seed: seed)
    var test = try LogUnderTest(schema)
    var seen: Set<[UInt8]> = []
    while seen.count < count { seen.insert(try randomTail(schema, &random)) }
    try test.append(seen.sorted { $0.lexicographicallyPrecedes($1) })
    return (test, try test.open(test.states[1]))
  }

  private func batch(_ test: LogUnderTest) throws -> KeyBatch {
    let values = try test.tails.map { tail in
      try EntityKey.deserialize(tail.withUnsafeBytes { try test.schema.key(fromTail: $0) }).values
    }
    let columns = try test.schema.columns.enumerated().map { position, column in
      let own = values.map { row -> Value in
        switch row[position] {
        case .int32(let x): .int32(x)
        case .int64(let x): .int64(x)
        case .timestamp(let x): .timestamp(Timestamp(seconds: x))
        case .string(let x): .string(x)
        case .bytes(let x): .bytes(x)
        }
      }
      return (name: column.name, column: try Column.of(column.type.dataType, own))
    }
    return try KeyBatch(columns, schema: test.schema, rows: 0..<test.tails.count, for: .write)
  }

  @Test(arguments: [0, 1, 2, 5])
  func buildsInPartsWhatItBuildsWhole(_ which: Int) throws {
    // 12,000 keys take four parts of 1,024 lines.
    let (test, log) = try filled(schemasUnderTest[which], 12_000, seed: 21)
    let batch = try batch(test)
    for (number, partLines) in [1_024, 2_048, KeyMap.partLines].enumerated() {
      let file = FileIdentifier(high: 1, low: UInt64(number))
      let name = try KeyMap.build(
        from: log, without: RetiredIDs([17, 4_711]), as: file, in: test.files,
        directory: test.directory, partLines: partLines)
      let map = try #require(
        try KeyMap.newest(in: test.files, directory: test.directory, for: log))
      let directory = try KeyDirectory(log: log, map: map, retired: RetiredIDs([17, 4_711]))
      try directory.checkInvariants()
      var ids = [UInt32](repeating: 0, count: batch.count)
      try ids.withUnsafeMutableBufferPointer { try directory.lookup(batch, into: $0) }
      #expect(ids == (0..<12_000).map { [17, 4_711].contains($0) ? .max : $0 })
      #expect(try test.files.remove(test.directory + "/" + name))
    }
  }

  @Test func takesTheMapThatCoversMost() throws {
    var (test, log) = try filled(KeySchema([KeyColumn("id", .int64)]), 300, seed: 22)
    try KeyMap.build(
      from: log, without: RetiredIDs(), as: FileIdentifier(high: 0, low: 1), in: test.files,
      directory: test.directory)
    var random = SeededRandom(seed: 23)
    try test.append((0..<100).map { _ in try randomTail(test.schema, &random) })
    let later = try test.open(test.states[2])
    try KeyMap.build(
      from: later, without: RetiredIDs(), as: FileIdentifier(high: 0, low: 2), in: test.files,
      directory: test.directory)
    let newest = try KeyMap.newest(in: test.files, directory: test.directory, for: later)
    #expect(newest?.count == 400)
    // To the earlier commit the later map says too much.
    let fitting = try KeyMap.newest(in: test.files, directory: test.directory, for: log)
    #expect(fitting?.count == 300)
    // A rewritten log has other slots, and other stores' maps do not count.
    let writer = try later.rewrite(erasing: [3], as: 2, in: test.files, directory: test.directory)
    let rewritten = try test.open(writer.state)
    #expect(try KeyMap.newest(in: test.files, directory: test.directory, for: rewritten) == nil)
  }

  @Test func passesOverUnfinishedAndBrokenMaps() throws {
    let (test, log) = try filled(KeySchema([KeyColumn("id", .string)]), 50, seed: 24)
    let name = try KeyMap.build(
      from: log, without: RetiredIDs(), as: FileIdentifier(high: 0, low: 1), in: test.files,
      directory: test.directory)
    let path = test.directory + "/" + name
    let good = try #require(test.files[path])
    for length in [0, 1, 4_095, 4_096, 4_097, good.count - 1, good.count - 8] {
      test.files[path] = Array(good.prefix(length))
      #expect(try KeyMap.newest(in: test.files, directory: test.directory, for: log) == nil)
    }
    test.files[path] = [UInt8](repeating: 0, count: 4_096) + good.dropFirst(4_096)
    #expect(try KeyMap.newest(in: test.files, directory: test.directory, for: log) == nil)
    test.files[path] = good + [0]
    #expect(try KeyMap.newest(in: test.files, directory: test.directory, for: log) == nil)
    test.files[path] = good
    #expect(try KeyMap.newest(in: test.files, directory: test.directory, for: log)?.count == 50)
  }

  @Test func noFlippedBitGivesAWrongId() throws {
    let (test, log) = try filled(KeySchema([KeyColumn("id", .int64)]), 60, seed: 25)
    let name = try KeyMap.build(
      from: log, without: RetiredIDs(), as: FileIdentifier(high: 0, low: 1), in: test.files,
      directory: test.directory)
    let path = test.directory + "/" + name
    let good = try #require(test.files[path])
    let batch = try batch(test)
    var random = SeededRandom(seed: 26)
    for at in 0..<good.count where at < 120 || at > 4_080 {
      var bad = good
      bad[at] ^= 1 << UInt8(random.int(0...7))
      test.files[path] = bad
      guard let map = try KeyMap.newest(in: test.files, directory: test.directory, for: log) else {
        continue  // Passed over: the header or the checksums of the blocks did not hold.
      }
      let directory = try KeyDirectory(log: log, map: map)
      var ids = [UInt32](repeating: 0, count: batch.count)
      let error = #expect(throws: LarderError.self, "byte \(at)") {
        try ids.withUnsafeMutableBufferPointer { try directory.lookup(batch, into: $0) }
      }
      #expect(error?.code == .corrupt && error?.file == path)
    }
  }
}

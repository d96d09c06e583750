import CLarderKernels
import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import LarderKeys
import TestSupport
import Testing

@testable import LarderOnline

/// The kernel's lookups against the careful search, and reading into memory that is used again.
@Suite struct BatchLookupTests {
  private let numbers = FeatureView(
    "numbers", entities: [Entity("thing", joinKeys: [.int64("id")])],
    features: [Field("a", .int64), Field("b", .float64), Field("c", .int32), Field("d", .string)],
    eventTimestamp: "at")
  private let words = FeatureView(
    "words", entities: [Entity("thing", joinKeys: [.string("name"), .int32("part")])],
    features: [Field("a", .int64)], eventTimestamp: "at")

  private func makeStore() -> MappedOnlineStore {
    openStore(
      SimulatedFileSystem(seed: 1).host(), "/online", clock: ConformanceClock())
  }

  private func fill(_ store: MappedOnlineStore, _ view: FeatureView, keys: RecordBatch) throws {
    try store.update(
      keeping: [view], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
    var columns = zip(keys.schema.fields, keys.columns).map { ($0, $1) }
    let count = keys.count
    columns.append(
      (ColumnField("at", .timestamp(.microseconds)), .timestamp((0..<count).map { Int64($0) })))
    columns.append((ColumnField("a", .int64), .int64((0..<count).map { Int64($0) })))
    if view.features.count > 1 {
      columns.append((ColumnField("b", .float64), .float64((0..<count).map { Double($0) / 2 })))
      columns.append((ColumnField("c", .int32), .int32((0..<count).map { Int32($0) })))
      let texts = (0..<count).map { String(repeating: "x", count: $0 % 300) }
      columns.append((ColumnField("d", .string), try .string(texts)))
    }
    try store.writeBatch(
      try RecordBatch(schema: Schema(columns.map(\.0)), columns: columns.map(\.1)), to: view)
  }

  /// Every key of a batch by window and one by one.
  private func compare(
    _ store: MappedOnlineStore, _ view: FeatureView, _ keys: RecordBatch, isWhole: Bool = true
  ) throws -> Int {
    let plan = try ReadPlan(ResolvedView(view, table: 1), features: nil)
    let batch = TableKeys(try OnlineKeys.convert(keys, plan.keySchema, view))
    let lookup = try store.table(of: view).snapshot().lookup
    let memory = WindowMemory()
    var found = 0
    var start = 0
    while start < batch.count {
      let count = min(KeyLookup.window, batch.count - start)
      let failure = lookup.find(batch, start, count, rowLines: 2, into: memory.found)
      for lane in 0..<count {
        let key = batch.lane(start + lane)
        switch lookup.find(key.hash, key.tail, key.bytes) {
        case .row(let record, let slot):
          found += 1
          // The search of a window ends at its first damaged row.
          if failure != nil, memory.found.rows[lane] == nil { continue }
          #expect(memory.found.rows[lane] == record.base && memory.found.slots[lane] == slot.bits)
          #expect(memory.found.hashes[lane] == key.hash)
        case .absent: #expect(memory.found.rows[lane] == nil)
        case .stale, .damaged: #expect(!isWhole && failure != nil)
        }
      }
      if isWhole { #expect(failure == nil) }
      start += count
    }
    return found
  }

  @Test func windowsFindWhatTheCarefulSearchFinds() throws {
    let store = makeStore()
    let ids = (0..<6_000).map { Int64($0) &* 0x9E37_79B9 }
    try fill(store, numbers, keys: RecordBatch(["id": .int64(ids)]))
    // More rows than fit a bucket, keys that are not there, and an odd number of them.
    let asked = (0..<7_013).map { Int64($0 * 7 % 8_000) &* 0x9E37_79B9 }
    let found = try compare(store, numbers, RecordBatch(["id": .int64(asked)]))
    let known = Set(ids)
    #expect(found == asked.count { known.contains($0) })
    let texts = (0..<3_000).map { String(repeating: "n", count: $0 % 40) + "\($0)" }
    let keys = try RecordBatch([
      "name": .string(texts), "part": .int32((0..<3_000).map { Int32($0 % 5) }),
    ])
    let other = makeStore()
    try fill(other, words, keys: keys)
    #expect(try compare(other, words, keys) == 3_000)
    let strangers = try RecordBatch([
      "name": .string(texts), "part": .int32((0..<3_000).map { Int32($0 % 7) }),
    ])
    #expect(try compare(other, words, strangers) == (0..<3_000).count { $0 % 5 == $0 % 7 })
  }

  @Test func damagedRowsAreLeftToTheCarefulSearch() throws {
    let machine = SimulatedFileSystem(seed: 1)
    let clock = ConformanceClock()
    let store = openStore(machine.host(), "/online", clock: clock)
    let ids = (0..<200).map { Int64($0) }
    try fill(store, numbers, keys: RecordBatch(["id": .int64(ids)]))
    let logFile = try #require(machine.paths.first { $0.hasSuffix(".rows") })
    let file = try machine.open(logFile, .update)
    let bytes = try #require(machine.contents(of: logFile))
    for offset in stride(from: 4_096 + 2_000, to: 40_000, by: 3_000) {
      try file.write([bytes[offset] ^ 4], at: UInt64(offset))
    }
    let reader = openStore(
      machine.anotherProcess().host(), "/online", clock: clock, isReadOnly: true)
    let found = try compare(
      reader, numbers, RecordBatch(["id": .int64(ids)]), isWhole: false)
    #expect(found < 200)
    #expect(throws: LarderError.self) {
      try reader.read(RecordBatch(["id": .int64(ids)]), from: numbers)
    }
  }

  @Test func checksumsOfSeveralRowsAreThoseOfEach() throws {
    var random = SeededRandom(seed: 4)
    for count in 1...9 {
      let memory = Buffer(zeroedBytes: 64 * 1024)
      var rows: [UnsafeRawPointer?] = []
      var states: [UInt32] = []
      var expected: [UInt32] = []
      for row in 0..<count {
        let base = memory.base + row * 64 * 64
        let units = random.int(1...9)
        for byte in 0..<units * 64 {
          base.storeBytes(of: UInt8(random.int(0...255)), toByteOffset: byte, as: UInt8.self)
        }
        base.storeBytes(of: UInt32(1 << 24 | units), toByteOffset: 4, as: UInt32.self)
        rows.append(UnsafeRawPointer(base))
        states.append(UInt32(truncatingIfNeeded: random.next()))
        expected.append(
          CRC32C.portableChecksum(
            UnsafeRawBufferPointer(start: base + 4, count: units * 64 - 4),
            continuing: states[row]))
      }
      guard larder_has_crc32c() != 0 else { return }
      var checksums = [UInt32](repeating: 0, count: count)
      larder_online_checksums(rows, states, count, &checksums)
      #expect(checksums == expected)
    }
  }

  @Test func answersIntoTheSameMemoryAreThoseOfFreshMemory() throws {
    let store = makeStore()
    let ids = (0..<500).map { Int64($0) }
    try fill(store, numbers, keys: RecordBatch(["id": .int64(ids)]))
    let reader = try store.reader(for: numbers)
    var buffers = OnlineBuffers()
    var random = SeededRandom(seed: 9)
    var kept: [(OnlineRows, [[Value]])] = []
    for round in 0..<200 {
      let reach = random.chance(0.5) ? 499 : 700
      let asked = (0..<random.int(0...150)).map { _ in Int64(random.int(0...reach)) }
      let keys = try RecordBatch(["id": .int64(asked)])
      if random.chance(0.5) {
        try reader.read(asked.span, into: &buffers)
      } else {
        try reader.read(keys, into: &buffers)
      }
      guard let rows = buffers.rows else {
        Issue.record("round \(round) has no answer")
        return
      }
      let fresh = try store.read(keys, from: numbers)
      #expect(rows.statuses == fresh.statuses, "round \(round)")
      let values = (0..<asked.count).map { rows.features.row($0) + [rows.eventTimes[$0]] }
      #expect(
        values == (0..<asked.count).map { fresh.features.row($0) + [fresh.eventTimes[$0]] })
      if random.chance(0.1) { kept.append((rows, values)) }
    }
    // What was kept was not overwritten.
    for (rows, values) in kept {
      #expect(values == values.indices.map { rows.features.row($0) + [rows.eventTimes[$0]] })
    }
    #expect(!kept.isEmpty)
    #expect(throws: LarderError.self) {
      try makeStore().reader(for: numbers)
    }
  }

  @Test func aReaderNoticesWhatHappensToItsTable() throws {
    let store = makeStore()
    try fill(store, numbers, keys: RecordBatch(["id": .int64([1, 2, 3])]))
    let reader = try store.reader(for: numbers, features: ["a"])
    #expect(try reader.withRow(ofKey: 2) { $0[int64: 0] } == 1)
    for round in Int64(0)..<50 {
      let late = try RecordBatch([
        "id": .int64([2]), "at": .timestamp([100 + round]), "a": .int64([round]),
      ])
      try store.writeBatch(late, to: numbers)
      if round % 10 == 5 { try store.compact(numbers) }
      #expect(try reader.withRow(ofKey: 2) { $0[int64: 0] } == round)
      #expect(try reader.read(RecordBatch(["id": .int64([2])])).features.row(0) == [.int64(round)])
    }
    try store.tearDown([numbers], entities: [])
    #expect(throws: LarderError.self) { try reader.withRow(ofKey: 2) { $0[int64: 0] } }
  }
}

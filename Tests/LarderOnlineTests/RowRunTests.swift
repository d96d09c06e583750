import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import LarderKeys
import TestSupport
import Testing

@testable import LarderOnline

/// What is done for many rows at a time against what is done row by row.
@Suite struct RowRunTests {
  private let types: [DataType] = [
    .int64, .bool, .string, .int64, .float64, .list(.int32), .float32, .int32, .bytes,
    .timestamp(.microseconds), .bool, .float64,
  ]
  /// What the batch brings: two of the columns are narrower than the features.
  private let brought: [DataType] = [
    .int64, .bool, .string, .int32, .float32, .list(.int32), .float32, .int32, .bytes,
    .timestamp(.microseconds), .bool, .float64,
  ]

  private func value(_ type: DataType, _ random: inout SeededRandom) -> Value {
    switch type {
    case .int64: .int64(Int64(bitPattern: random.next()))
    case .int32: .int32(Int32(truncatingIfNeeded: random.next()))
    case .float32: .float32(Float(random.int(-999...999)) / 4)
    case .float64: .float64(Double(random.int(-999...999)) / 8)
    case .bool: .bool(random.chance(0.5))
    case .string: .string(String(repeating: "s", count: random.int(0...40)))
    case .bytes: .bytes([UInt8](repeating: 7, count: random.int(0...9)))
    case .timestamp(let unit): .timestamp(Timestamp(ticks: Int64(random.int(0...99)), unit: unit))
    default: .list((0..<random.int(0...5)).map { .int32(Int32($0)) })
    }
  }

  /// A column that is a slice, with nulls or without.
  private func column(
    _ type: DataType, _ count: Int, _ random: inout SeededRandom
  ) throws -> Column {
    let nulls = random.chance(0.5) ? 0.3 : 0
    let lead = random.int(0...13)
    var values: [Value] = []
    for _ in 0..<count + lead {
      values.append(random.chance(nulls) ? .null : value(type, &random))
    }
    return try Column.of(type, values).slice(lead..<count + lead)
  }

  @Test func columnsAreWrittenAsRowsAre() throws {
    for seed in UInt64(1)...60 {
      var random = SeededRandom(seed: seed)
      let fields = types.enumerated().map { position, type in
        RowField(id: UInt32(position), name: "f\(position)", type: type)
      }
      // More than 64 features have bits in a second word.
      let wide = (types.count..<types.count + (random.chance(0.5) ? 60 : 0)).map {
        RowField(id: UInt32($0), name: "f\($0)", type: .int32)
      }
      let count = random.int(1...KeyLookup.window)
      var columns: [Column?] = []
      for type in brought + wide.map(\.type) {
        columns.append(try column(type, count, &random))
      }
      let schema = RowSchema(id: 3, fields: fields + wide)
      let encoder = try RowEncoder(schema, columns: columns)
      let features = 8 * random.int(4...9)
      let run = RowRun()
      let bytes = 1 << 12
      let together = Buffer(zeroedBytes: count * bytes)
      let alone = Buffer(zeroedBytes: count * bytes)
      for place in 0..<count {
        run.rows[place] = Int32(count - 1 - place)
        run.bases[place] = together.base + place * bytes
        run.targets[place] = run.bases[place] + features
        run.ends[place] = features + schema.fixedBytes
        encoder.encode(
          count - 1 - place, into: alone.base + place * bytes, at: features,
          variable: features + schema.fixedBytes)
      }
      let middle = random.int(0...count)
      encoder.encode(run, 0..<middle)
      encoder.encode(run, middle..<count)
      #expect(Array(together.bytes) == Array(alone.bytes), "seed \(seed)")
      withExtendedLifetime((run, columns)) {}
    }
  }

  private let things = FeatureView(
    "things", entities: [Entity("thing", joinKeys: [.int64("id")])],
    features: [Field("a", .int64), Field("b", .string)], eventTimestamp: "at")

  /// A table of rows of different lengths; gives its machine and the name of its newest log file.
  private func makeTable(rows: Int) throws -> (SimulatedFileSystem, MappedOnlineStore, String) {
    let machine = SimulatedFileSystem(seed: 1)
    let store = openStore(machine.host(), "/online", clock: ConformanceClock())
    try store.update(
      keeping: [things], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
    let texts = (0..<rows).map { String(repeating: "y", count: $0 * 7 % 190) }
    try store.writeBatch(
      RecordBatch([
        "id": .int64((0..<rows).map { Int64($0) }),
        "at": .timestamp((0..<rows).map { Int64($0) }),
        "a": .int64((0..<rows).map { Int64($0) }), "b": .string(texts),
      ]), to: things)
    let name = try #require(machine.paths.filter { $0.hasSuffix(".rows") }.max())
    return (machine, store, name)
  }

  @Test func aWindowOfRecordsEndsWhereARecordIsDamaged() throws {
    for seed in UInt64(1)...20 {
      var random = SeededRandom(seed: seed)
      let (machine, store, path) = try makeTable(rows: 300)
      if seed > 1 {
        let file = try machine.open(path, .update)
        let bytes = try #require(machine.contents(of: path))
        let offset = random.int(4_096...20_000)
        try file.write([bytes[offset] ^ 1 << UInt8(random.int(0...7))], at: UInt64(offset))
      }
      let file = try machine.open(path, .read)
      let logFile = try LogFile.map(file, header: try LogFileHeader.read(file))
      var window = RecordWindow()
      var unit = LogFormat.headerUnits
      var whole = 0
      while unit < logFile.units {
        let expected = logFile.record(at: unit)
        let found = window.record(at: unit, in: logFile, before: logFile.units)
        #expect(expected?.base == found?.base, "seed \(seed), unit \(unit)")
        guard let found else { break }
        whole += 1
        unit += found.units
      }
      #expect(whole > 1, "seed \(seed)")
      withExtendedLifetime((store, logFile)) {}
    }
  }

  @Test func aRowWhoseKeyIsDamagedIsNotTakenForAbsent() throws {
    let (machine, store, _) = try makeTable(rows: 300)
    let lookup = try store.table(of: things).snapshot().lookup
    let schema = try ReadPlan.keySchema(of: things)
    for id in stride(from: Int64(0), to: 300, by: 17) {
      let keys = try RecordBatch(["id": .int64([id])])
      let batch = TableKeys(try OnlineKeys.convert(keys, schema, things))
      let key = batch.lane(0)
      guard case .row(_, let slot) = lookup.find(key.hash, key.tail, key.bytes) else {
        Issue.record("\(id) is not there")
        continue
      }
      let path = try #require(lookup.logFiles.logFile(number: slot.number)?.path)
      let place = slot.unit * LogFormat.unit + (id % 2 == 0 ? Record.rowHeaderBytes : 28)
      let bytes = try #require(machine.contents(of: path))
      try machine.open(path, .update).write([bytes[place] ^ 2], at: UInt64(place))
      let reader = openStore(
        machine.anotherProcess().host(), "/online", clock: ConformanceClock(), isReadOnly: true)
      #expect(throws: LarderError.self, "\(id)") { try reader.read(keys, from: things) }
      try machine.open(path, .update).write([bytes[place]], at: UInt64(place))
    }
  }

  @Test func bucketsThatAreSplitAheadHoldEveryKey() throws {
    let machine = SimulatedFileSystem(seed: 1)
    let store = openStore(machine.host(), "/online", clock: ConformanceClock())
    try store.update(
      keeping: [things], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
    var random = SeededRandom(seed: 5)
    var next: Int64 = 0
    var held = 0
    // Batches of all sizes, so that one splits many buckets or none.
    for size in [3, 5_000, 1, 900, 9_000, 40, 2_000] {
      let fresh = (0..<size).map { _ -> Int64 in
        next += 1
        return next &* 0x9E37_79B9
      }
      let again = (0..<size / 3).map { _ in Int64(random.int(1...Int(next))) &* 0x9E37_79B9 }
      let ids = (fresh + again).shuffled(using: &random)
      try store.writeBatch(
        RecordBatch([
          "id": .int64(ids), "at": .timestamp([Int64](repeating: Int64(held), count: ids.count)),
          "a": .int64(ids), "b": .string(ids.map { "\($0)" }),
        ]), to: things)
      held += size
      #expect(try store.statistics(of: things).keys == held)
      let result = try store.verify(things)
      #expect(result.findings.isEmpty && result.rows == held)
    }
  }
}

import Foundation
import LarderColumns
import LarderFiles
import LarderKeys
import Synchronization
import TestSupport
import Testing

/// Columns of keys with many repetitions, and the same keys in a form that Swift compares.
private func draw(
  _ schema: KeySchema, rows: Int, among distinct: Int, _ random: inout SeededRandom
) throws -> (columns: [(name: String, column: Column)], keys: [[UInt8]]) {
  var values: [[Value]] = schema.columns.map { _ in [] }
  var keys: [[UInt8]] = []
  for _ in 0..<rows {
    // A key follows from its number, so that the same number is the same key in every batch.
    let number = random.int(0...distinct - 1)
    var own = SeededRandom(seed: UInt64(number) &* 77)
    var parts: [KeyValue] = []
    for (position, column) in schema.columns.enumerated() {
      let word = Int64(truncatingIfNeeded: own.next()) >> Int64(own.int(0...60))
      let part: KeyValue
      let value: Value
      switch column.type {
      case .int32:
        let x = Int32(truncatingIfNeeded: position == 0 ? Int64(number) : word)
        (part, value) = (.int32(x), .int32(x))
      case .int64: (part, value) = (.int64(word), .int64(word))
      case .timestamp:
        let x = Int64(number)
        (part, value) = (.timestamp(seconds: x), .timestamp(Timestamp(seconds: x)))
      case .string:
        let x = String(repeating: "é", count: own.int(0...9)) + "\(number)"
        (part, value) = (.string(x), .string(x))
      case .bytes:
        let x = (0..<own.int(0...40)).map { UInt8(truncatingIfNeeded: $0 &* number) }
        (part, value) = (.bytes(x), .bytes(x))
      }
      parts.append(part)
      values[position].append(value)
    }
    keys.append(try EntityKey(schema: schema, values: parts).serialized)
  }
  let columns = try zip(schema.columns, values).map { column, values in
    (name: column.name, column: try Column.of(column.type.dataType, values))
  }
  return (columns, keys)
}

private func lookup(_ directory: KeyDirectory, _ batch: KeyBatch) throws -> [UInt32] {
  var ids = [UInt32](repeating: 7, count: batch.count)
  try ids.withUnsafeMutableBufferPointer { try directory.lookup(batch, into: $0) }
  return ids
}

/// What a writer publishes to readers.
private final class Head: Sendable {
  let directory: Mutex<KeyDirectory>
  let stop = Atomic(false)
  init(_ directory: KeyDirectory) { self.directory = Mutex(directory) }
}

@Suite struct KeyDirectoryTests {
  /// `LARDER_SEEDS` asks for more.
  private static let seeds =
    ProcessInfo.processInfo.environment["LARDER_SEEDS"].flatMap { UInt64($0) } ?? 1

  /// Commits, aborted commits, erasures, maps and reopenings against a dictionary.
  @Test(arguments: schemasUnderTest, [UInt64.max, 0x7, 0])
  func agreesWithADictionary(_ schema: KeySchema, _ hashMask: UInt64) throws {
    let collides = hashMask != .max
    for seed in 0..<KeyDirectoryTests.seeds {
      var random = SeededRandom(seed: seed)
      let files = HeapFiles()
      let identity = KeyLogIdentity(store: FileIdentifier(high: 1, low: seed), set: 3)
      var writer = try KeyLogWriter(
        creating: 1, of: schema, identity: identity, in: files, directory: "k")
      func open(_ state: KeyLogState, after log: KeyLog? = nil) throws -> KeyLog {
        try KeyLog.open(
          in: files, directory: "k", identity: identity, schema: schema, state: state, after: log)
      }
      var directory = try KeyDirectory(log: open(writer.state), hashMask: hashMask)
      var model: [[UInt8]: UInt32] = [:]
      var count: UInt32 = 0
      var retired: Set<UInt32> = []
      // What an earlier commit answers must not change, but for what was erased since.
      var snapshots: [(directory: KeyDirectory, model: [[UInt8]: UInt32])] = []
      for step in 0..<14 {
        let place = Comment("seed \(seed), step \(step), \(schema), mask \(hashMask)")
        let distinct = collides ? 100 : 1_500
        let rows = random.int(0...(collides ? 120 : 1_000))
        let (columns, keys) = try draw(schema, rows: rows, among: distinct, &random)
        let batch = try KeyBatch(columns, schema: schema, rows: 0..<rows, for: .write)

        let found = try lookup(directory, batch)
        #expect(found == keys.map { model[$0] ?? .max }, place)
        for (earlier, known) in snapshots {
          let answer = try lookup(earlier, batch)
          let wrong = zip(keys, answer).count { key, answer in
            let id = known[key] ?? .max
            // What was erased since may be unknown there already.
            return answer != id && !(answer == .max && retired.contains(id))
          }
          #expect(wrong == 0, place)
        }

        let assignment = directory.assignment()
        var ids = [UInt32](repeating: 0, count: rows)
        let middle = rows / 2
        for part in [0..<middle, middle..<rows] {
          let piece = try KeyBatch(columns, schema: schema, rows: part, for: .write)
          try ids.withUnsafeMutableBufferPointer {
            try assignment.assign(piece, into: UnsafeMutableBufferPointer(rebasing: $0[part]))
          }
        }
        var changed = model
        var next = count
        let expected = keys.map { key -> UInt32 in
          if let id = changed[key] { return id }
          changed[key] = next
          next += 1
          return next - 1
        }
        #expect(ids == expected, place)
        #expect(assignment.newKeys.end == next, place)

        if random.chance(0.2) { continue }  // The commit fails.
        try writer.append(assignment.newKeys)
        let log = try open(writer.state, after: random.chance(0.5) ? directory.log : nil)
        snapshots.append((directory, model))
        if snapshots.count > 3 { snapshots.removeFirst() }
        model = changed
        count = next
        switch random.int(0...5) {
        case 0:
          directory = try KeyDirectory(
            log: log, retired: RetiredIDs(retired), hashMask: hashMask)
        case 1:
          try KeyMap.build(
            from: log, without: RetiredIDs(retired), as: FileIdentifier(from: &random), in: files,
            directory: "k", hashMask: hashMask, partLines: 1_024)
          let map = try KeyMap.newest(in: files, directory: "k", for: log, hashMask: hashMask)
          #expect(map?.count == log.count || log.count == 0, place)
          directory = try directory.extended(to: log, map: map)
        case 2:
          // In order, so that the seed replays.
          let victims = model.values.sorted().filter { _ in random.chance(0.05) }
          retired.formUnion(victims)
          model = model.filter { !victims.contains($0.value) }
          directory = try directory.extended(
            to: log, retired: RetiredIDs(retired), adopting: assignment)
        case 3:
          let generation = writer.state.generation + 1
          writer = try log.rewrite(erasing: retired, as: generation, in: files, directory: "k")
          directory = try directory.extended(to: open(writer.state))
        default:
          directory = try directory.extended(to: log, adopting: assignment)
        }
        try directory.checkInvariants()
      }
    }
  }

  @Test func answersManyThreadsWhileKeysAreAdded() async throws {
    let schema = try KeySchema([KeyColumn("id", .int64)])
    let files = HeapFiles()
    let identity = KeyLogIdentity(store: FileIdentifier(high: 1, low: 1), set: 3)
    let writer = try KeyLogWriter(
      creating: 1, of: schema, identity: identity, in: files, directory: "k")
    let log = try KeyLog.open(
      in: files, directory: "k", identity: identity, schema: schema, state: writer.state)
    let head = Head(try KeyDirectory(log: log))
    // The key 0, whose tag empty slots share, is among them.
    let spine = try KeyBatch(
      [("id", .int64((0..<20_000).map { Int64($0) }))], schema: schema, rows: 0..<20_000,
      for: .lookup)
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<2 {
        group.addTask {
          var queries = 0
          while !head.stop.load(ordering: .relaxed) || queries == 0 {
            let directory = head.directory.withLock { $0 }
            let known = directory.count
            let ids = try lookup(directory, spine)
            // The writer below gives the key k the id k.
            let wrong = ids.indices.count { ids[$0] != ($0 < known ? UInt32($0) : .max) }
            #expect(wrong == 0)
            queries += 1
          }
          return queries
        }
      }
      var directory = head.directory.withLock { $0 }
      for step in 0..<200 {
        let keys = Column.int64((step * 100..<step * 100 + 100).map { Int64($0) })
        let batch = try KeyBatch([("id", keys)], schema: schema, rows: 0..<100, for: .write)
        let assignment = directory.assignment()
        var ids = [UInt32](repeating: 0, count: 100)
        try ids.withUnsafeMutableBufferPointer { try assignment.assign(batch, into: $0) }
        try writer.append(assignment.newKeys)
        let log = try KeyLog.open(
          in: files, directory: "k", identity: identity, schema: schema, state: writer.state,
          after: directory.log)
        directory = try directory.extended(to: log, adopting: assignment)
        head.directory.withLock { $0 = directory }
      }
      head.stop.store(true, ordering: .relaxed)
      for try await queries in group { #expect(queries > 0) }
    }
  }

  @Test func refusesKeysOfAnotherSchema() throws {
    let test = try LogUnderTest(KeySchema([KeyColumn("id", .int64)]))
    let directory = try KeyDirectory(log: test.open(test.states[0]))
    let other = try KeyBatch(
      [("id", .int32([1]))], schema: KeySchema([KeyColumn("id", .int32)]), rows: 0..<1,
      for: .write)
    var ids: [UInt32] = [0]
    #expect(throws: LarderError.self) {
      try ids.withUnsafeMutableBufferPointer { try directory.lookup(other, into: $0) }
    }
    let nulls = try KeyBatch(
      [("id", .int64([nil]))], schema: directory.schema, rows: 0..<1, for: .lookup)
    #expect(throws: LarderError.self) {
      try ids.withUnsafeMutableBufferPointer { try directory.assignment().assign(nulls, into: $0) }
    }
    #expect(try lookup(directory, nulls) == [.max])
  }
}

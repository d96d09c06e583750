import Glibc
import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import Testing

@testable import LarderOnline

/// Each limit at one less, at itself, and at one more.
@Suite struct OnlineLimitsTests {
  private let view = FeatureView(
    "texts", entities: [Entity("thing", joinKeys: [.int64("id")])],
    features: [Field("text", .bytes)], eventTimestamp: "at")

  private func batch(_ id: Int64, event: Int64, bytes: Int) throws -> RecordBatch {
    var text = ColumnBuilder(.bytes)
    try text.append(bytes: [UInt8](repeating: 7, count: bytes))
    return try RecordBatch([
      "id": .int64([id]), "at": .timestamp([event]), "text": text.finish(),
    ])
  }

  private func store(
    _ options: OnlineOptions = smallOptions()
  ) throws -> (MappedOnlineStore, SimulatedFileSystem) {
    let machine = SimulatedFileSystem(seed: 1)
    machine.keepLog(false)
    let store = openStore(machine.host(), "/online", clock: ConformanceClock(), options: options)
    try store.update(
      keeping: [view], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
    return (store, machine)
  }

  @Test func aRowOfSixteenMebibytesFits() throws {
    let (store, _) = try store()
    // Header and key of 40 bytes, one word of bits, one reference.
    let longest = LogFormat.rowBytes - 40 - 8 - 8
    for (id, bytes) in [longest - 1, longest].enumerated() {
      try store.writeBatch(try batch(Int64(id), event: 1, bytes: bytes), to: view)
      let rows = try store.read(RecordBatch(["id": .int64([Int64(id)])]), from: view)
      #expect(rows.features.columns[0].variableBytes(0).count == bytes)
    }
    do {
      try store.writeBatch(try batch(2, event: 1, bytes: longest + 1), to: view)
      Issue.record("a longer row was taken")
    } catch let error as LarderError {
      #expect(error.code == .limitExceeded && error.row == 0)
    }
    // Nothing of the refused batch is there, and the next one is taken.
    let rows = try store.read(RecordBatch(["id": .int64([2])]), from: view)
    #expect(rows.statuses == [.notFound])
    try store.writeBatch(try batch(2, event: 1, bytes: 1), to: view)
    #expect(try store.verify(view).findings == [])
  }

  @Test func aFullTableIsATypedErrorAndCanBeCompacted() throws {
    var options = smallOptions()
    options.logFileLimit = 8
    let (store, machine) = try store(options)
    // Every row takes half a log file, and each replaces the one before.
    var written: Int64 = 0
    var refusal: LarderError?
    while refusal == nil, written < 100 {
      do {
        try store.writeBatch(try batch(1, event: written, bytes: 50_000), to: view)
        written += 1
      } catch let error as LarderError { refusal = error }
    }
    #expect(refusal?.code == .limitExceeded && refusal?.message.contains("6 log files") == true)
    func event() throws -> Value {
      try store.read(RecordBatch(["id": .int64([1])]), from: view).eventTimes[0]
    }
    #expect(try event() == .timestamp(Timestamp(microseconds: written - 1)))
    let reader = openStore(
      machine.anotherProcess().host(), "/online", clock: ConformanceClock(), isReadOnly: true)
    #expect(try reader.statistics(of: view).logFiles == 6)
    #expect(try store.compact(view).logFiles >= 5)
    for _ in 0..<3 {
      try store.writeBatch(try batch(1, event: written, bytes: 50_000), to: view)
      written += 1
    }
    #expect(try event() == .timestamp(Timestamp(microseconds: written - 1)))
    #expect(try store.verify(view).findings == [])
  }

  /// A batch that the table's log files have no room for is refused whole.
  @Test func aBatchLargerThanTheTableLeavesNothing() throws {
    var options = smallOptions()
    options.logFileLimit = 6
    let numbers = FeatureView(
      "numbers", entities: [Entity("thing", joinKeys: [.int64("id")])],
      features: [Field("a", .int64)], eventTimestamp: "at")
    func rows(_ count: Int) throws -> RecordBatch {
      let ids = (0..<Int64(count)).map { $0 }
      return try RecordBatch([
        "id": .int64(ids), "at": .timestamp(ids.map { _ in 5 }), "a": .int64(ids),
      ])
    }
    /// Whether a fresh table takes a batch of so many rows; checks that it is all there or not.
    func takes(_ count: Int) throws -> Bool {
      let machine = SimulatedFileSystem(seed: 1)
      machine.keepLog(false)
      let store = openStore(machine.host(), "/online", clock: ConformanceClock(), options: options)
      try store.update(
        keeping: [numbers], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
      var isTaken = true
      do { try store.writeBatch(try rows(count), to: numbers) } catch let error as LarderError {
        #expect(error.code == .limitExceeded && error.message.contains("log files"), "\(error)")
        isTaken = false
      }
      for reader in [
        store, openStore(machine.anotherProcess().host(), "/online", clock: ConformanceClock()),
      ] {
        let answer = try reader.read(
          RecordBatch(["id": .int64([0, Int64(count / 2), Int64(count - 1)])]), from: numbers)
        let status: OnlineStatus = isTaken ? .present : .notFound
        #expect(answer.statuses == [status, status, status], "\(count) rows")
        #expect(try reader.statistics(of: numbers).keys == (isTaken ? count : 0))
        if reader === store { try store.close() }
      }
      return isTaken
    }
    // Four log files are for rows, of 64 and 128 KiB; a row takes 64 bytes of them.
    var least = 1
    var most = 8_192
    #expect(try takes(least) && !takes(most))
    while most - least > 1 {
      let middle = (least + most) / 2
      if try takes(middle) { least = middle } else { most = middle }
    }
    #expect(least > 6_500 && least < 7_168, "\(least) rows")
    #expect(try takes(least - 1) && takes(least) && !takes(least + 1))
  }
}

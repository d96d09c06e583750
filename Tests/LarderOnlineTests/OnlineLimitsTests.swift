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
    options.segmentLimit = 8
    let (store, machine) = try store(options)
    // Every row takes half a segment, and each replaces the one before.
    var written: Int64 = 0
    var refusal: LarderError?
    while refusal == nil, written < 100 {
      do {
        try store.writeBatch(try batch(1, event: written, bytes: 50_000), to: view)
        written += 1
      } catch let error as LarderError { refusal = error }
    }
    #expect(refusal?.code == .limitExceeded && refusal?.message.contains("6 segments") == true)
    func event() throws -> Value {
      try store.read(RecordBatch(["id": .int64([1])]), from: view).eventTimes[0]
    }
    #expect(try event() == .timestamp(Timestamp(microseconds: written - 1)))
    let reader = openStore(
      machine.anotherProcess().host(), "/online", clock: ConformanceClock(), isReadOnly: true)
    #expect(try reader.statistics(of: view).segments == 6)
    #expect(try store.compact(view).segments >= 5)
    for _ in 0..<3 {
      try store.writeBatch(try batch(1, event: written, bytes: 50_000), to: view)
      written += 1
    }
    #expect(try event() == .timestamp(Timestamp(microseconds: written - 1)))
    #expect(try store.verify(view).findings == [])
  }
}

import Foundation
import Larder
import LarderFoundation
import Synchronization
import TestSupport
import Testing

@Suite struct AsyncTests {
  private let root: TemporaryDirectory
  private let view = FeatureView(
    "v", entities: [Entity("e", joinKeys: [.int64("id")])], features: [Field("f", .int64)])

  init() throws { root = try TemporaryDirectory() }

  @Test func doesWhatTheSynchronousMethodsDo() async throws {
    let store = try await FeatureStore.open(at: root.path + "/s", access: .create)
    try await store.apply(Definitions(entities: view.entities, featureViews: [view]))
    let commit = try await store.append(try rows(0..<10), to: "v")
    #expect(commit.id > 0)
    await #expect(throws: LarderError.self) { try await store.append(try rows(0..<1), to: "w") }
    let job = try store.historicalFeatures(for: try rows(0..<10).spine, features: ["v:f"])
    let answer = try await job.collect()
    #expect((0..<10).map { answer.columns[2][$0] } == (0..<10).map { .int64($0 * 2) })
    #expect(try await store.verify().findings.isEmpty)
    #expect(try await store.materialize("v", through: Timestamp(seconds: 1)).rows == 10)
    #expect(try await job.write(to: root.path + "/out.csv") == 10)
    try await store.replace([try rows(3..<4)], in: "v")
    #expect(try await store.pullAll("v").collect().count == 1)
    #expect(try await store.fold() == 0)
  }

  @Test func handsBatchesOverInOrder() async throws {
    let store = try await FeatureStore.open(at: root.path + "/s", access: .create)
    try await store.apply(Definitions(entities: view.entities, featureViews: [view]))
    try await store.append(try rows(0..<200_000), to: "v")
    let job = try store.pullAll("v")
    var next: Int64 = 0
    var batches = 0
    try await job.forEachBatch { batch in
      await Task.yield()
      #expect(batch.columns[0][0] == .int64(next))
      next += Int64(batch.count)
      batches += 1
    }
    #expect(next == 200_000 && batches > 1)
    struct Enough: Error {}
    await #expect(throws: Enough.self) {
      try await job.forEachBatch { _ in throw Enough() }
    }
  }

  @Test func stopsForACancelledTask() async throws {
    let store = try await FeatureStore.open(at: root.path + "/s", access: .create)
    try await store.apply(Definitions(entities: view.entities, featureViews: [view]))
    try await store.append(try rows(0..<200_000), to: "v")
    let job = try store.pullAll("v")
    let seen = Mutex(0)
    let task = Task {
      try await job.forEachBatch { batch in
        seen.withLock { $0 += 1 }
        withUnsafeCurrentTask { $0?.cancel() }
      }
    }
    let result = await task.result
    #expect(throws: LarderError.self) { try result.get() }
    #expect(seen.withLock { $0 } == 1)
    let cancelled = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await store.append(try rows(0..<1), to: "v").id
    }
    let outcome = await cancelled.result
    #expect(throws: LarderError.self) { try outcome.get() }
  }

  /// More waiting appends than the cooperative pool has threads: other tasks still run.
  @Test func neverBlocksTheCooperativePool() async throws {
    var options = StoreOptions(lockTimeout: .seconds(20))
    options.fold = .off
    let store = try FeatureStore(at: root.path + "/s", access: .create, options: options)
    try await store.apply(Definitions(entities: view.entities, featureViews: [view]))
    try await withThrowingTaskGroup(of: UInt64.self) { group in
      for index in 0..<Int64(24) {
        group.addTask { try await store.append(try rows(index..<index + 1), to: "v").id }
      }
      let ids = try await group.reduce(into: Set<UInt64>()) { $0.insert($1) }
      #expect(ids.count == 24)
    }
    #expect(try await store.pullAll("v").collect().count == 24)
  }

  @Test func convertsDatesAndURLs() throws {
    let date = Date(timeIntervalSince1970: 1_700_000_000.123456)
    #expect(try Timestamp(date) == Timestamp(microseconds: 1_700_000_000_123_456))
    #expect(try Timestamp(Timestamp(microseconds: -1_500_000).date).ticks == -1_500_000)
    #expect(Timestamp(nanoseconds: 1_500_000_000).date == Date(timeIntervalSince1970: 1.5))
    #expect(throws: LarderError.self) { try Timestamp(Date(timeIntervalSince1970: 1e30)) }
    #expect(throws: LarderError.self) { try Timestamp(Date(timeIntervalSince1970: .nan)) }
    let store = try FeatureStore(
      at: URL(fileURLWithPath: root.path).appendingPathComponent("u"), access: .create)
    try store.apply(view)
    try store.append(try rows(0..<2), to: "v")
    let file = URL(fileURLWithPath: root.path).appendingPathComponent("out.csv")
    #expect(try store.pullAll("v").write(to: file) == 2)
    #expect(throws: LarderError.self) {
      try FeatureStore(at: #require(URL(string: "https://example.org/s")))
    }
  }
}

/// Rows of ids, at their own microseconds, with twice their own values.
private func rows(_ range: Range<Int64>) throws -> RecordBatch {
  try RecordBatch([
    "id": .int64(range.map { $0 }), "event_timestamp": .timestamp(range.map { $0 }),
    "f": .int64(range.map { $0 * 2 }),
  ])
}

extension RecordBatch {
  /// The keys and times.
  fileprivate var spine: RecordBatch {
    get throws {
      try RecordBatch(
        schema: Schema(Array(schema.fields.prefix(2))), columns: Array(columns.prefix(2)))
    }
  }
}

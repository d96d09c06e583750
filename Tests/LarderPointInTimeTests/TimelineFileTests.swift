import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import LarderOffline
import TestSupport
import Testing

@testable import LarderPointInTime

/// The timeline's file: built after large appends and merges, read in place, and never trusted.
@Suite struct TimelineFileTests {
  private let files = SimulatedFileSystem(seed: 3)

  private func open(leastRuns: Int = 1) throws -> Store {
    let host = Host(
      files: files, now: { 1_700_000_000_000_000 }, random: { UInt64.random(in: 0 ... .max) })
    var options = StoreOptions()
    options.fold = .off
    let store = try Store.open("/store", access: .create, host: host, options: options)
    store.add(TimelineBuilder(leastRuns: leastRuns))
    return store
  }

  /// A view with entities of few and of many rows, in several appends.
  private func fill(_ store: Store, appends: Int = 3, seed: UInt64 = 1) throws -> FeatureView {
    var random = SeededRandom(seed: seed)
    let view = FeatureView(
      "v", entities: [Entity("e", joinKeys: [.int64("e")])], features: [Field("f", .int64)])
    try store.apply(Definitions(featureViews: [view]))
    for append in 0..<appends {
      let rows = 12_000
      try store.append(
        [
          RecordBatch([
            "e": .int64(
              (0..<rows).map { _ in Int64(random.int(0...(random.chance(0.5) ? 4_000 : 40))) }),
            "event_timestamp": .timestamp(
              (0..<rows).map { _ in Int64(random.int(0...1_000_000)) + Int64(append) * 700_000 }),
            "f": .int64((0..<rows).map { Int64(append * rows + $0) }),
          ])
        ], to: "v")
    }
    return view
  }

  private func build(_ store: Store) throws {
    let snapshot = try store.snapshot()
    for view in snapshot.catalog.views {
      try TimelineBuilder(leastRuns: 1).build(for: view, in: snapshot)
    }
  }

  private func path(_ store: Store) throws -> String {
    let folder = "/store/offline/v\(try store.snapshot().catalog.views[0].id)"
    let names = try files.names(in: folder).filter { $0.hasSuffix(".timeline") }
    #expect(names.count == 1)
    return "\(folder)/\(try #require(names.first))"
  }

  private func spine() throws -> RecordBatch {
    var random = SeededRandom(seed: 9)
    return try RecordBatch([
      "e": .int64((0..<3_000).map { _ in Int64(random.int(-5...4_100)) }),
      "event_timestamp": .timestamp((0..<3_000).map { _ in Int64(random.int(-9...2_500_000)) }),
    ])
  }

  private func ask(
    _ store: Store, _ spine: RecordBatch, engine: PointInTimeEngine = PointInTimeEngine()
  ) throws -> (answer: RecordBatch, plan: String, report: RetrievalReport) {
    let job = try engine.historicalFeatures(
      in: try store.snapshot(), for: spine, features: ["v:f"], options: RetrievalOptions())
    let plan = try job.explain()
    let answer = try job.collect()
    return (answer, plan, try #require(job.report))
  }

  private func same(_ a: RecordBatch, _ b: RecordBatch) -> Bool {
    a.count == b.count && (0..<a.count).allSatisfy { a.row($0) == b.row($0) }
  }

  @Test func answersAsOneThatWasMerged() throws {
    let store = try open()
    _ = try fill(store)
    let spine = try spine()
    let merged = try ask(store, spine)
    #expect(merged.plan.contains("entity timeline: to be merged"))
    try build(store)
    let fromFile = try ask(store, spine)
    #expect(fromFile.plan.contains(".timeline"))
    #expect(same(merged.answer, fromFile.answer))
    // Opened again, by a process that may only read.
    let host = Host(files: files, now: { 0 }, random: { 1 })
    let reader = try Store.open("/store", access: .readOnly, host: host)
    #expect(same(merged.answer, try ask(reader, spine).answer))
  }

  @Test func isTheMergeItWasMadeOf() throws {
    let store = try open()
    _ = try fill(store)
    try build(store)
    let snapshot = try store.snapshot()
    let segments = inOrder(
      try snapshot.segments(of: snapshot.catalog.views[0]).map { try snapshot.open($0) })
    let merged = try TimelineMerge(segments).run()
    let file = EntityTimeline(try TimelineFile(try path(store), in: files))
    try file.file?.ensureVerified()
    #expect(file.ids == merged.ids && file.entryCount == merged.entryCount)
    #expect((0..<merged.ids).allSatisfy { file.heads[$0] == merged.heads[$0] })
    #expect((0..<merged.entryCount).allSatisfy { file.entries[$0] == merged.entries[$0] })
    #expect((0..<merged.ids).contains { merged.heads[$0].isRun })
    #expect((0..<merged.ids).contains { merged.heads[$0].entryCount > 1 })
  }

  @Test func servesSnapshotsWithMoreAndWithFewerSegments() throws {
    let store = try open()
    _ = try fill(store, appends: 2)
    let earlier = try store.snapshot()
    try build(store)
    _ = try fill(store, appends: 1, seed: 5)
    let spine = try spine()
    let over = try ask(store, spine)
    let reference = try ask(store, spine, engine: forgetful())
    #expect(same(over.answer, reference.answer))
    // The file covers all segments by now, and an earlier snapshot knows fewer.
    try build(store)
    let engine = PointInTimeEngine()
    let past = try engine.historicalFeatures(
      in: earlier, for: spine, features: ["v:f"], options: RetrievalOptions()
    ).collect()
    let expected = try forgetful().historicalFeatures(
      in: earlier, for: spine, features: ["v:f"], options: RetrievalOptions()
    ).collect()
    #expect(same(past, expected) && !same(past, over.answer))
  }

  /// An engine that looks runs up in the segments' own indexes, without any timeline.
  private func forgetful() -> PointInTimeEngine {
    var rules = SearchRules()
    rules.probesAlways = true
    return PointInTimeEngine(rules: rules)
  }

  @Test func isPassedOverWhereItIsDamaged() throws {
    let store = try open()
    _ = try fill(store)
    let spine = try spine()
    let expected = try ask(store, spine).answer
    try build(store)
    let path = try path(store)
    let bytes = try files.open(path, .read).readExactly(
      Int(try files.status(of: path)?.bytes ?? 0), at: 0)
    var random = SeededRandom(seed: 4)
    var places = (0..<128).map { $0 } + [128, 150, bytes.count - 1]
    for _ in 0..<150 { places.append(random.int(0...(bytes.count - 1))) }
    for place in places {
      var damaged = bytes
      damaged[place] ^= 1 << UInt8(random.int(0...7))
      try files.remove(path)
      try files.open(path, .create).write(damaged, at: 0)
      #expect(same(expected, try ask(store, spine).answer), "byte \(place)")
      // In batches, some of which were handed out before the damage is met.
      let job = try PointInTimeEngine().historicalFeatures(
        in: try store.snapshot(), for: spine, features: ["v:f"],
        options: RetrievalOptions(memoryBytes: 2 << 20))
      var rows = 0
      try job.forEachBatch { rows += $0.count }
      #expect(rows == spine.count)
    }
    for length in [0, 1, 127, 128, 200, bytes.count - 1] {
      try files.remove(path)
      try files.open(path, .create).write(Array(bytes[..<length]), at: 0)
      #expect(same(expected, try ask(store, spine).answer), "\(length) bytes")
    }
    try files.remove(path)
    try files.open(path, .create).write(bytes + [0], at: 0)
    #expect(same(expected, try ask(store, spine).answer), "a byte more")
  }

  @Test func staysInsideEvenIfChecksumsWereMadeToFit() throws {
    let store = try open()
    _ = try fill(store)
    try build(store)
    let file = try path(store)
    var format = try TimelineFormat(try files.open(file, .read))
    let body = try files.open(file, .read).readExactly(
      format.bodyBytes, at: UInt64(format.bodyStart))
    var random = SeededRandom(seed: 8)
    for _ in 0..<60 {
      var damaged = body
      for _ in 0..<4 { damaged[random.int(0...(body.count - 1))] = UInt8(random.int(0...255)) }
      for block in 0..<format.blocks {
        let start = block * TimelineFormat.blockBytes
        let part = Array(damaged[start..<min(damaged.count, start + TimelineFormat.blockBytes)])
        format.sums[block] = XXH3.hash64(part, seed: format.blockSeed(block))
      }
      try files.remove(file)
      let target = try files.open(file, .create)
      try target.write(format.encoded + damaged, at: 0)
      // A wrong answer, or none, but nothing outside of the file is read.
      _ = try ask(store, try spine())
    }
  }

  @Test func isBuiltByACompactionThatHasNothingToRewrite() throws {
    let host = Host(files: files, now: { 1_700_000_000_000_000 }, random: { 5 })
    var options = StoreOptions()
    options.fold = .off
    let store = try Store.open("/store", access: .create, host: host, options: options)
    store.add(TimelineBuilder())
    try appendManyEntities(to: store)
    #expect(try !ask(store, try spine()).plan.contains(".timeline"))
    try store.compact()
    #expect(try ask(store, try spine()).plan.contains(".timeline"))
  }

  /// Probes are cheap, but not if they are repeated forever.
  @Test func isMergedOnceProbesWouldHavePaidForIt() throws {
    let host = Host(files: files, now: { 1_700_000_000_000_000 }, random: { 5 })
    var options = StoreOptions()
    options.fold = .off
    let store = try Store.open("/store", access: .create, host: host, options: options)
    try appendManyEntities(to: store)
    let cache = TimelineCache()
    let snapshot = try store.snapshot()
    let opened = try snapshot.segments(of: snapshot.catalog.requireView("v")).map {
      try snapshot.open($0)
    }
    #expect(ProbedEntries.pays(rows: 1_000, segments: 1, runs: 25_000))
    for _ in 0..<3 { cache.noteProbed(1_000, of: opened) }
    #expect(cache.probedRows(of: opened) == 3_000)
    #expect(!ProbedEntries.pays(rows: 3_000, segments: 1, runs: 25_000))
    cache.noteProbed(5, of: [])
    #expect(cache.probedRows(of: opened) == 0)
  }

  @Test func isBuiltAfterALargeAppendAndRemovedWithItsView() throws {
    let host = Host(files: files, now: { 1_700_000_000_000_000 }, random: { 5 })
    let store = try Store.open("/store", access: .create, host: host)
    store.add(TimelineBuilder())
    try appendManyEntities(to: store)
    let file = try path(store)
    try store.sweep()
    #expect(try files.status(of: file) != nil)
    #expect(try ask(store, try spine()).plan.contains(".timeline"))
    try store.drop(view: "v")
    #expect(TimelineBuilder().owns(file))
  }

  /// A view of 25,000 entities of one row each.
  private func appendManyEntities(to store: Store) throws {
    let view = FeatureView(
      "v", entities: [Entity("e", joinKeys: [.int64("e")])], features: [Field("f", .int64)])
    try store.apply(Definitions(featureViews: [view]))
    let rows = 25_000
    try store.append(
      [
        RecordBatch([
          "e": .int64((0..<rows).map { Int64($0) }),
          "event_timestamp": .timestamp((0..<rows).map { Int64($0) }),
          "f": .int64((0..<rows).map { Int64($0) }),
        ])
      ], to: "v")
  }
}

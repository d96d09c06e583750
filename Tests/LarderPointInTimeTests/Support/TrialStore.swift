import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import LarderKeys
import LarderOffline
import LarderPointInTime
import Synchronization

/// Segments without a store around them: each append becomes one or more segments, cut in time at
/// random, and queries go straight to the engine.
final class TrialStore: OfflineStore {
  struct View {
    var id: UInt64
    var segments: [Segment] = []
    var schema: KeySchema
  }
  struct State {
    var views: [String: View] = [:]
    var keys: [KeySchema: (writer: KeyLogWriter, directory: KeyDirectory, folder: String)] = [:]
    var commits: UInt64 = 0
    var random: CaseRandom
    var names: UInt64 = 0
  }
  private let state: Mutex<State>
  private let files: any FileSystem
  private let root: String
  private let identity = FileIdentifier(high: 1, low: 2)
  private let timelines = TimelineCache()
  private let rules: SearchRules
  private let maxCuts: Int

  init(
    files: any FileSystem, root: String, seed: UInt64, rules: SearchRules = SearchRules(),
    maxCuts: Int = 2
  ) throws {
    self.files = files
    self.root = root
    self.rules = rules
    self.maxCuts = maxCuts
    state = Mutex(State(random: CaseRandom(seed: seed)))
    try files.makeDirectory(root)
  }

  // MARK: Queries

  func historicalFeatures(
    for spine: RecordBatch?, views: [FeatureView], features: [FeatureReference],
    options: RetrievalOptions
  ) throws(LarderError) -> any RetrievalJob {
    let query = try ResolvedQuery(
      spine: spine?.schema, views: views, features: features, options: options)
    var histories: [ViewHistory] = []
    for source in query.sources { histories.append(try history(of: source.view)) }
    return try PointInTimeJob(
      query, spine: spine, histories: histories, options: options, timelines: timelines,
      rules: rules)
  }

  func history(of view: FeatureView) throws(LarderError) -> ViewHistory {
    let schema = try view.keySchema
    return state.withLock { state in
      ViewHistory(
        segments: state.views[view.name]?.segments ?? [],
        fieldIDs: view.features.indices.map { UInt32($0 + 1) },
        keys: state.keys[schema]?.directory)
    }
  }

  func pullLatest(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?
  ) throws(LarderError) -> any RetrievalJob {
    let query = try ResolvedPull(view, features: features, from: from, through: through)
    return try PullJob(query, history: history(of: view), latest: true)
  }

  func pullAll(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?
  ) throws(LarderError) -> any RetrievalJob {
    let query = try ResolvedPull(view, features: features, from: from, through: through)
    return try PullJob(query, history: history(of: view), latest: false)
  }

  // MARK: Appending

  func append(_ batch: RecordBatch, to view: FeatureView) throws(LarderError) -> Commit {
    try state.withLock { (state) throws(LarderError) in
      state.commits += 1
      let commit = Commit(id: state.commits, time: Timestamp(seconds: 0), chainHash: 0)
      guard batch.count > 0 else { return commit }
      let schema = try view.keySchema
      if state.views[view.name] == nil {
        state.views[view.name] = View(id: UInt64(state.views.count + 1), schema: schema)
      }
      let ids = try assign(batch, view, schema, &state)
      let events = try ticks(batch, view.eventTimestamp) ?? []
      let created = try view.createdTimestamp.flatMap { name throws(LarderError) in
        try ticks(batch, name)
      }
      let order = (0..<batch.count).sorted { a, b in
        if ids[a] != ids[b] { return ids[a] < ids[b] }
        if events[a] != events[b] { return (events[a] ?? 0) < (events[b] ?? 0) }
        let x = created?[a]
        let y = created?[b]
        if x != y {
          guard let x else { return true }
          guard let y else { return false }
          return x < y
        }
        return a < b
      }
      // Cuts lie between event times, so that no tie is split within a commit.
      var cuts: [Int64] = []
      for _ in 0..<state.random.int(0...maxCuts) {
        cuts.append(events[state.random.int(0...batch.count - 1)] ?? 0)
      }
      cuts.sort()
      for part in 0...cuts.count {
        let rows = order.filter { row in
          let event = events[row] ?? 0
          return (part == 0 || event >= cuts[part - 1])
            && (part == cuts.count || event < cuts[part])
        }
        guard !rows.isEmpty else { continue }
        try write(batch, view, rows, ids, events, created, &state)
      }
      return commit
    }
  }

  private func assign(
    _ batch: RecordBatch, _ view: FeatureView, _ schema: KeySchema, _ state: inout State
  ) throws(LarderError) -> [UInt32] {
    if state.keys[schema] == nil {
      let folder = "\(root)/k\(state.keys.count + 1)"
      try files.makeDirectory(folder)
      let identity = KeyLogIdentity(store: self.identity, set: UInt64(state.keys.count + 1))
      let writer = try KeyLogWriter(
        creating: 1, of: schema, identity: identity, in: files, directory: folder)
      let log = try KeyLog.open(
        in: files, directory: folder, identity: identity, schema: schema, state: writer.state)
      state.keys[schema] = (writer, try KeyDirectory(log: log), folder)
    }
    guard let keys = state.keys[schema] else { return [] }
    let columns: [(name: String, column: Column)] =
      view.isEntityless
      ? [] : view.joinKeys.map { ($0.name, batch[$0.name] ?? .nulls(of: .int64, count: 0)) }
    let batchOfKeys =
      view.isEntityless
      ? KeyBatch.entityless(count: batch.count)
      : try KeyBatch(columns, schema: schema, rows: 0..<batch.count, for: .write)
    let assignment = keys.directory.assignment()
    var ids = [UInt32](repeating: 0, count: batch.count)
    var failure: LarderError?
    ids.withUnsafeMutableBufferPointer { buffer in
      do throws(LarderError) { try assignment.assign(batchOfKeys, into: buffer) } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    try keys.writer.append(assignment.newKeys)
    let log = try KeyLog.open(
      in: files, directory: keys.folder, identity: keys.writer.identity, schema: schema,
      state: keys.writer.state, after: keys.directory.log)
    state.keys[schema]?.directory = try keys.directory.extended(to: log, adopting: assignment)
    return ids
  }

  private func ticks(_ batch: RecordBatch, _ name: String) throws(LarderError) -> [Int64?]? {
    guard let column = batch[name] else { return nil }
    let values = column.fixedValues(as: Int64.self)
    return (0..<batch.count).map { column.isValid($0) ? values[$0] : nil }
  }

  private func write(
    _ batch: RecordBatch, _ view: FeatureView, _ rows: [Int], _ ids: [UInt32],
    _ events: [Int64?], _ created: [Int64?]?, _ state: inout State
  ) throws(LarderError) {
    state.names += 1
    let uuid = FileIdentifier(high: 7, low: state.names)
    let path = "\(root)/\(uuid).seg"
    var writer = try SegmentWriter(
      try files.open(path, .create),
      SegmentIdentity(
        uuid: uuid, viewID: state.views[view.name]?.id ?? 0, unit: view.timeUnit,
        commits: state.commits...state.commits, partition: nil),
      ids: Buffer(copying: rows.map { ids[$0] }),
      events: Buffer(copying: rows.map { events[$0] ?? 0 }), count: rows.count)
    if view.createdTimestamp != nil {
      try writer.appendCreated(
        .timestamp(rows.map { created?[$0] ?? nil }, unit: view.timeUnit))
    }
    for (index, feature) in view.features.enumerated() {
      guard let column = batch[feature.name] else { continue }
      let values: Column
      if rows.count == batch.count, rows == Array(0..<batch.count) {
        values = column
      } else {
        values = try .of(column.type, rows.map { column[$0] })
      }
      try writer.append(fieldID: UInt32(index + 1), values)
    }
    let description = try writer.finish()
    let segment = try Segment(path: path, files: files, expected: description)
    state.views[view.name]?.segments.append(segment)
  }
}

import LarderColumns
import LarderContract
import LarderEncodings
import LarderFiles
import LarderKeys
import Synchronization

/// What an earlier snapshot shows, as a checkpoint carries it.
///
/// As a rule earlier snapshots are replayed from the manifest files they were committed to. These tell
/// the times of segments that an erasure rewrote, so the erasure ends with a checkpoint that carries
/// the snapshots that are kept, and the files go.
package struct EarlierState: Sendable {
  /// The snapshot's commit.
  package var head: Commit
  package var catalog: Catalog
  /// The live segments of each view that had any.
  package var segments: [UInt64: [StoreState.LiveSegment]]
  package var keyLogs: [UInt64: KeyLogState]

  init(_ state: StoreState) {
    head = state.head
    catalog = state.catalog
    segments = state.segments
    keyLogs = state.keyLogs
  }

  init(
    head: Commit, catalog: Catalog, segments: [UInt64: [StoreState.LiveSegment]],
    keyLogs: [UInt64: KeyLogState]
  ) {
    self.head = head
    self.catalog = catalog
    self.segments = segments
    self.keyLogs = keyLogs
  }

  /// The state, as the newest one leaves it.
  func state(in newest: StoreState) -> StoreState {
    var state = StoreState(store: newest.store, head: head)
    state.fileIdentity = newest.fileIdentity
    state.catalog = catalog
    state.segments = segments
    state.keyLogs = keyLogs
    state.history = newest.history.filter { $0.id < head.id } + [head]
    state.adoptErasures(of: newest)
    return state
  }
}

extension Manifest {
  /// The states of commits, as far as the files reach back to them, as the newest leaves them.
  ///
  /// - Complexity: O(bytes of the manifest files).
  func states(of wanted: Set<UInt64>) throws(LarderError) -> [UInt64: EarlierState] {
    let newest = try refresh()
    var found = newest.earlier.filter { wanted.contains($0.key) }
      .mapValues { EarlierState($0.state(in: newest)) }
    func take(_ state: StoreState) {
      guard wanted.contains(state.head.id), found[state.head.id] == nil else { return }
      var state = state
      state.adoptErasures(of: newest)
      found[state.head.id] = EarlierState(state)
    }
    for number in try numbers() where found.count < wanted.count {
      guard var loaded = try LoadedManifest.open(path(number), number: number, files) else {
        continue
      }
      take(loaded.state)
      _ = try loaded.replayAll { _, state in take(state) }
    }
    return found
  }

  /// Begins a new file whose checkpoint carries earlier states.
  ///
  /// The caller holds the commit lock.
  ///
  /// - Throws: `poisoned`, `noSpace`, `io`, `corrupt`.
  func checkpoint(
    carrying earlier: [UInt64: EarlierState], pruning: Pruning
  ) throws(LarderError) {
    try inner.withLock { inner throws(LarderError) in
      _ = try prepare(&inner, pruning)
      guard let loaded = inner.loaded else { return }
      var state = loaded.state
      state.earlier = earlier
      try pruning(&state, retained(inner))
      try writeFile(
        state, number: loaded.position.number + 1, chain: loaded.position.chain, &inner)
    }
  }
}

extension Store {
  /// Begins a new manifest file that carries the snapshots that are kept, so that those before it can
  /// go; only if one of them is from before the newest step of an erasure.
  ///
  /// - Throws: `readOnly`, `locked`, `noSpace`, `io`, `corrupt`.
  func forgetEarlierRecords() throws(LarderError) {
    let state = try settle()
    let first = try manifest.firstCommit(of: manifest.fileNumber) ?? 0
    let kept = try kept(state)
    guard first < state.erasures.last || state.lacksEarlier(kept) else { return }
    let held = try writerLocks().acquire(.commit, timeout: options.lockTimeout)
    defer { held.release() }
    let states = try manifest.states(of: try self.kept(try refresh()))
    try manifest.checkpoint(carrying: states, pruning: pruning)
  }

  /// The snapshots that are kept, but for the newest.
  private func kept(_ state: StoreState) throws(LarderError) -> Set<UInt64> {
    let living = try living(state, oldest: manifest.oldestRetained ?? 0)
    return Set(state.history.map(\.id).filter { $0 != state.head.id && living.isLiving($0) })
  }
}

extension StoreState {
  /// Whether one of some snapshots is from before the newest step of an erasure, and not carried.
  func lacksEarlier(_ kept: Set<UInt64>) -> Bool {
    kept.contains { $0 < erasures.last && earlier[$0] == nil }
  }
}

extension ManifestCodec {
  static func encode(earlier: [UInt64: EarlierState], into writer: inout RecordWriter) {
    let states = earlier.values.sorted { $0.head.id < $1.head.id }
    var catalogs: [Catalog] = []
    var segments: [SegmentDescription] = []
    var ordinals: [SegmentDescription: UInt32] = [:]
    for state in states {
      if catalogs.last != state.catalog { catalogs.append(state.catalog) }
      for (_, live) in state.segments.sorted(by: { $0.key < $1.key }) {
        for segment in live where ordinals[segment.description] == nil {
          ordinals[segment.description] = UInt32(segments.count)
          segments.append(segment.description)
        }
      }
    }
    writer.write(UInt32(catalogs.count))
    for catalog in catalogs { CatalogCodec.encode(catalog, into: &writer) }
    writer.write(UInt32(segments.count))
    for segment in segments {
      writer.write(segment.viewID)
      encode(segment, into: &writer)
    }
    writer.write(UInt32(states.count))
    var catalog = 0
    for state in states {
      if catalogs[catalog] != state.catalog { catalog += 1 }
      writer.writeStructure { writer in
        writer.write(state.head.id)
        writer.write(state.head.time.ticks)
        writer.write(state.head.chainHash)
        writer.write(UInt32(catalog))
        let live = state.segments.sorted { $0.key < $1.key }.flatMap(\.value)
        writer.write(UInt32(live.count))
        for segment in live {
          writer.write(ordinals[segment.description] ?? 0)
          writer.write(segment.since)
        }
        encode(state.keyLogs, into: &writer)
      }
    }
  }

  static func decodeEarlier(
    _ reader: inout RecordReader
  ) throws(LarderError) -> [UInt64: EarlierState] {
    var catalogs: [Catalog] = []
    for _ in 0..<(try reader.readCount("catalogs", each: 24)) {
      catalogs.append(try CatalogCodec.decode(&reader))
    }
    var segments: [SegmentDescription] = []
    for _ in 0..<(try reader.readCount("segments of earlier snapshots", each: 72)) {
      let view = try reader.read(UInt64.self)
      segments.append(try decodeSegment(&reader, view: view))
    }
    var states: [UInt64: EarlierState] = [:]
    for _ in 0..<(try reader.readCount("earlier snapshots", each: 36)) {
      let (catalogs, segments) = (catalogs, segments)
      let state = try reader.readStructure("earlier snapshot") { (reader) throws(LarderError) in
        try decodeEarlier(&reader, catalogs, segments)
      }
      guard states.updateValue(state, forKey: state.head.id) == nil else {
        throw reader.failure("The snapshot \(state.head.id) is there twice.")
      }
    }
    return states
  }

  /// Reads one earlier snapshot.
  ///
  /// - Parameters:
  ///   - catalogs: those that it may name by their place.
  ///   - segments: likewise.
  private static func decodeEarlier(
    _ reader: inout RecordReader, _ catalogs: [Catalog], _ segments: [SegmentDescription]
  ) throws(LarderError) -> EarlierState {
    let head = Commit(
      id: try reader.read(UInt64.self),
      time: Timestamp(microseconds: try reader.read(Int64.self)),
      chainHash: try reader.read(UInt64.self))
    let catalog = Int(try reader.read(UInt32.self))
    var live: [UInt64: [StoreState.LiveSegment]] = [:]
    for _ in 0..<(try reader.readCount("segments of an earlier snapshot", each: 12)) {
      let ordinal = Int(try reader.read(UInt32.self))
      let since = try reader.read(UInt64.self)
      guard ordinal < segments.count else {
        throw reader.failure("The snapshot \(head.id) names a segment that does not follow.")
      }
      let segment = segments[ordinal]
      live[segment.viewID, default: []].append(
        StoreState.LiveSegment(description: segment, since: since))
    }
    let logs = try decodeKeyLogs(&reader)
    guard catalog < catalogs.count,
      live.keys.allSatisfy({ catalogs[catalog].view(id: $0) != nil })
    else { throw reader.failure("The snapshot \(head.id) contradicts itself.") }
    return EarlierState(head: head, catalog: catalogs[catalog], segments: live, keyLogs: logs)
  }
}

import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys
import LarderOffline
import LarderOnline

/// Reads changed files of the engine's own formats, with checksums that hold again, as far as a
/// user's queries and maintenance lead.
///
/// Any outcome but a trap, a hang, or an error that damage cannot cause is fine; those stop the
/// process, which is what a fuzzer looks for. An input is a list of changes to files of
/// `FuzzWorld`: its first byte says which file, and whether checksums are mended (bit 7 clear).
package enum EngineFuzzing {
  /// The targets by name; each has a driver of its own.
  package static let targets: [String: @Sendable ([UInt8]) -> Void] = [
    "segment": surviveSegment, "join": surviveJoin, "manifest": surviveManifest,
    "records": surviveRecords, "lanes": surviveLanes, "keys": surviveKeys,
    "keyfiles": surviveKeyFiles, "timeline": surviveTimeline, "rows": surviveRows,
    "index": surviveIndex,
  ]

  // MARK: Segments

  /// Reads all of a changed segment, without a store around it.
  package static func surviveSegment(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    let (_, changed) = change(".seg", &input, resizes: true) { bytes, _ in
      SegmentSeal.seal(&bytes)
    }
    allow { () throws(LarderError) in
      let disk = SimulatedFileSystem()
      try disk.open("/a.seg", .create).write(changed, at: 0)
      try read(Segment(path: "/a.seg", files: disk, expected: nil))
    }
  }

  private static func read(_ segment: Segment) throws(LarderError) {
    let rows = 0..<segment.rows
    guard segment.rows <= 100_000 else { return }
    _ = segment.findings(deep: true)
    attempt { () throws(LarderError) in _ = try segment.decodeIDs(rows: rows) }
    attempt { () throws(LarderError) in _ = try segment.decodeEvents(rows: rows) }
    attempt { () throws(LarderError) in
      if let created = try segment.decodeCreated(rows: rows) { look(at: created) }
    }
    attempt { () throws(LarderError) in
      let index = try segment.entityIndex()
      for id in [0, 1, 39, .max] as [UInt32] {
        if let run = index.rows(of: id), !run.isEmpty {
          _ = try segment.decodeEvents(rows: run)
        }
      }
    }
    for feature in segment.features {
      attempt { () throws(LarderError) in
        guard let type = feature.type else { return }
        look(at: try segment.decode(fieldID: feature.fieldID, rows: rows, as: type))
        // A piece that begins and ends within vectors.
        let piece = min(70, rows.count)..<min(rows.count, 1_050)
        look(at: try segment.decode(fieldID: feature.fieldID, rows: piece, as: type))
      }
    }
  }

  /// Asks a store one of whose segments was changed; the manifest was made to believe it.
  package static func surviveJoin(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    let world = FuzzWorld.shared
    let (path, changed) = change(".seg", &input) { bytes, _ in SegmentSeal.seal(&bytes) }
    allow { () throws(LarderError) in
      var changes = [path: changed]
      for manifest in world.paths({ $0.contains("/manifest-") }) {
        guard let whole = world.files[manifest], let before = world.files[path] else { continue }
        var forge = ManifestForge(whole)
        forge.replace(SegmentSeal.footerHash(before), by: SegmentSeal.footerHash(changed))
        changes[manifest] = forge.bytes()
      }
      // STATE says where the manifest ended before; without it the records speak.
      try ask(try world.machine(changes, without: ["/s/STATE"]))
    }
  }

  /// Decodes and encodes vectors by themselves.
  package static func surviveLanes(_ bytes: [UInt8]) { LaneFuzzing.survive(bytes) }

  // MARK: The manifest

  /// Opens a store whose manifest or STATE has changed bytes.
  package static func surviveManifest(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    let world = FuzzWorld.shared
    let paths = world.paths { $0.contains("/manifest-") || $0.hasSuffix("/STATE") }
    let choice = Int(input.byte() & 127)
    let path = paths[choice % paths.count]
    guard var changed = world.files[path] else { return }
    Edits.apply(&input, to: &changed)
    if path.hasSuffix("/STATE") { StateSeal.seal(&changed) }
    allow { () throws(LarderError) in
      try useAndMaintain(try world.machine([path: changed]))
    }
  }

  /// Opens a store whose manifest has changed records: lengths, chain and checksums hold.
  package static func surviveRecords(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    let world = FuzzWorld.shared
    let paths = world.paths { $0.contains("/manifest-") }
    guard let path = paths.last, let whole = world.files[path] else { return }
    var forge = ManifestForge(whole)
    forge.change(&input)
    allow { () throws(LarderError) in
      try useAndMaintain(try world.machine([path: forge.bytes()], without: ["/s/STATE"]))
    }
  }

  // MARK: Keys

  /// Reads bytes as an entity key, and writes it again.
  package static func surviveKeys(_ bytes: [UInt8]) {
    allow { () throws(LarderError) in
      let key = try EntityKey.deserialize(bytes)
      // Written again it reads as the same key: but for NULs after a name, which are no part of it.
      let again = try EntityKey.deserialize(key.serialized)
      precondition(again == key, "a key reads as another once it was written again")
      precondition(key.serialized.count <= bytes.count)
      let tail = key.tail
      var ranges: [Range<Int>] = []
      do {
        ranges = try tail.withUnsafeBytes { try key.schema.values(ofTail: $0) }
      } catch { preconditionFailure("a key's tail does not read: \(error)") }
      let values = zip(ranges, key.schema.columns).compactMap { range, column in
        KeyValue(tail[range], of: column.type)
      }
      precondition(values == key.values, "a key's tail reads as another key")
      _ = key.description
    }
  }

  /// Uses a store whose key log or key map was changed.
  package static func surviveKeyFiles(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    let world = FuzzWorld.shared
    let (path, changed) = change(within: "/keys/", &input) { bytes, path in
      if path.hasSuffix(".map") {
        KeyMapSeal.seal(&bytes)
      } else {
        KeyLogSeal.seal(&bytes, original: world.files[path] ?? [])
      }
    }
    allow { () throws(LarderError) in
      try useAndMaintain(try world.machine([path: changed]))
    }
  }

  // MARK: Derived and online files

  /// Asks a store whose timeline was changed.
  package static func surviveTimeline(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    let (path, changed) = change(".timeline", &input) { bytes, _ in TimelineSeal.seal(&bytes) }
    allow { () throws(LarderError) in
      try ask(try FuzzWorld.shared.machine([path: changed]))
    }
  }

  /// Serves from a row log that was changed.
  package static func surviveRows(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    let world = FuzzWorld.shared
    // With a trusted index, or read again into one.
    let keepsIndex = input.byte() & 1 == 0
    let (path, changed) = change(".rows", &input) { bytes, _ in RowLogSeal.seal(&bytes) }
    let removed = keepsIndex ? [] : world.paths { $0.hasSuffix(".index") }
    allow { () throws(LarderError) in
      try serve(try world.machine([path: changed], without: removed))
    }
  }

  /// Serves by a key index that was changed.
  package static func surviveIndex(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    let (path, changed) = change(".index", &input) { bytes, _ in IndexSeal.seal(&bytes) }
    allow { () throws(LarderError) in
      try serve(try FuzzWorld.shared.machine([path: changed]))
    }
  }
}

// MARK: What is done with a store

extension EngineFuzzing {
  /// Queries of every kind.
  private static func ask(_ disk: SimulatedFileSystem) throws(LarderError) {
    let store = try FuzzWorld.open(disk, .readOnly)
    let spine = world { try FuzzWorld.spine() }
    for asKnown in [false, true] {
      attempt { () throws(LarderError) in
        var options = RetrievalOptions()
        options.threads = 1
        options.asKnown = asKnown
        options.withStatus = asKnown
        let job = try store.historicalFeatures(
          for: spine, features: FuzzWorld.features, options: options)
        look(at: try job.collect())
      }
    }
    for view in ["stats", "pairs"] {
      attempt { () throws(LarderError) in look(at: try store.pullAll(view).collect()) }
      attempt { () throws(LarderError) in look(at: try store.pullLatest(view).collect()) }
    }
    attempt { () throws(LarderError) in _ = try store.verify(deep: true) }
  }

  /// Queries, then writes and maintenance.
  private static func useAndMaintain(_ disk: SimulatedFileSystem) throws(LarderError) {
    attempt { () throws(LarderError) in try ask(disk) }
    attempt { () throws(LarderError) in
      let reader = try FuzzWorld.open(disk.anotherProcess(), .readOnly)
      for info in try reader.snapshots() {
        attempt { () throws(LarderError) in
          look(at: try reader.snapshot(at: info.commit.id).pullLatest("stats").collect())
        }
      }
      _ = try reader.snapshot(at: reader.commit(named: "early"))
    }
    let store = try FuzzWorld.open(disk.anotherProcess(), .readWrite)
    attempt { () throws(LarderError) in
      try store.append(world { try FuzzWorld.statsRows(5, 9) }, to: "stats")
    }
    attempt { () throws(LarderError) in
      let keys = world { try RecordBatch(["driver_id": .int64([2])]) }
      try store.erase("driver", keys: keys)
    }
    attempt { () throws(LarderError) in try store.expire("stats", olderThan: .seconds(600)) }
    attempt { () throws(LarderError) in
      try store.compact([], CompactionOptions(partitions: ["all"]))
    }
    attempt { () throws(LarderError) in try store.repair() }
    attempt { () throws(LarderError) in try store.vacuum() }
    attempt { () throws(LarderError) in _ = try store.verify(deep: true) }
  }

  /// Online reads, writes and maintenance.
  private static func serve(_ disk: SimulatedFileSystem) throws(LarderError) {
    let keys = world { try RecordBatch(["driver_id": .int64([0, 1, 2, 3, 7, 39, 900, 901, nil])]) }
    for access in [StoreAccess.readOnly, .readWrite] {
      attempt { () throws(LarderError) in
        let store = try FuzzWorld.open(disk.anotherProcess(), access)
        attempt { () throws(LarderError) in
          look(at: try store.online("stats").read(keys).features)
        }
        attempt { () throws(LarderError) in
          _ = try store.onlineStore?.verifyAll()
        }
        guard access == .readWrite else { return }
        attempt { () throws(LarderError) in
          let rows = world {
            try RecordBatch([
              "driver_id": .int64([1, 5, 1_000]),
              "event_timestamp": .timestamp([9_900_000_000, 9_900_000_000, 3]),
              "name": .string(["a", nil, "b"]),
            ])
          }
          try store.online("stats").write(rows)
        }
        attempt { () throws(LarderError) in try store.materialize("pairs") }
        attempt { () throws(LarderError) in
          try store.onlineStore?.compact(FuzzWorld.stats)
        }
        attempt { () throws(LarderError) in
          look(at: try store.online("stats").read(keys).features)
        }
        attempt { () throws(LarderError) in try store.repair() }
      }
    }
  }

  // MARK: The harness

  /// Changes one of the files with an ending; the input's first byte says which, and whether their
  /// checksums are mended.
  private static func change(
    _ suffix: String = "", within folder: String = "", _ input: inout FuzzInput,
    resizes: Bool = false, seal: (inout [UInt8], String) -> Void
  ) -> (path: String, bytes: [UInt8]) {
    let world = FuzzWorld.shared
    let paths = world.paths { $0.hasSuffix(suffix) && $0.contains(folder) }
    precondition(!paths.isEmpty, "the world has no file like \(suffix)\(folder)")
    let choice = input.byte()
    let path = paths[Int(choice & 127) % paths.count]
    var bytes = world.files[path] ?? []
    Edits.apply(&input, to: &bytes, resizes: resizes)
    if choice & 128 == 0 { seal(&bytes, path) }
    return (path, bytes)
  }

  /// Makes a value that no input has a part in.
  private static func world<T>(_ body: () throws -> T) -> T {
    do { return try body() } catch { fatalError("the harness: \(error)") }
  }

  /// Does something whatever becomes of it.
  private static func attempt(_ body: () throws(LarderError) -> Void) { allow(body) }

  private static func allow(_ body: () throws(LarderError) -> Void) {
    do throws(LarderError) { try body() } catch {
      let codes: [LarderError.Code] = [
        .corrupt, .unsupportedVersion, .limitExceeded, .notAStore, .notFound, .locked, .poisoned,
        .invalidInput, .incompatibleDefinition, .invalidArgument, .outcomeUnknown, .readOnly,
      ]
      precondition(codes.contains(error.code), "\(error)")
    }
  }

  /// Touches values at both ends and between, so that a bad offset or index is met.
  private static func look(at column: Column) {
    for row in stride(from: 0, to: column.count, by: 61) { _ = column[row] }
    if column.count > 0 { _ = column[column.count - 1] }
  }

  private static func look(at batch: RecordBatch) {
    for column in batch.columns { look(at: column) }
  }
}

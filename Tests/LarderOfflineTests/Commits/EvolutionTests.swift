import LarderColumns
import LarderContract
import LarderEncodings
import LarderFiles
import Synchronization
import Testing

@testable import LarderOffline

/// What a later version writes is read as far as this one may, or refused by name; never taken for
/// damage.
@Suite struct EvolutionTests {
  private func open(
    _ disk: SimulatedFileSystem, _ access: StoreAccess = .readWrite
  ) throws -> Store {
    try Store.open("/s", access: access, host: disk.host(), options: Fixture.options())
  }

  /// The files of history, which a refused writer leaves as they are.
  private func history(_ disk: SimulatedFileSystem) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for path in disk.paths where path.contains("/manifest-") || path.contains("/v") {
      files[path] = disk.contents(of: path)
    }
    return files
  }

  private func failure(_ body: () throws -> Void) -> LarderError? {
    do { try body() } catch { return error as? LarderError }
    return nil
  }

  /// The bytes of a structure with one more field, which this version does not know.
  private func grown(_ structure: [UInt8], isSkippable: Bool) throws -> [UInt8] {
    var reader = RecordReader(structure, file: "", origin: 0)
    let count = Int(try reader.read(UInt32.self))
    #expect(count == reader.remaining)
    let fields = try reader.readBytes(count)
    var writer = RecordWriter()
    writer.writeStructure { writer in
      writer.write(bytes: fields)
      writer.writeLater(LaterField(4_000, isSkippable: isSkippable)) { $0.write(text: "windows") }
    }
    return writer.bytes
  }

  /// Each structure that can be written by itself.
  private func structures() throws
    -> [(name: String, bytes: [UInt8], read: ([UInt8]) throws -> Void)]
  {
    let base = try CrashBase(commits: 2, seed: 3)
    let state = try open(base.disk, .readOnly).refresh()
    let live = try #require(state.segments.values.first?.first?.description)
    func record(_ body: ManifestRecord.Body) -> (String, [UInt8], ([UInt8]) throws -> Void) {
      let (type, payload) = ManifestCodec.encode(body)
      return (
        "record \(type)", payload,
        {
          _ = try ManifestCodec.decode(
            type: type, payload: $0, major: ManifestFile.major, file: "", origin: 0)
        }
      )
    }
    var catalog = RecordWriter()
    CatalogCodec.encode(state.catalog, into: &catalog)
    var segment = RecordWriter()
    ManifestCodec.encode(live, into: &segment)
    func reader(_ bytes: [UInt8]) -> RecordReader {
      RecordReader(bytes, file: "", origin: 0, version: ManifestFile.major)
    }
    return [
      record(.checkpoint(state)), record(.definitions(state.catalog)),
      record(.edit(ManifestRecord.Edit(reason: .append, view: 1, added: [live]))),
      record(.tag(ManifestRecord.Tag(name: "a", commit: 1))),
      record(
        .rollback(ManifestRecord.Rollback(target: 1, catalog: state.catalog, segments: [1: [live]]))
      ),
      record(.erasure(ErasureRecord(ids: [1: [2, 3]], keyLogs: state.keyLogs))),
      record(.erased([1: [2, 3]])),
      (
        "catalog", catalog.bytes,
        { bytes in
          var reader = reader(bytes)
          let decoded = try CatalogCodec.decode(&reader)
          #expect(decoded == state.catalog)
        }
      ),
      (
        "segment", segment.bytes,
        { bytes in
          var reader = reader(bytes)
          let decoded = try ManifestCodec.decodeSegment(&reader, view: live.viewID)
          #expect(decoded == live)
        }
      ),
    ]
  }

  @Test func passesOverWhatItMay() throws {
    for (name, bytes, read) in try structures() {
      #expect(throws: Never.self, "\(name)") { try read(bytes) }
      #expect(throws: Never.self, "\(name)") { try read(try grown(bytes, isSkippable: true)) }
      let refused = failure { try read(try grown(bytes, isSkippable: false)) }
      #expect(refused?.code == .unsupportedVersion, "\(name)")
      #expect(refused?.message.contains("field 4000") == true, "\(name): \(refused?.message ?? "")")
    }
  }

  /// A damaged length is damage, wherever it leads.
  @Test func refusesAStructureThatEndsElsewhere() throws {
    for (name, bytes, read) in try structures() {
      for change in [1, -1, 4, 1_000_000, -4] {
        var harmed = bytes
        let count = Int(UInt32(bytes[0]) | UInt32(bytes[1]) << 8 | UInt32(bytes[2]) << 16)
        withUnsafeBytes(of: UInt32(clamping: count + change).littleEndian) { word in
          harmed.replaceSubrange(0..<4, with: word)
        }
        let refused = failure { try read(harmed) }
        #expect(refused?.code == .corrupt, "\(name) by \(change): \(String(describing: refused))")
      }
    }
  }

  /// Does what a later version does before a record that needs a feature: it begins a file that names
  /// it.
  private func adopt(_ disk: SimulatedFileSystem, _ features: StoreFeatures) throws {
    let store = try open(disk)
    let manifest = store.manifest
    try manifest.inner.withLock { inner throws(LarderError) in
      guard var state = inner.loaded?.state, let position = inner.loaded?.position else { return }
      state.features = features
      _ = try manifest.writeFile(
        state, number: position.number + 1, chain: position.chain, &inner)
    }
  }

  @Test func isRefusedByTheNameOfTheFeature() throws {
    let base = try CrashBase(commits: 2, seed: 5)
    let before = try open(base.disk.anotherProcess())
    _ = try before.snapshot()
    var features = StoreFeatures()
    features.reading = ["windows"]
    try adopt(base.disk.anotherProcess(), features)
    let opened = failure { _ = try open(base.disk.anotherProcess(), .readOnly) }
    // Who has the store open already meets the name, too.
    let read = failure { _ = try before.snapshot() }
    let written = failure {
      try before.append([Fixture.batch(Fixture.rows(1, from: 100))], to: "stats")
    }
    for refused in [opened, read, written] {
      #expect(refused?.code == .unsupportedVersion)
      #expect(refused?.message.contains("\"windows\"") == true, "\(refused?.message ?? "")")
      #expect(refused?.message.contains(LarderVersion.current) == true)
    }
  }

  @Test func isReadWhereOnlyWritersMustKnowTheFeature() throws {
    let base = try CrashBase(commits: 2, seed: 7)
    let known = try open(base.disk.anotherProcess())
    var features = StoreFeatures()
    features.writing = ["receipts"]
    try adopt(base.disk.anotherProcess(), features)
    let reader = try open(base.disk.anotherProcess(), .readOnly)
    #expect(try reader.snapshot().allRows().sorted() == base.rows)
    let before = try history(base.disk)
    for store in [known, try open(base.disk.anotherProcess())] {
      let refusals = [
        failure { try store.append([Fixture.batch(Fixture.rows(1, from: 100))], to: "stats") },
        failure { try store.compact() }, failure { try store.vacuum() },
        failure { try store.tag("a") },
      ]
      for refused in refusals {
        #expect(refused?.code == .unsupportedVersion)
        #expect(refused?.message.contains("\"receipts\"") == true, "\(refused?.message ?? "")")
      }
    }
    #expect(try reader.snapshot().allRows().sorted() == base.rows)
    #expect(try history(base.disk) == before)
  }
}

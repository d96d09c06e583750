import LarderColumns
import LarderContract
import LarderEncodings
import LarderFiles
import LarderKeys
import TestSupport
import Testing

@testable import LarderOffline

/// Payloads of manifest records whose checksums hold and whose content was made to harm: decoding and
/// replaying them ends in a value or an error, never in a trap, a hang or much memory.
@Suite struct HostileManifestTests {
  /// Payloads as writers make them, of every type.
  private static func seeds() throws -> [(type: UInt32, payload: [UInt8])] {
    let disk = SimulatedFileSystem(seed: 3)
    let store = try Store.open("/s", access: .create, host: disk.host(), options: Fixture.options())
    try store.apply(Fixture.definitions(Fixture.view(), Fixture.view("other")))
    for commit in 0..<9 {
      try store.append([Fixture.batch(Fixture.rows(6, from: Int64(commit) * 10))], to: "stats")
    }
    try store.fold()
    try store.forget(3)
    let state = try store.refresh()
    let segments = (state.segments[1] ?? []).map(\.description)
    let uuids = segments.map(\.uuid)
    let bodies: [ManifestRecord.Body] = [
      .checkpoint(state), .definitions(state.catalog),
      .edit(
        ManifestRecord.Edit(
          reason: .replace, view: 1, removed: uuids, added: segments, keyLogs: state.keyLogs)),
      .erasure(ErasureRecord(ids: [1: [0, 2, 4]], keyLogs: state.keyLogs)),
      .substitution(
        SubstitutionRecord(
          view: 1, items: uuids.map { SubstitutionRecord.Item(uuid: $0, added: segments) })),
      .erased([1: [0, 2, 4]]),
    ]
    return bodies.map(ManifestCodec.encode)
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func changedPayloadsAreRefusedOrHarmless(seed: UInt64) throws {
    let seeds = try Self.seeds()
    var random = SeededRandom(seed: seed)
    let store = FileIdentifier(high: 1, low: 2)
    let commit = Commit(id: 5, time: Timestamp(microseconds: 9), chainHash: 1)
    var state = StoreState(store: store, head: commit)
    var refused = 0
    var taken = 0
    for round in 0..<3_000 {
      var (type, payload) = seeds[random.int(0...(seeds.count - 1))]
      if random.chance(0.05) { type = UInt32(random.int(0...20)) }
      Self.change(&payload, &random, others: seeds.map(\.payload))
      do throws(LarderError) {
        let body = try ManifestCodec.decode(
          type: type, payload: payload, major: ManifestFile.major,
          file: "seed \(seed), round \(round)", origin: 0)
        var next = state
        try next.apply(
          body, commit: Commit(id: 6, time: Timestamp(microseconds: 10), chainHash: 2))
        // Whoever opens a manifest adds the checkpoint's own commit.
        if next.history.last != next.head { next.history.append(next.head) }
        // What was taken is written again, shown to earlier snapshots, and goes on being replayed.
        let again = ManifestCodec.encode(.checkpoint(next))
        _ = try ManifestCodec.decode(
          type: again.type, payload: again.payload, major: ManifestFile.major, file: "again",
          origin: 0)
        var past = state
        past.adoptErasures(of: next)
        if random.chance(0.2) { state = next }
        taken += 1
      } catch {
        refused += 1
        #expect(
          error.code == .corrupt || error.code == .unsupportedVersion
            || error.code == .limitExceeded, "seed \(seed), round \(round): \(error)")
      }
    }
    print("hostile manifest payloads, seed \(seed): \(refused) refused, \(taken) taken")
    #expect(refused > 500)
    #expect(taken > 50)
  }

  /// Flips, numbers at the edges, cuts, and pieces of other payloads.
  private static func change(
    _ bytes: inout [UInt8], _ random: inout SeededRandom, others: [[UInt8]]
  ) {
    for _ in 0..<random.int(0...3) where bytes.count > 8 {
      let at = random.int(0...(bytes.count - 1))
      switch random.int(0...4) {
      case 0: bytes[at] ^= 1 << UInt8(random.int(0...7))
      case 1: bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][random.int(0...4)]
      case 2:
        let edge: UInt64 = [0, 1, 1 << 31, .max, .max >> 1, 1 << 32][random.int(0...5)]
        withUnsafeBytes(of: edge.littleEndian) { edge in
          for (index, byte) in edge.prefix(random.chance(0.5) ? 4 : 8).enumerated()
          where at + index < bytes.count {
            bytes[at + index] = byte
          }
        }
      case 3: bytes.removeSubrange(at..<min(bytes.count, at + random.int(1...40)))
      default:
        let other = others[random.int(0...(others.count - 1))]
        let from = random.int(0...(other.count - 1))
        bytes.insert(contentsOf: other[from..<min(other.count, from + 60)], at: at)
      }
    }
  }

  /// A bit of a manifest file is told, or of no consequence.
  @Test func bitsOfAManifestFileAreCheckedOrUnused() throws {
    let base = try CrashBase(commits: 2, seed: 31)
    let disk = base.machine(seed: 9)
    let path = "/s/" + ManifestFile.name(1)
    let whole = try disk.open(path, .read)
    let bytes = try whole.readExactly(Int(try whole.status().bytes), at: 0)
    let used = (bytes.lastIndex { $0 != 0 } ?? 0) + 1
    var told = 0
    var unused = 0
    // One bit of each of some hundred bytes: each case opens a store.
    for at in stride(from: 0, to: used, by: max(1, used / 500)) {
      let harmed = base.machine(seed: 9)
      let file = try harmed.open(path, .update)
      try file.write([bytes[at] ^ (1 << UInt8(at % 8))], at: UInt64(at))
      do {
        let store = try Store.open(
          "/s", access: .readOnly, host: harmed.host(start: 1_700_002_000_000_000),
          options: base.options)
        let rows = try store.snapshot().allRows().sorted()
        // The last record may be taken for a torn one; nothing before it may.
        let isPrefix = rows == base.rows.sorted() || rows == Array(base.rows.prefix(4)).sorted()
        #expect(isPrefix, "byte \(at): \(rows.count) rows")
        unused += 1
      } catch let error as LarderError {
        told += 1
        #expect(
          [.corrupt, .notAStore, .unsupportedVersion].contains(error.code), "byte \(at): \(error)")
      }
    }
    print("bits of a manifest: \(told) told, \(unused) of no consequence")
    #expect(told > unused)
  }
}

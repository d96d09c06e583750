import Larder
import LarderColumns
import LarderContract
import LarderFiles
import TestSupport
import Testing

/// Stores that earlier versions harmed: no repair mends them, so they are told, with the last
/// snapshot that is good.
@Suite struct HarmedStoreTests {
  @Test(arguments: [
    ("other-keys", "another commit's keys were written over them", 2, 2),
    ("misfit", "another commit's keys were written over them", 2, 2),
    ("unknown-ids", "It has rows of entity 4", 2, 2),
    ("wider", "which is int32 in the definition", 4, 1),
  ])
  func isFoundWithTheLastGoodSnapshot(
    name: String, message: String, lastGood: UInt64, rows: Int
  ) throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    try copyFolder(fixture("harmed/\(name)"), to: path)
    // The fixtures grow older.
    let kept = StoreOptions(keepSnapshots: .seconds(1 << 40))
    let store = try FeatureStore(at: path, access: .readOnly, options: kept)
    let report = try store.verify(deep: true)
    #expect(report.findings.contains { $0.error.message.contains(message) }, "\(report.findings)")
    #expect(report.findings.allSatisfy { $0.error.file != nil && !$0.affects.isEmpty })
    #expect(report.lastGood?.id == lastGood)
    #expect(
      try store.snapshot(at: lastGood).pullAll("a").collect().count == rows)
    // Repair leaves it as it is, and says so.
    let repaired = try FeatureStore(at: path, options: kept).repair()
    #expect(repaired.findings.map(\.error.message) == report.findings.map(\.error.message))
    // Back to the good one, nothing is wrong with what is the newest.
    let mended = try FeatureStore(at: path, options: kept)
    let back = try #require(try mended.rollback(to: lastGood).commit)
    #expect(try mended.verify(deep: true).lastGood ?? back == back)
    #expect(try mended.pullAll("a").collect().count == rows)
    try mended.vacuum()
    #expect(try mended.verify(deep: true).findings.isEmpty)
  }
}

import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import Synchronization
import TestSupport
import Testing

/// A file system that does something of the test's just after a segment file was made.
private final class WatchedFileSystem: FileSystem {
  let real: SimulatedFileSystem
  let afterMaking = Mutex<(@Sendable () throws -> Void)?>(nil)
  let failures = Mutex<[String]>([])

  init(_ real: SimulatedFileSystem) { self.real = real }

  func open(_ path: String, _ mode: OpenMode) throws(LarderError) -> any File {
    let file = try real.open(path, mode)
    if mode == .create, path.hasSuffix(".seg") {
      let action = afterMaking.withLock { action in
        defer { action = nil }
        return action
      }
      do { try action?() } catch { failures.withLock { $0.append("\(error)") } }
    }
    return file
  }
  func status(of path: String) throws(LarderError) -> FileStatus? { try real.status(of: path) }
  func names(in directory: String) throws(LarderError) -> [String] {
    try real.names(in: directory)
  }
  func makeDirectory(_ path: String) throws(LarderError) { try real.makeDirectory(path) }
  func syncDirectory(_ path: String) throws(LarderError) { try real.syncDirectory(path) }
  func remove(_ path: String) throws(LarderError) -> Bool { try real.remove(path) }
  func removeDirectory(_ path: String) throws(LarderError) -> Bool {
    try real.removeDirectory(path)
  }
  func link(_ path: String, as newPath: String) throws(LarderError) {
    try real.link(path, as: newPath)
  }
  func bootIdentifier() throws(LarderError) -> FileIdentifier { try real.bootIdentifier() }
  func isLocal(_ directory: String) throws(LarderError) -> Bool { try real.isLocal(directory) }
}

@Suite struct SweepRaceTests {
  /// A sweep of another process saw the file between its making and its locking, and an append went
  /// on to commit a segment that was gone.
  @Test func anAppendOutlivesASweepThatTookItsFileForAnOrphan() throws {
    let disk = SimulatedFileSystem(seed: 7)
    let view = FeatureView(
      "stats", entities: [Entity("driver", joinKeys: [.int64("driver_id")])],
      features: [Field("trips", .int64)])
    let watched = WatchedFileSystem(disk)
    var host = disk.host()
    host.files = watched
    let store = try Store.open("/store", access: .create, host: host)
    try store.apply(Definitions(featureViews: [view]))
    var otherHost = host
    otherHost.files = disk.anotherProcess()
    let other = try Store.open("/store", access: .readWrite, host: otherHost)
    let batch = try RecordBatch([
      "driver_id": .int64([1]), "event_timestamp": .timestamp([5]), "trips": .int64([9]),
    ])
    try store.append([batch], to: "stats")
    let swept = Mutex(0)
    watched.afterMaking.withLock {
      $0 = {
        let files = try other.sweep().files
        swept.withLock { $0 += files }
      }
    }
    try store.append([batch], to: "stats")
    #expect(watched.failures.withLock { $0 } == [])
    #expect(swept.withLock { $0 } == 1)
    let snapshot = try other.snapshot()
    #expect(try snapshot.verify().findings.isEmpty)
    #expect(try snapshot.report().views.first?.rows == 2)
  }
}

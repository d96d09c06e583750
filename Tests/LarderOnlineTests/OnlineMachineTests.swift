import Glibc
import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import Testing

@testable import LarderOnline
@testable import OnlineWorkload

/// What the machine itself may do: files cut short under a map, copies, forks, read-only mounts,
/// full disks.
@Suite(.serialized) struct OnlineMachineTests {
  private let view = FeatureView(
    "view", entities: [Entity("thing", joinKeys: [.int64("id")])],
    features: [Field("a", .int64), Field("b", .string)], eventTimestamp: "at")
  private let ids = (0..<2_000).map { Int64($0) }

  private func open(_ directory: String, isReadOnly: Bool = false) -> MappedOnlineStore {
    openStore(
      .system(), directory + "/online", clock: ConformanceClock(), isReadOnly: isReadOnly)
  }

  private func fill(_ store: MappedOnlineStore, event: Int64 = 1) throws {
    try store.update(
      keeping: [view], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
    try store.writeBatch(
      RecordBatch([
        "id": .int64(ids), "at": .timestamp(ids.map { _ in event }), "a": .int64(ids),
        "b": .string(ids.map { "text \($0)" }),
      ]), to: view)
  }

  private func check(_ store: MappedOnlineStore) throws {
    let rows = try store.read(RecordBatch(["id": .int64(ids)]), from: view)
    for (row, id) in ids.enumerated() {
      #expect(rows.features.row(row) == [.int64(id), .string("text \(id)")])
    }
  }

  private func files(_ directory: String, _ suffix: String) throws -> [String] {
    try POSIXFileSystem().names(in: directory + "/online/v1").filter { $0.hasSuffix(suffix) }
      .sorted().map { "\(directory)/online/v1/\($0)" }
  }

  @Test func aFileCutShortUnderAMapIsAnError() throws {
    try MapGuard.install()
    try MapGuard.install()
    let directory = try TemporaryDirectory()
    let writer = open(directory.path)
    try fill(writer)
    let store = open(directory.path, isReadOnly: true)
    try check(store)
    let reader = try store.reader(for: view)
    #expect(try reader.withRow(ofKey: 7) { $0[int64: 0] } == 7)
    // The index hides rows then, so this reader makes one of its own from the log.
    let index = try #require(try files(directory.path, ".index").last)
    #expect(truncate(index, off_t(IndexFormat.linesOffset)) == 0)
    try check(store)
    #expect(try reader.withRow(ofKey: 7) { $0[int64: 0] } == 7)
    let other = open(directory.path, isReadOnly: true)
    try check(other)
    let logFile = try #require(try files(directory.path, ".rows").first)
    #expect(truncate(logFile, 4_096) == 0)
    for attempt in 0..<2 {
      do {
        try check(other)
        Issue.record("rows that are gone were answered, attempt \(attempt)")
      } catch let error as LarderError { #expect(error.code == .corrupt) }
      #expect(throws: LarderError.self) {
        for id in ids { _ = try reader.withRow(ofKey: id) { $0[int64: 0] } }
      }
    }
    do { try check(open(directory.path, isReadOnly: true)) } catch let error as LarderError {
      #expect(error.code == .corrupt && error.message.contains("truncated"))
    }
  }

  @Test(arguments: [0, 100, 4_096, 4_200, 30_000], [true, false])
  func aLogFileCutShortIsDamage(bytes: Int, isClosed: Bool) throws {
    try MapGuard.install()
    for isLast in [true, false] {
      let directory = try TemporaryDirectory()
      let store = open(directory.path)
      try fill(store)
      if isClosed { try store.close() }
      let logFiles = try files(directory.path, ".rows")
      let logFile = try #require(isLast ? logFiles.last : logFiles.first)
      #expect(logFiles.count > 1 && truncate(logFile, off_t(bytes)) == 0)
      for isReadOnly in [true, false] {
        do {
          try check(open(directory.path, isReadOnly: isReadOnly))
          Issue.record("rows that are gone were answered, last \(isLast), \(isReadOnly)")
        } catch let error as LarderError {
          #expect(error.code == .corrupt, "\(error)")
        }
      }
    }
  }

  @Test func aCopiedDirectoryHasItsOwnIndex() throws {
    let directory = try TemporaryDirectory()
    let copy = try TemporaryDirectory()
    let store = open(directory.path)
    try fill(store)
    // Copied while it was open, as a backup of a live directory might be.
    let child = try OnlineProcess.run("/bin/cp", ["-r", directory.path + "/online", copy.path])
    #expect(child == 0)
    try fill(store, event: 2)
    try check(open(copy.path, isReadOnly: true))
    let writer = open(copy.path)
    try fill(writer, event: 3)
    try check(writer)
    try writer.close()
    try check(open(copy.path, isReadOnly: true))
    #expect(try writer.verify(view).findings == [])
    try check(store)
  }

  @Test func aForkedChildIsTold() throws {
    let directory = try TemporaryDirectory()
    let store = open(directory.path)
    try fill(store)
    let reader = try store.reader(for: view)
    var toParent: [Int32] = [0, 0]
    #expect(pipe(&toParent) == 0)
    typealias Fork = @convention(c) () -> Int32
    let fork = unsafeBitCast(try #require(dlsym(nil, "fork")), to: Fork.self)
    let batch = try RecordBatch(["id": .int64([1])])
    let rows = try RecordBatch(["id": .int64([1]), "at": .timestamp([9]), "a": .int64([1])])
    let child = fork()
    if child == 0 {
      alarm(20)
      func isTold(_ body: () throws -> Void) -> UInt8 {
        do { try body() } catch let error as LarderError {
          return error.code == .forked ? 1 : 0
        } catch {}
        return 0
      }
      var answers: [UInt8] = [
        isTold { _ = try store.read(batch, from: view) },
        isTold { _ = try reader.read(batch) },
        isTold { _ = try reader.withRow(ofKey: 1) { $0[int64: 0] } },
        isTold { try store.writeBatch(rows, to: view) },
      ]
      write(toParent[1], &answers, 4)
      _exit(0)
    }
    #expect(child > 0)
    var answers: [UInt8] = [0, 0, 0, 0]
    #expect(read(toParent[0], &answers, 4) == 4)
    #expect(answers == [1, 1, 1, 1])
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    for descriptor in toParent { close(descriptor) }
    try check(store)
  }

  /// Whether a process may make mounts of its own.
  private static let canMount: Bool = {
    do { return try OnlineProcess.run("/usr/bin/unshare", ["-rm", "true"]) == 0 } catch {
      return false
    }
  }()

  @Test(.enabled(if: canMount)) func aReadOnlyMountIsRead() throws {
    let directory = try TemporaryDirectory()
    try checkedWorkload(["fill", directory.path, "20"])
    let program = try OnlineProcess.program()
    let script = """
      mount --bind \(directory.path) \(directory.path) \
      && mount -o remount,bind,ro \(directory.path) \
      && ! touch \(directory.path)/x 2>/dev/null && \(program) check \(directory.path)
      """
    #expect(try OnlineProcess.run("/usr/bin/unshare", ["-rm", "sh", "-c", script]) == 0)
  }

  @Test(.enabled(if: canMount)) func aFullFileSystemIsATypedError() throws {
    let directory = try TemporaryDirectory()
    let program = try OnlineProcess.program()
    let script = """
      mount -t tmpfs -o size=6m none \(directory.path) \
      && \(program) full \(directory.path) && \(program) check \(directory.path)
      """
    #expect(try OnlineProcess.run("/usr/bin/unshare", ["-rm", "sh", "-c", script]) == 0)
  }

  private func checkedWorkload(_ arguments: [String]) throws {
    #expect(try OnlineProcess.run(try OnlineProcess.program(), arguments) == 0)
  }
}

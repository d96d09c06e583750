import Glibc
import LarderColumns
import LarderContract
import LarderFiles
import LarderOnline
import Testing

@testable import OnlineWorkload

/// Writers and readers in processes of their own, killed and not.
///
/// `LARDER_KILLS` and `LARDER_STRESS_SECONDS` make it longer.
@Suite(.serialized) struct OnlineProcessTests {
  private func number(_ name: String, _ usual: Int) -> Int {
    getenv(name).flatMap { Int(String(cString: $0)) } ?? usual
  }

  /// Starts the workload.
  private func start(_ arguments: [String]) throws -> pid_t {
    try OnlineProcess.start(try OnlineProcess.program(), arguments)
  }

  private func exitStatus(_ child: pid_t) -> Int32 { OnlineProcess.exitStatus(child) }

  /// Checks every block against what was acknowledged; returns the newest batch.
  private func check(_ directory: String, _ cycle: Int) throws -> Int64 {
    let acknowledged = Acknowledged(directory).number
    let store = try Blocks.open(directory, durability: .process, isReadOnly: true)
    var newest: Int64 = -1
    for block in 0..<Blocks.blocks {
      let keys = Blocks.keys(ofBlock: block)
      let rows = try store.read(RecordBatch(["id": .int64(keys)]), from: Blocks.view)
      let least = Blocks.least(block: block, acknowledged: acknowledged)
      var batches: Set<Value> = []
      for (row, key) in keys.enumerated() {
        if let fault = Blocks.fault(rows, row, key: key, least: least) {
          Issue.record("cycle \(cycle): \(fault)")
        }
        batches.insert(rows.features.columns[0][row])
        if case .int64(let batch) = rows.features.columns[0][row] { newest = max(newest, batch) }
      }
      #expect(batches.count == 1, "cycle \(cycle): block \(block) is of several batches")
    }
    #expect(newest <= acknowledged + 1)
    return newest
  }

  @Test func killedWritersLoseNothing() throws {
    let directory = try TemporaryDirectory()
    for cycle in 1...number("LARDER_KILLS", 50) {
      let child = try start(["write", directory.path, cycle % 2 == 0 ? "process" : "batch"])
      usleep(UInt32.random(in: 5_000...80_000))
      kill(child, SIGKILL)
      _ = exitStatus(child)
      if try POSIXFileSystem().status(of: directory.path + "/online/v1") == nil { continue }
      // The next writer goes first, so that half-published batches are whole again.
      let writer = try Blocks.open(directory.path, durability: .process, isReadOnly: false)
      do {
        try writer.update(
          keeping: [Blocks.view], deleting: [], entitiesToKeep: [], entitiesToDelete: [],
          partial: true)
        let next = Acknowledged(directory.path).number + 1
        try writer.writeBatch(try Blocks.batch(next), to: Blocks.view)
        Acknowledged(directory.path).set(next)
        _ = try check(directory.path, cycle)
      } catch let error as LarderError {
        Issue.record("cycle \(cycle): \(error)")
      }
      try writer.close()
    }
    #expect(Acknowledged(directory.path).number > 0)
  }

  @Test func readersSeeWhatWasAcknowledged() throws {
    let directory = try TemporaryDirectory()
    let seconds = number("LARDER_STRESS_SECONDS", 10)
    let writer = try start(["write", directory.path, "process"])
    usleep(300_000)
    let readers = try (0..<2).map { _ in try start(["read", directory.path, "\(seconds)"]) }
    for reader in readers { #expect(exitStatus(reader) == 0) }
    kill(writer, SIGKILL)
    _ = exitStatus(writer)
    #expect(Acknowledged(directory.path).number > Int64(Blocks.blocks))
  }
}

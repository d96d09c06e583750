import LarderColumns
import LarderFiles
import Synchronization

/// Brings what was written to the disk in the background, so that no batch waits for the disk at
/// the end of a log file.
final class BackgroundSync: Sendable {
  private let queue = WorkQueue()
  private let failed = ForkSafeMutex<LarderError?>(nil)
  private let isRunning = Atomic(false)
  private let position = Atomic<UInt64>(0)

  /// Everything before this is on disk, as far as log files that were left are concerned.
  var reached: LogPosition { LogPosition(bits: position.load(ordering: .acquiring)) }

  /// Lets the disk begin with what was written of a log file, unless it is at work for one already.
  ///
  /// It is no sync: that would end the file system's transaction each time, and writes to the same
  /// file wait for the end of one.
  ///
  /// - Parameter range: bytes of the file.
  /// - Returns: whether it was begun.
  func begin(_ file: any File, _ range: Range<UInt64>) -> Bool {
    if isRunning.exchange(true, ordering: .acquiringAndReleasing) { return false }
    queue.start { [self] in
      file.beginWriting(range)
      isRunning.store(false, ordering: .releasing)
    }
    return true
  }

  /// Starts the last sync of a log file, and that of the next one's name.
  ///
  /// - Parameter next: the sequence number of the next log file.
  func leave(_ file: any File, _ directory: String, next: UInt64, _ files: any FileSystem) {
    queue.start { [self] in
      do throws(LarderError) {
        try file.syncData()
        try files.syncDirectory(directory)
      } catch {
        fail(error)
        return
      }
      // One after the other: what is before the log file is on disk too, unless a sync failed.
      if failed.withLock({ $0 == nil }) {
        position.store(LogPosition(sequence: next, unit: 0).bits, ordering: .releasing)
      }
    }
  }

  private func fail(_ error: LarderError) { failed.withLock { $0 = $0 ?? error } }

  /// Waits for what is under way.
  ///
  /// - Throws: the failure of any sync so far: a later one of the same file may lie.
  func finish() throws(LarderError) {
    queue.finish()
    if let failure = failed.withLock({ $0 }) { throw failure }
  }
}

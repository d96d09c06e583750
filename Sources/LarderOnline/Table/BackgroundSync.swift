import Dispatch
import LarderColumns
import LarderFiles
import Synchronization

/// Brings what was written to the disk in the background, so that the sync at the end of a segment
/// finds little left to do.
final class BackgroundSync: Sendable {
  private let group = DispatchGroup()
  private let failed = Mutex<LarderError?>(nil)
  private let isRunning = Atomic(false)

  /// Starts a sync unless one is under way.
  func start(_ file: any File) {
    if isRunning.exchange(true, ordering: .acquiringAndReleasing) { return }
    DispatchQueue.global(qos: .utility).async(group: group) { [self] in
      do throws(LarderError) { try file.syncData() } catch {
        failed.withLock { $0 = error }
      }
      isRunning.store(false, ordering: .releasing)
    }
  }

  /// Waits for the sync under way.
  ///
  /// - Throws: the failure of any sync so far: a later one of the same file may lie.
  func finish() throws(LarderError) {
    group.wait()
    if let failure = failed.withLock({ $0 }) { throw failure }
  }
}

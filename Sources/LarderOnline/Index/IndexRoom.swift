import LarderColumns
import LarderFiles
import Synchronization

/// Makes an index's file longer in the background before it is needed, so that no batch waits for
/// zeros to be written.
final class IndexRoom: Sendable {
  private let file: any File
  private let queue = WorkQueue()
  private let isRunning = Atomic(false)

  init(_ file: any File) { self.file = file }

  /// Starts to make room beyond so many lines, unless that is under way.
  func prepare(beyond lines: UInt64) {
    if isRunning.exchange(true, ordering: .acquiringAndReleasing) { return }
    queue.start { [self] in
      do throws(LarderError) { try IndexFile.lengthen(file, beyond: lines) } catch {
        // Whoever needs the room is told why there is none.
      }
      isRunning.store(false, ordering: .releasing)
    }
  }

  /// Maps the file with room for at least so many lines.
  func extended(to lines: UInt64) throws(LarderError) -> IndexMemory {
    queue.finish()
    return try IndexFile.extended(file, to: lines)
  }
}

import Glibc
import LarderColumns
import LarderFiles

/// Fills a log file with zeros in the background, ahead of the rows.
///
/// Memory for a file is given in large pages if it is first written in large pieces, and the giving
/// takes longer than the writing of rows. Zeros must never meet rows: before a row is written, its
/// place is passed, and nothing that was passed is filled.
final class LogFileFill: Sendable {
  private struct State {
    /// The first byte that is neither filled nor passed.
    var next: Int
    /// What is being filled.
    var busy: Range<Int>?
  }

  private let file: any File
  private let bytes: Int
  private let state: ForkSafeMutex<State>

  /// - Parameters:
  ///   - bytes: of the whole file.
  ///   - first: the first byte that is to be filled.
  init(_ file: any File, bytes: Int, from first: Int) {
    self.file = file
    self.bytes = bytes
    state = ForkSafeMutex(State(next: first, busy: nil))
  }

  /// Fills piece by piece until the end, or until all is passed.
  func run() {
    while let piece = takePiece() {
      do throws(LarderError) { try file.zeroFill(piece) } catch {
        // Places that are reserved hold zeros anyway; whoever writes or syncs rows is told.
        stopTaking()
      }
      state.withLock { $0.busy = nil }
    }
  }

  private func takePiece() -> Range<Int>? {
    state.withLock { state in
      if state.next >= bytes { return nil }
      let end = min(bytes, (state.next / SpareLogFile.piece + 1) * SpareLogFile.piece)
      let piece = state.next..<end
      state.next = end
      state.busy = piece
      return piece
    }
  }

  private func stopTaking() { state.withLock { $0.next = bytes } }

  /// Makes sure that nothing before `end` is filled from now on; waits for what is being filled.
  func pass(to end: Int) {
    while true {
      let isClear = state.withLock { state in
        if let busy = state.busy, busy.lowerBound < end { return false }
        if state.next < end {
          // Whole pieces: the filling goes on behind the one that rows are being written to.
          let piece = SpareLogFile.piece
          state.next = min(bytes, (end + piece - 1) / piece * piece)
        }
        return true
      }
      if isClear { return }
      usleep(20)
    }
  }

  /// Ends the filling; nothing is written any more when this returns.
  func stop() { pass(to: bytes) }
}

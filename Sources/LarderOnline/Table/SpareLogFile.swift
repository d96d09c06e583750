import Dispatch
import LarderColumns
import LarderFiles

/// The file of the log file after the current one, made ready in the background.
///
/// It is reserved, so that a full disk is met early, and filled with zeros in large aligned
/// writes, so that the kernel keeps it in large pages: lookups then miss the address translation
/// far less. It gets its name as a log file only when it is needed; what of it is not filled by then
/// is filled ahead of the rows.
final class SpareLogFile: Sendable {
  /// A file, and who fills it.
  struct Ready: Sendable {
    var file: any File
    /// nil if it is filled.
    var fill: LogFileFill?
  }

  let path: String
  let bytes: Int
  private let outcome = ForkSafeMutex<Result<Ready, LarderError>?>(nil)
  private let done = DispatchSemaphore(value: 0)

  static let suffix = ".spare"
  /// The kernel keeps a file in pages of so many bytes where it was written in such pieces.
  static let piece = 2 << 20
  fileprivate static let zeros = Buffer(zeroedBytes: piece)

  /// Starts to make a file ready.
  ///
  /// - Parameters:
  ///   - syncs: whether it is filled and its zeros brought to the disk before it is ready. Where
  ///     batches are synced they would be written by the first of those; where they are not, rows
  ///     overwrite them before that.
  ///   - queue: where it is made and filled, after what was begun before.
  init(
    _ path: String, bytes: Int, syncs: Bool, files: any FileSystem, on queue: WorkQueue
  ) {
    self.path = path
    self.bytes = bytes
    queue.start { [self] in
      let result: Result<Ready, LarderError>
      var fill: LogFileFill?
      do throws(LarderError) {
        let file = try SpareLogFile.make(path, bytes, syncs, files)
        if !syncs { fill = LogFileFill(file, bytes: bytes, from: 0) }
        result = .success(Ready(file: file, fill: fill))
      } catch { result = .failure(error) }
      outcome.withLock { $0 = result }
      done.signal()
      fill?.run()
    }
  }

  private static func make(
    _ path: String, _ bytes: Int, _ syncs: Bool, _ files: any FileSystem
  ) throws(LarderError) -> any File {
    try files.remove(path)
    let file = try files.open(path, .create)
    try file.reserve(bytes: UInt64(bytes))
    if syncs {
      try file.zeroFill(0..<bytes)
      try file.syncData()
    }
    return file
  }

  /// Whether the file is there, or could not be made.
  var isDone: Bool { outcome.withLock { $0 != nil } }

  /// The file, once it is there; nil if it could not be made.
  func take() -> Ready? {
    done.wait()
    done.signal()
    switch outcome.withLock({ $0 }) {
    case .success(let ready): return ready
    case .failure, nil: return nil
    }
  }
}

extension File {
  /// Writes zeros to a range of bytes in large writes whose ends are aligned.
  func zeroFill(_ range: Range<Int>) throws(LarderError) {
    let piece = SpareLogFile.piece
    let zeros = SpareLogFile.zeros
    var offset = range.lowerBound
    while offset < range.upperBound {
      let count = min(range.upperBound, (offset / piece + 1) * piece) - offset
      unsafe try write(
        UnsafeRawBufferPointer(start: zeros.base, count: count), at: UInt64(offset))
      offset += count
    }
  }
}

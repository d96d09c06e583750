import Dispatch
import LarderColumns
import LarderFiles
import Synchronization

/// The file of the segment after the current one, made ready in the background.
///
/// It is reserved, so that a full disk is met early, and filled with zeros in large aligned
/// writes, so that the kernel keeps it in large pages: lookups then miss the address translation
/// far less. It gets its name as a segment only when it is needed.
final class SpareSegment: Sendable {
  let path: String
  let bytes: Int
  private let outcome = Mutex<Result<any File, LarderError>?>(nil)
  private let done = DispatchSemaphore(value: 0)

  static let suffix = ".spare"
  /// The kernel keeps a file in pages of so many bytes where it was written in such pieces.
  static let piece = 2 << 20

  /// Starts to make a file ready.
  ///
  /// - Parameter syncs: whether its zeros are brought to the disk too. Where batches are synced they
  ///   would be written by the first of those; where they are not, rows overwrite them before that.
  init(_ path: String, bytes: Int, syncs: Bool, files: any FileSystem) {
    self.path = path
    self.bytes = bytes
    DispatchQueue.global(qos: .utility).async { [self] in
      let result: Result<any File, LarderError>
      do throws(LarderError) {
        result = .success(try SpareSegment.make(path, bytes, syncs, files))
      } catch { result = .failure(error) }
      outcome.withLock { $0 = result }
      done.signal()
    }
  }

  private static func make(
    _ path: String, _ bytes: Int, _ syncs: Bool, _ files: any FileSystem
  ) throws(LarderError) -> any File {
    try files.remove(path)
    let file = try files.open(path, .create)
    try file.reserve(bytes: UInt64(bytes))
    try file.zeroFill(0..<bytes)
    if syncs { try file.syncData() }
    return file
  }

  /// Whether the file is ready, or could not be made.
  var isDone: Bool { outcome.withLock { $0 != nil } }

  /// The file, once it is ready; nil if it could not be made.
  func take() -> (any File)? {
    done.wait()
    done.signal()
    switch outcome.withLock({ $0 }) {
    case .success(let file): return file
    case .failure, nil: return nil
    }
  }
}

extension File {
  /// Writes zeros to a range of bytes in large writes whose ends are aligned.
  func zeroFill(_ range: Range<Int>) throws(LarderError) {
    let piece = SpareSegment.piece
    let zeros = Buffer(zeroedBytes: piece)
    var offset = range.lowerBound
    while offset < range.upperBound {
      let count = min(range.upperBound, (offset / piece + 1) * piece) - offset
      unsafe try write(
        UnsafeRawBufferPointer(start: zeros.base, count: count), at: UInt64(offset))
      offset += count
    }
  }
}

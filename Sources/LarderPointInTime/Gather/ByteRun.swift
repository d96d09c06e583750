import CLarderKernels
import LarderColumns
import LarderEncodings
import LarderOffline

/// Bytes that grow at their end.
struct ByteRun {
  private(set) var buffer = Buffer(uninitializedBytes: 256)
  private(set) var count = 0

  /// Appends bytes.
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    unsafe grow(by: bytes.count).copyMemory(from: source, byteCount: bytes.count)
  }

  /// Makes room at the end.
  ///
  /// - Returns: the room, to be filled before anything else is done.
  mutating func grow(by bytes: Int) -> UnsafeMutableRawPointer {
    let start = count
    if start + bytes > buffer.count {
      let larger = Buffer(uninitializedBytes: max(buffer.count * 2, start + bytes))
      unsafe larger.base.copyMemory(from: buffer.base, byteCount: start)
      buffer = larger
    }
    count += bytes
    return unsafe buffer.base + start
  }

  /// Appends the bytes of a value, or what its codes stand for.
  ///
  /// - Parameters:
  ///   - extent: the value's, which is not null; its page is verified.
  ///   - sources: where it lies.
  ///   - ordinal: the segment's.
  mutating func append(_ extent: larder_extent, of sources: ExtentSources, _ ordinal: Int) {
    let address = sources.bases[ordinal] + UInt(extent.start)
    let bytes = unsafe UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bitPattern: address), count: Int(extent.end - extent.start))
    guard let symbols = sources.columns[ordinal]?.symbols else {
      unsafe append(bytes)
      return
    }
    let most = SymbolTable.most(of: bytes.count)
    // Strings are written eight bytes at a time.
    let room = most + 8
    let length = unsafe symbols.decode(bytes, into: grow(by: room), count: most)
    count -= room - length
  }
}

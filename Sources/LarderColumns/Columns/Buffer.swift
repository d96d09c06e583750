import Glibc

/// A run of bytes that never moves: 64-byte aligned, with 64 readable bytes past its end.
///
/// The slack lets kernels load whole words at the end and overshoot stores; its content is not
/// data. A buffer is written only by its maker, before it is shared.
@safe public final class Buffer: @unchecked Sendable {
  /// The first byte.
  package let base: UnsafeMutableRawPointer
  /// How many bytes are data.
  public let count: Int
  private let release: @Sendable () -> Void

  /// Bytes past the end of every owned buffer that may be read and overwritten.
  package static let slack = 64

  /// At and above this size memory comes as huge pages, and as such as were used before: faulting
  /// pages of a fresh result in costs more than filling it.
  private static let hugeThreshold = RegionPool.pageBytes

  /// Allocates bytes of unspecified content.
  package init(uninitializedBytes count: Int) {
    precondition(count >= 0)
    self.count = count
    let capacity = count + Buffer.slack
    if capacity >= Buffer.hugeThreshold {
      let region = unsafe RegionPool.shared.take(atLeast: capacity)
      unsafe base = region.base
      let address = unsafe UInt(bitPattern: region.base)
      let length = unsafe region.length
      unsafe memset(base + count, 0, Buffer.slack)
      release = { RegionPool.shared.give(address, length) }
    } else {
      var pointer: UnsafeMutableRawPointer?
      let status = unsafe posix_memalign(&pointer, 64, capacity)
      guard status == 0, let start = unsafe pointer else {
        OutOfMemory.end(capacity)
      }
      unsafe memset(start + count, 0, Buffer.slack)
      unsafe base = start
      let address = UInt(bitPattern: start)
      release = { unsafe free(UnsafeMutableRawPointer(bitPattern: address)) }
    }
  }

  /// Allocates zeroed bytes.
  package convenience init(zeroedBytes count: Int) {
    self.init(uninitializedBytes: count)
    unsafe memset(base, 0, count)
  }

  /// Copies an array's bytes.
  package convenience init<T: BitwiseCopyable>(copying values: [T]) {
    self.init(uninitializedBytes: values.count * MemoryLayout<T>.stride)
    unsafe values.withUnsafeBytes { source in
      if let start = source.baseAddress { unsafe memcpy(base, start, source.count) }
    }
  }

  /// Borrows foreign memory until `release` is called, once, when the last reference goes.
  ///
  /// The owner must keep 8 readable bytes past the end, as a mapped file's sections do.
  package init(
    borrowing base: UnsafeMutableRawPointer, count: Int, release: @escaping @Sendable () -> Void
  ) {
    unsafe self.base = base
    self.count = count
    self.release = release
  }

  deinit { release() }

  /// The bytes, valid while the buffer lives.
  package var bytes: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: base, count: count)
  }

  /// The bytes to be filled by the buffer's maker.
  package var mutableBytes: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: base, count: count)
  }

  /// The bytes as values of a type.
  package func values<T: BitwiseCopyable>(as type: T.Type) -> UnsafeBufferPointer<T> {
    unsafe UnsafeBufferPointer(
      start: UnsafePointer(base.assumingMemoryBound(to: type)),
      count: count / MemoryLayout<T>.stride)
  }

  /// The bytes as values of a type, to be filled by the buffer's maker.
  package func mutableValues<T: BitwiseCopyable>(as type: T.Type) -> UnsafeMutableBufferPointer<T> {
    unsafe UnsafeMutableBufferPointer(
      start: base.assumingMemoryBound(to: type), count: count / MemoryLayout<T>.stride)
  }
}

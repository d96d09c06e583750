import Glibc

/// Bytes that grow at the end, for encoders: 8 spare bytes follow what was reserved.
///
/// Not for two threads at a time; one may hand it to another.
@safe package final class ByteSink: @unchecked Sendable {
  private var base: UnsafeMutableRawPointer
  private var capacity: Int
  /// How many bytes were added.
  package private(set) var count = 0

  /// Makes an empty sink with room for some bytes.
  package init(capacity: Int = 4_096) {
    self.capacity = max(64, capacity)
    unsafe base = UnsafeMutableRawPointer.allocate(byteCount: self.capacity + 8, alignment: 64)
  }

  deinit { unsafe base.deallocate() }

  /// The bytes, valid until the next change.
  package var bytes: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: base, count: count)
  }

  /// Adds bytes of zero and returns where they start, valid until the next change.
  package func extend(by added: Int) -> UnsafeMutableRawPointer {
    if count + added > capacity { grow(to: count + added) }
    let start = unsafe base + count
    unsafe memset(start, 0, added)
    count += added
    return unsafe start
  }

  /// Adds bytes.
  package func append(_ source: UnsafeRawBufferPointer) {
    guard let from = source.baseAddress else { return }
    if count + source.count > capacity { grow(to: count + source.count) }
    unsafe memcpy(base + count, from, source.count)
    count += source.count
  }

  /// Adds the bytes of an array's elements.
  package func append<T: BitwiseCopyable>(_ values: [T]) {
    unsafe values.withUnsafeBytes { unsafe append($0) }
  }

  /// Adds zeros up to a multiple of a power of two, counted from bytes before the sink's first.
  package func align(to alignment: Int, after before: Int = 0) {
    let padding = (0 &- (before + count)) & (alignment - 1)
    if padding > 0 { _ = unsafe extend(by: padding) }
  }

  /// Forgets the bytes and keeps the room.
  package func removeAll() { count = 0 }

  private func grow(to needed: Int) {
    let larger = max(needed, capacity * 2)
    let moved = UnsafeMutableRawPointer.allocate(byteCount: larger + 8, alignment: 64)
    unsafe memcpy(moved, base, count)
    unsafe base.deallocate()
    unsafe base = moved
    capacity = larger
  }
}

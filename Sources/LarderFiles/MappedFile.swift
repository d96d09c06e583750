import LarderColumns

/// Bytes of a file in memory, valid while this object lives.
///
/// Sealed files are never truncated or rewritten by the engine, so a map of one stays as it is. In
/// the simulation a map is a copy on the heap.
@safe package final class MappedFile: @unchecked Sendable {
  /// The path of the file, for messages.
  package let path: String
  /// The bytes.
  package let bytes: UnsafeRawBufferPointer
  private let release: @Sendable () -> Void

  /// Wraps bytes that stay valid until `release` is called, once, at the end.
  package init(
    path: String, bytes: UnsafeRawBufferPointer, release: @escaping @Sendable () -> Void
  ) {
    self.path = path
    unsafe self.bytes = bytes
    self.release = release
  }

  deinit { release() }
}

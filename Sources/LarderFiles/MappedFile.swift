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
  private let guarded: GuardedMap?
  private let release: @Sendable () -> Void

  /// Wraps bytes that stay valid until `release` is called, once, at the end.
  ///
  /// - Parameter isGuarded: whether the guard watches the bytes; whoever reads them then checks them
  ///   each time, since zeros may take their place.
  package init(
    path: String, bytes: UnsafeRawBufferPointer, isGuarded: Bool = false,
    release: @escaping @Sendable () -> Void
  ) {
    self.path = path
    unsafe self.bytes = bytes
    self.release = release
    if isGuarded, let start = bytes.baseAddress {
      guarded = unsafe GuardedMap(start, bytes.count)
    } else {
      guarded = nil
    }
  }

  /// Whether somebody cut the file short and the guard put zeros in the place of what was missed.
  package var isTruncated: Bool { guarded?.isTruncated ?? false }

  /// Asks before a store into a shared map that others see.
  ///
  /// - Returns: whether the store may happen; never false but in the simulation, where a store is an
  ///   operation at which a process may die.
  @inlinable package func beginStore() -> Bool { true }

  deinit {
    guarded?.leave()
    release()
  }
}

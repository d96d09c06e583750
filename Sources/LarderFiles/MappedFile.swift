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
  /// Whether each store is an operation of a simulated machine, which may stop before it.
  package let countsStores: Bool
  private let counting: (@Sendable () -> Bool)?

  /// Wraps bytes that stay valid until `release` is called, once, at the end.
  ///
  /// - Parameters:
  ///   - isGuarded: whether the guard watches the bytes; whoever reads them then checks them each
  ///     time, since zeros may take their place.
  ///   - counting: asked before each store, in a simulation; see `beginStore`.
  package init(
    path: String, bytes: UnsafeRawBufferPointer, isGuarded: Bool = false,
    counting: (@Sendable () -> Bool)? = nil, release: @escaping @Sendable () -> Void
  ) {
    self.counting = counting
    countsStores = counting != nil
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

  /// Called before a store that other processes see; the store happens only if it says so.
  ///
  /// - Returns: true on a real machine; false if the simulated process is dead by now.
  @inline(__always) package func beginStore() -> Bool { !countsStores || countStore() }

  private func countStore() -> Bool { counting?() ?? true }

  deinit {
    guarded?.leave()
    release()
  }
}

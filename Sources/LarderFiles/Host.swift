import Glibc

/// What the engine takes from the world outside: files, time and randomness.
///
/// Handed in from above, so that a test can replay a run from one seed.
package struct Host: Sendable {
  /// The files.
  package var files: any FileSystem
  /// Microseconds since 1970-01-01T00:00:00Z.
  package var now: @Sendable () -> Int64
  /// 64 random bits.
  package var random: @Sendable () -> UInt64

  package init(
    files: any FileSystem, now: @escaping @Sendable () -> Int64,
    random: @escaping @Sendable () -> UInt64
  ) {
    self.files = files
    self.now = now
    self.random = random
  }

  /// A fresh identifier.
  package func makeIdentifier() -> FileIdentifier { FileIdentifier(high: random(), low: random()) }
}

extension Host {
  /// The machine: its files, its real-time clock, and the system's randomness.
  package static func system() -> Host {
    Host(
      files: POSIXFileSystem(),
      now: {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) &* 1_000_000 &+ Int64(time.tv_nsec) / 1000
      },
      random: {
        var random = SystemRandomNumberGenerator()
        return random.next()
      })
  }
}

import Glibc

/// What happens where the system gives no memory.
///
/// Work that knows beforehand how much it takes asks first and fails with `limitExceeded`. What
/// cannot be had all the same, for a buffer that nobody could do without, ends the process.
package enum OutOfMemory {
  private static let handler = ForkSafeMutex<(@Sendable (Int) -> Never)?>(nil)

  /// Bytes beside those that are asked for that other parts of the work take.
  private static let margin = 16 << 20

  /// Says how the process ends; else by a trap.
  package static func ends(by handler: @escaping @Sendable (Int) -> Never) {
    Self.handler.withLock { $0 = handler }
  }

  /// Ends the process: so many bytes could not be had.
  static func end(_ bytes: Int) -> Never {
    if let handler = handler.withLock({ $0 }) { handler(bytes) }
    fatalError("out of memory: \(bytes) bytes")
  }

  /// Asks whether so many bytes can be had at this moment.
  ///
  /// - Throws: `limitExceeded`.
  package static func check(_ bytes: Int) throws(LarderError) {
    let (length, overflow) = bytes.addingReportingOverflow(margin)
    if !overflow {
      let mapped = unsafe mmap(
        nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      if let mapped = unsafe mapped, unsafe mapped != MAP_FAILED {
        unsafe munmap(mapped, length)
        return
      }
    }
    throw LarderError(
      .limitExceeded,
      "There is no memory for \(bytes) bytes more (ulimit -v, or the machine's). Allow more, give a "
        + "memory budget, or take the answer batch by batch.")
  }
}

import LarderColumns

/// Large buffers that are used again within one append or merge.
///
/// Faulting in fresh pages costs more than filling them, so a column's memory serves the next column
/// of the same length. Everything goes when the last buffer and this object go.
final class ScratchMemory: Sendable {
  private let free = ForkSafeMutex<[Buffer]>([])
  /// Smaller buffers come from the allocator, which reuses them itself.
  private static let least = 1 << 20

  /// A buffer of unspecified content.
  func take(_ bytes: Int) -> Buffer {
    guard bytes >= Self.least else { return Buffer(uninitializedBytes: bytes) }
    let found: Buffer? = free.withLock { free in
      var best: Int?
      for (index, buffer) in free.enumerated() where buffer.count >= bytes {
        if best.map({ free[$0].count > buffer.count }) ?? true { best = index }
      }
      // A much larger one is better kept for what needs it.
      guard let best, free[best].count <= bytes * 2 else { return nil }
      return free.remove(at: best)
    }
    let memory = found ?? Buffer(uninitializedBytes: (bytes + 0xF_FFFF) & ~0xF_FFFF)
    // The slack past the end is the memory's own, and stays readable.
    return unsafe Buffer(borrowing: memory.base, count: bytes) { [weak self] in
      self?.giveBack(memory)
    }
  }

  private func giveBack(_ buffer: Buffer) { free.withLock { $0.append(buffer) } }
}

import LarderColumns
import Synchronization

/// Memory of batches that is used again for the next one, as far as nobody kept what was in it.
///
/// Fresh memory costs more than what is decoded into it. A batch's buffers hold on to their memory,
/// so a batch that is kept stays as it is, and the next one gets memory of its own.
final class BatchMemory {
  private var places: [Buffer] = []
  private var next = 0
  private let reuses: Bool

  /// - Parameter reuses: false for the memory of one batch, which is given away.
  init(reuses: Bool = true) { self.reuses = reuses }

  /// Begins the next batch: its buffers are asked for in the order of those of the one before.
  func begin() { next = 0 }

  /// Bytes of unspecified content, with the slack of any buffer.
  func take(_ bytes: Int) -> Buffer {
    guard reuses else { return Buffer(uninitializedBytes: bytes) }
    let place = next
    next += 1
    if place == places.count {
      places.append(BatchMemory.fresh(bytes))
    } else if places[place].count < bytes || places[place].count / 4 > max(bytes, 4_096)
      || !isKnownUniquelyReferenced(&places[place])
    {
      places[place] = BatchMemory.fresh(bytes)
    }
    // Whoever let go of the last batch may have read it on another thread.
    atomicMemoryFence(ordering: .acquiring)
    let owner = places[place]
    return unsafe Buffer(borrowing: owner.base, count: bytes) { withExtendedLifetime(owner) {} }
  }

  /// Zeroed bytes, in whole words.
  func takeZeroed(_ bytes: Int) -> Buffer {
    let buffer = take((bytes + 7) & ~7)
    unsafe buffer.mutableBytes.initializeMemory(as: UInt8.self, repeating: 0)
    return buffer
  }

  /// A little more than is needed: texts differ from batch to batch.
  private static func fresh(_ bytes: Int) -> Buffer {
    Buffer(uninitializedBytes: (bytes + bytes / 8 + 63) & ~63)
  }

  /// Bytes that are held.
  var bytes: Int { places.reduce(0) { $0 + $1.count } }
}

/// The memory of streams that ended, for the next ones.
final class BatchMemories: Sendable {
  private static let perProcess = PerProcess<BatchMemories> { _ in BatchMemories() }
  /// Those of this process.
  static var shared: BatchMemories { perProcess.value }

  /// Sets of buffers that are kept, and how large one may be.
  private static let kept = 2
  private static let keptBytes = 16 << 20

  private struct Idle: @unchecked Sendable {
    var memories: [BatchMemory] = []
  }
  private let idle = ForkSafeMutex(Idle())

  func take() -> BatchMemory {
    let taken = idle.withLock { idle in Taken(memory: idle.memories.popLast()) }
    return taken.memory ?? BatchMemory()
  }

  func give(_ memory: BatchMemory) {
    guard memory.bytes <= BatchMemories.keptBytes else { return }
    let given = Taken(memory: memory)
    idle.withLock { idle in
      guard idle.memories.count < BatchMemories.kept, let memory = given.memory else { return }
      idle.memories.append(memory)
    }
  }

  /// Hands a memory over: it is used by one thread at a time.
  private struct Taken: @unchecked Sendable {
    let memory: BatchMemory?
  }
}

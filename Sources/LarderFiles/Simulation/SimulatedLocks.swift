/// The locks on one simulated file: open-file-description locks, as Linux has them.
struct SimulatedLocks {
  private struct Held {
    var owner: Int
    var process: Int
    var range: Range<UInt64>
    var kind: LockKind
  }
  private var held: [Held] = []

  /// Takes a lock, in the place of what the owner has there; false if another's is in its way.
  mutating func tryLock(_ range: Range<UInt64>, _ kind: LockKind, owner: Int, process: Int) -> Bool
  {
    let isRefused = held.contains { other in
      other.owner != owner && other.range.overlaps(range)
        && (kind == .exclusive || other.kind == .exclusive)
    }
    if isRefused { return false }
    unlock(range, owner: owner)
    held.append(Held(owner: owner, process: process, range: range, kind: kind))
    return true
  }

  /// Gives up what the owner has of a range; the rest of its locks stays.
  mutating func unlock(_ range: Range<UInt64>, owner: Int) {
    if held.isEmpty { return }
    var left: [Held] = []
    for lock in held {
      guard lock.owner == owner, lock.range.overlaps(range) else {
        left.append(lock)
        continue
      }
      var part = lock
      if lock.range.lowerBound < range.lowerBound {
        part.range = lock.range.lowerBound..<range.lowerBound
        left.append(part)
      }
      if range.upperBound < lock.range.upperBound {
        part.range = range.upperBound..<lock.range.upperBound
        left.append(part)
      }
    }
    held = left
  }

  /// Some other owner's lock within a range: the last taken, since the kernel's order is unknown.
  func conflict(in range: Range<UInt64>, owner: Int) -> Range<UInt64>? {
    held.last { $0.owner != owner && $0.range.overlaps(range) }?.range
  }

  /// A description was closed.
  mutating func release(owner: Int) { held.removeAll { $0.owner == owner } }

  /// A process has died.
  mutating func release(process: Int) { held.removeAll { $0.process == process } }
}

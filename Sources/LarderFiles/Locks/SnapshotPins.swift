import LarderColumns
import Synchronization

/// The snapshots that readers hold against the sweep: one byte each of the file PINS.
///
/// A file of its own, which a reader with no more than read permission can lock: what it may lock in
/// LOCK would hold writers up. Where PINS is not there yet and may not be made, the same bytes of LOCK
/// are taken, as Larder did before there was PINS; whoever asks for pins looks at both. A description does not see its own locks, and its second lock of a byte is
/// freed by the first unlock; so the pins of this object are counted here.
package final class SnapshotPins: Sendable {
  /// The name of the file in the store's directory: never renamed, never removed.
  package static let fileName = "PINS"

  /// The path of the file that this object's pins are in.
  package let path: String
  private let file: any File
  /// Where pins of others may be besides.
  private let other: (any File)?
  private let generation = ForkedChild.generation
  /// How many pins this object holds on each snapshot.
  private let counts = ForkSafeMutex<[UInt64: Int]>([:])

  /// Opens the pins of a store.
  ///
  /// - Parameter mode: `createIfMissing` for who may write, else `read`; then a store without PINS
  ///   must have LOCK.
  package init(
    in directory: String, files: any FileSystem, mode: OpenMode = .read
  ) throws(LarderError) {
    let own = "\(directory)/\(Self.fileName)"
    let shared = "\(directory)/\(StoreLock.fileName)"
    func open(_ path: String, _ mode: OpenMode) throws(LarderError) -> (any File)? {
      do { return try files.openForLocking(path, mode) } catch {
        guard error.code == .notFound || error.code == .permissionDenied else { throw error }
        return nil
      }
    }
    // Made by who may write, and then held as a reader holds it.
    if mode != .read { _ = try files.openForLocking(own, mode) }
    if let file = try open(own, .read) {
      path = own
      self.file = file
      other = try open(shared, .read)
    } else {
      path = shared
      file = try files.openForLocking(shared, .read)
      other = nil
    }
  }

  /// Pins a snapshot; whoever calls then checks that the snapshot is still there.
  ///
  /// - Throws: `limitExceeded`, `forked`, `io`; `locked` if some program has locked the byte.
  package func pin(_ snapshot: UInt64) throws(LarderError) -> SnapshotPin {
    try checkProcess()
    let range = try StoreLock.pin(snapshot: snapshot).range()
    let taken: Result<Bool, LarderError> = counts.withLock { counts in
      if let count = counts[snapshot] {
        counts[snapshot] = count + 1
        return .success(true)
      }
      do throws(LarderError) {
        guard try file.tryLock(range, .shared) else { return .success(false) }
      } catch {
        return .failure(error)
      }
      counts[snapshot] = 1
      return .success(true)
    }
    guard try taken.get() else {
      throw LarderError(
        .locked, "Snapshot \(snapshot) cannot be pinned: another program has locked it.",
        file: path)
    }
    return SnapshotPin(of: self, snapshot)
  }

  /// Every snapshot below a limit that this or any other process has pinned.
  ///
  /// - Complexity: one system call per pinned range and one per gap between them.
  /// - Throws: `forked`, `io`; then any snapshot may be pinned.
  package func pinned(below limit: UInt64) throws(LarderError) -> PinnedSnapshots {
    try checkProcess()
    let base = StoreLock.pins.lowerBound
    let end = base + min(limit, StoreLock.pins.upperBound - base)
    var found = counts.withLock { counts in
      counts.keys.filter { $0 < limit }.map { $0..<$0 + 1 }
    }
    for file in [file, other].compactMap({ $0 }) {
      // The kernel answers with any conflicting lock, not with the lowest: ask again on both sides.
      var open = base < end ? [base..<end] : []
      while let range = open.popLast() {
        guard let lock = try file.conflictingLock(in: range)?.clamped(to: range) else { continue }
        guard !lock.isEmpty else { continue }
        found.append(lock.lowerBound - base..<lock.upperBound - base)
        if range.lowerBound < lock.lowerBound { open.append(range.lowerBound..<lock.lowerBound) }
        if lock.upperBound < range.upperBound { open.append(lock.upperBound..<range.upperBound) }
      }
    }
    return PinnedSnapshots(found)
  }

  /// The file, where it is one of the machine's.
  var posixFile: POSIXFile? { file as? POSIXFile }

  private func checkProcess() throws(LarderError) {
    guard generation == ForkedChild.generation else { throw ForkedChild.error(path: path) }
  }

  fileprivate func release(_ snapshot: UInt64) {
    // In a forked child the pin is the parent's, and so is the state of the mutex.
    guard generation == ForkedChild.generation else { return }
    counts.withLock { counts in
      guard let count = counts[snapshot] else { return }
      counts[snapshot] = count == 1 ? nil : count - 1
      if count > 1 { return }
      // If that fails the snapshot stays pinned until the file is closed: space leaks, not data.
      do throws(LarderError) {
        try file.unlock(StoreLock.pin(snapshot: snapshot).range())
      } catch {}
    }
  }
}

/// A pin that holds until it is released, or until this object goes.
package final class SnapshotPin: Sendable {
  /// The snapshot's id.
  package let snapshot: UInt64
  private let pins: SnapshotPins
  private let isReleased = Atomic(false)

  fileprivate init(of pins: SnapshotPins, _ snapshot: UInt64) {
    self.pins = pins
    self.snapshot = snapshot
  }

  deinit { release() }

  /// Gives the pin up; does nothing the second time.
  package func release() {
    if isReleased.exchange(true, ordering: .acquiringAndReleasing) { return }
    pins.release(snapshot)
  }
}

/// A set of snapshot ids, as ranges.
package struct PinnedSnapshots: Sendable, Hashable {
  /// The ranges: in order, apart from one another, none empty.
  package let ranges: [Range<UInt64>]

  /// The union of ranges in any order.
  init(_ parts: [Range<UInt64>]) {
    var ranges: [Range<UInt64>] = []
    for part in parts.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = ranges.last, part.lowerBound <= last.upperBound {
        ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, part.upperBound)
      } else {
        ranges.append(part)
      }
    }
    self.ranges = ranges
  }

  /// The least of them; nil if there are none.
  package var least: UInt64? { ranges.first?.lowerBound }

  /// Whether a snapshot is among them.
  ///
  /// - Complexity: O(log ranges).
  package func contains(_ snapshot: UInt64) -> Bool {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound <= snapshot { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].contains(snapshot)
  }
}

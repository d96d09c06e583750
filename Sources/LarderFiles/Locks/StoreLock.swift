import LarderColumns

/// Which byte of a store's file LOCK stands for what.
///
/// The one table of byte assignments. The bytes are only names: nothing need be stored there.
package enum StoreLock: Hashable, Sendable {
  /// Held for the milliseconds of one manifest append.
  case commit
  /// Held from the assignment of entity ids to the commit.
  case append
  /// Held by folding, compaction and the other rewrites; a fold only tries it.
  case maintenance
  /// Held by the writer of an online table, as long as that is open.
  case onlineWriter(table: UInt32)
  /// Held, shared, by each reader of a snapshot.
  case pin(snapshot: UInt64)

  /// The name of the file in the store's directory: never renamed, never removed.
  package static let fileName = "LOCK"

  /// The bytes of all pins, those of the greatest snapshot id last.
  package static let pins: Range<UInt64> = 1 << 32..<UInt64(Int64.max)

  /// The number of online tables whose byte lies below the pins.
  private static let tables = UInt64(pins.lowerBound) - 16

  /// The byte of this lock.
  ///
  /// - Throws: `limitExceeded` for a table or a snapshot whose byte would lie beyond its range.
  package func range() throws(LarderError) -> Range<UInt64> {
    let first: UInt64
    switch self {
    case .commit: first = 0
    case .append: first = 1
    case .maintenance: first = 2
    case .onlineWriter(let table):
      guard UInt64(table) < Self.tables else {
        throw LarderError(
          .limitExceeded, "Online table \(table) is beyond the last that can be locked.")
      }
      first = 16 + UInt64(table)
    case .pin(let snapshot):
      guard snapshot < Self.pins.upperBound - Self.pins.lowerBound else {
        throw LarderError(.limitExceeded, "Snapshot \(snapshot) is beyond the last that can be.")
      }
      first = Self.pins.lowerBound + snapshot
    }
    return first..<first + 1
  }

  /// The byte that the first in line for this lock holds; nil for a lock that is not waited for in
  /// line.
  package var queue: Range<UInt64>? {
    switch self {
    case .commit: 3..<4
    case .append: 4..<5
    case .maintenance: 5..<6
    // Held as long as a table is open: whoever waits hopes for an end, not for a turn.
    case .onlineWriter, .pin: nil
    }
  }

  /// Where the holder's advice text lies in LOCK; nil for a lock that has none.
  var adviceOffset: UInt64? {
    switch self {
    case .commit: 0
    case .append: 1 * LockAdvice.bytes
    case .maintenance: 2 * LockAdvice.bytes
    // Beyond that the file would grow for the sake of a message.
    case .onlineWriter(let table): table < 4096 ? (16 + UInt64(table)) * LockAdvice.bytes : nil
    case .pin: nil
    }
  }
}

extension StoreLock: CustomStringConvertible {
  /// The lock's name in a message: "the append lock".
  package var description: String {
    switch self {
    case .commit: "the commit lock"
    case .append: "the append lock"
    case .maintenance: "the maintenance lock"
    case .onlineWriter(let table): "the writer's lock of online table \(table)"
    case .pin(let snapshot): "the pin of snapshot \(snapshot)"
    }
  }
}

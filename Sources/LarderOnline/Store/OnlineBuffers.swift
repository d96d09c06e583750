import LarderColumns
import LarderContract

/// Memory that answers are read into again and again.
///
/// ```swift
/// var buffers = OnlineBuffers()
/// for keys in requests { try reader.read(keys, into: &buffers) { use(buffers.rows) } }
/// ```
///
/// An answer that is kept keeps its memory: the next one then gets fresh memory of its own. Columns
/// of text, bytes, bools and lists, and columns with nulls, are made again each time.
public struct OnlineBuffers: ~Copyable {
  /// The last answer; nil before the first.
  public private(set) var rows: OnlineRows?

  /// The records found and a byte each for whether a feature has a value.
  private var work = Buffer(uninitializedBytes: 0)
  /// The event times, then the values of all features of fixed width.
  private(set) var arena = Buffer(uninitializedBytes: 0)
  var statuses: [OnlineStatus] = []
  private var capacity = 0

  /// Memory that grows with the first answers.
  public init() {}

  /// Makes room for an answer; what it overwrites is no longer anyone's.
  mutating func prepare(rows count: Int, features: Int) {
    if let last = rows {
      statuses = last.statuses
      rows = nil
    }
    if statuses.count != count { statuses = [OnlineStatus](repeating: .present, count: count) }
    if capacity < count {
      capacity = max(count, 64)
      work = Buffer(uninitializedBytes: capacity * 9)
    }
    let stride = RowGather.stride(count)
    let bytes = stride * (features + 1)
    if arena.count < bytes || !isKnownUniquelyReferenced(&arena) {
      arena = Buffer(uninitializedBytes: bytes)
    }
  }

  /// Where the record of each key goes.
  var records: UnsafeMutablePointer<UnsafeRawPointer?> {
    unsafe work.base.assumingMemoryBound(to: UnsafeRawPointer?.self)
  }
  /// A byte per key.
  var marks: UnsafeMutablePointer<UInt8> {
    unsafe (work.base + capacity * 8).assumingMemoryBound(to: UInt8.self)
  }
  /// Where the event times go.
  var events: UnsafeMutablePointer<Int64> {
    unsafe arena.base.assumingMemoryBound(to: Int64.self)
  }

  /// Puts the answer together.
  mutating func finish(_ features: RecordBatch, _ events: Column, readAt: Timestamp) {
    rows = OnlineRows(
      features: features, eventTimes: events, statuses: statuses, readAt: readAt)
    statuses = []
  }
}

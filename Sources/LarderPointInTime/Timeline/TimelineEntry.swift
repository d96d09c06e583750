/// One run of one entity: where it lies, and its own first and last event time.
struct TimelineEntry: BitwiseCopyable, Sendable {
  /// The run's last event time, by which the entries of an entity are ordered, latest first.
  var last: Int64
  /// The run's first event time.
  var first: Int64
  /// Bits 0 to 21: the first row; 22 to 44: rows; 45 to 63: the ordinal of the segment.
  var place: UInt64

  /// Segments of one timeline; their ordinals have 19 bits.
  static let segments = 1 << 19

  init(segment: Int, start: Int, rows: Int, first: Int64, last: Int64) {
    self.last = last
    self.first = first
    place =
      UInt64(UInt32(truncatingIfNeeded: start))
      | UInt64(UInt32(truncatingIfNeeded: rows)) &<< 22
      | UInt64(UInt32(truncatingIfNeeded: segment)) &<< 45
  }

  /// The first row in its segment.
  @inline(__always) var start: Int { Int(place & 0x3F_FFFF) }
  /// How many rows.
  @inline(__always) var rows: Int { Int(place &>> 22 & 0x7F_FFFF) }
  /// The row after the last.
  @inline(__always) var end: Int { start &+ rows }
  /// The ordinal of the segment within its snapshot.
  @inline(__always) var segment: Int { Int(place &>> 45) }
}

/// One run of one entity: where it lies, and its own first and last event time.
struct TimelineEntry: BitwiseCopyable, Sendable, Hashable {
  /// The run's last event time, by which the entries of an entity are ordered, latest first.
  var last: Int64
  /// The run's first event time.
  var first: Int64
  /// Bits 0 to 21: the first row; 22 to 44: rows; 45 to 62: the ordinal of the segment.
  var place: UInt64

  /// Segments of one timeline; their ordinals have 18 bits.
  static let segments = 1 << 18

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
  @inline(__always) var segment: Int { Int(place &>> 45 & 0x3_FFFF) }
}

/// What a timeline holds of one entity, in 8 bytes: its only short run, or where its entries are.
///
/// A short run is searched whole, so its first and last event are not needed, and the 24 bytes of an
/// entry are not read.
struct TimelineHead: BitwiseCopyable, Sendable, Hashable {
  /// A run or a range of entries, told apart by bit 63.
  ///
  /// Set: a run, its place as in an entry. Clear: bits 0 to 31 the first entry, bits 32 to 62 how
  /// many; 0 for an entity without rows.
  var word: UInt64

  /// Rows of the longest run that lies in a head; no more than kernels search without a guess.
  static let rows = 24

  /// The head of an entity with one short run.
  init(segment: Int, start: Int, rows: Int) {
    word =
      1 &<< 63
      | TimelineEntry(segment: segment, start: start, rows: rows, first: 0, last: 0).place
  }

  /// The head of an entity with entries.
  init(firstEntry: UInt32, count: UInt32) {
    word = UInt64(firstEntry) | UInt64(count) &<< 32
  }

  /// Whether the run lies here.
  @inline(__always) var isRun: Bool { word &>> 63 == 1 }
  /// The first entry.
  @inline(__always) var firstEntry: UInt32 { UInt32(truncatingIfNeeded: word) }
  /// How many entries.
  @inline(__always) var entryCount: UInt32 { UInt32(truncatingIfNeeded: word &>> 32) }
  /// The first row in its segment.
  @inline(__always) var start: Int { Int(word & 0x3F_FFFF) }
  /// How many rows.
  @inline(__always) var rows: Int { Int(word &>> 22 & 0x7F_FFFF) }
  /// The ordinal of the segment within its snapshot.
  @inline(__always) var segment: Int { Int(word &>> 45 & 0x3_FFFF) }
}

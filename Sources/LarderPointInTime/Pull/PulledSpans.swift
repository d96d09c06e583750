/// Rows of a segment that follow one another in a pull.
struct RowSpan: BitwiseCopyable {
  /// The ordinal of the segment.
  var segment: UInt32
  /// The first row.
  var start: UInt32
  /// How many rows.
  var count: UInt32

  /// The rows of the segment.
  var rows: Range<Int> { Int(start)..<Int(start) + Int(count) }
}

/// Rows of one entity that follow one another in a pull.
struct KeyRun: BitwiseCopyable {
  var id: UInt32
  var count: UInt32
}

/// Rows of a pull in the order in which they are to come out, as runs: where they lie, and whose
/// they are.
struct PulledSpans {
  private(set) var spans: [RowSpan] = []
  private(set) var keys: [KeyRun] = []
  /// How many rows.
  private(set) var count = 0
  /// Bytes of the lists.
  var bytes: Int {
    spans.count * MemoryLayout<RowSpan>.stride + keys.count * MemoryLayout<KeyRun>.stride
  }

  /// Appends rows of one entity that follow one another in a segment.
  mutating func append(_ id: UInt32, _ segment: Int, _ start: Int, _ count: Int) {
    appendKey(id, count)
    appendRows(segment, start, count)
  }

  /// Appends the entity of the next rows.
  mutating func appendKey(_ id: UInt32, _ count: Int) {
    let rows = UInt32(truncatingIfNeeded: count)
    if let last = keys.indices.last, keys[last].id == id {
      keys[last].count &+= rows
    } else {
      keys.append(KeyRun(id: id, count: rows))
    }
  }

  /// Appends rows whose entities are appended apart.
  mutating func appendRows(_ segment: Int, _ start: Int, _ count: Int) {
    self.count += count
    let (segment, first) = (UInt32(truncatingIfNeeded: segment), UInt32(truncatingIfNeeded: start))
    let rows = UInt32(truncatingIfNeeded: count)
    if let last = spans.indices.last, spans[last].segment == segment,
      spans[last].start &+ spans[last].count == first
    {
      spans[last].count &+= rows
    } else {
      spans.append(RowSpan(segment: segment, start: first, count: rows))
    }
  }

  mutating func removeAll() {
    spans.removeAll(keepingCapacity: true)
    keys.removeAll(keepingCapacity: true)
    count = 0
  }

  /// The first rows, and the others.
  func split(at rows: Int) -> (PulledSpans, PulledSpans) {
    var parts = (PulledSpans(), PulledSpans())
    var left = rows
    for span in spans {
      let taken = min(left, Int(span.count))
      if taken > 0 { parts.0.appendRows(Int(span.segment), Int(span.start), taken) }
      if taken < Int(span.count) {
        parts.1.appendRows(Int(span.segment), Int(span.start) + taken, Int(span.count) - taken)
      }
      left -= taken
    }
    left = rows
    for run in keys {
      let taken = min(left, Int(run.count))
      if taken > 0 { parts.0.appendKey(run.id, taken) }
      if taken < Int(run.count) { parts.1.appendKey(run.id, Int(run.count) - taken) }
      left -= taken
    }
    return parts
  }

  /// The rows one by one, for what is gathered row by row.
  func listed() -> PulledRows {
    var rows = PulledRows()
    for span in spans { for row in span.rows { rows.append(0, Int(span.segment), row) } }
    return rows
  }
}

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

  init(segment: UInt32, start: UInt32, count: UInt32) {
    self.segment = segment
    self.start = start
    self.count = count
  }

  init(_ segment: Int, _ span: PlacedSpan) {
    self.init(
      segment: UInt32(truncatingIfNeeded: segment), start: span.start, count: span.count)
  }
}

/// A span and the place of its first row in the result.
struct PlacedSpan: BitwiseCopyable {
  var start: UInt32
  var count: UInt32
  var place: Int

  /// The rows of the segment.
  var rows: Range<Int> { Int(start)..<Int(start) + Int(count) }
}

/// Spans by segment, in each in the order of the result, so that a column is taken up once.
struct PlacedSpans {
  let spans: [PlacedSpan]
  /// For each segment where its spans begin, then how many there are.
  private let starts: [Int]

  init(_ pulled: PulledSpans, segments: Int) {
    var starts = [Int](repeating: 0, count: segments + 1)
    for span in pulled.spans { starts[Int(span.segment) + 1] += 1 }
    for segment in 0..<segments { starts[segment + 1] += starts[segment] }
    self.starts = starts
    var next = starts
    var place = 0
    var spans = [PlacedSpan](
      repeating: PlacedSpan(start: 0, count: 0, place: 0), count: pulled.spans.count)
    for span in pulled.spans {
      let segment = Int(span.segment)
      spans[next[segment]] = PlacedSpan(start: span.start, count: span.count, place: place)
      next[segment] += 1
      place += Int(span.count)
    }
    self.spans = spans
  }

  /// Where a segment's spans are in the list.
  func range(of segment: Int) -> Range<Int> { starts[segment]..<starts[segment + 1] }
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

import LarderColumns
import LarderEncodings
import LarderFiles

/// Writes one column: validity, then whatever its encoding needs, then its lanes.
struct ColumnWriter {
  let sink: SegmentSink
  let options: SegmentOptions
  let column: Column
  let slots: ColumnSlots
  /// What the segment's columns share; nil for the elements of lists.
  let context: RowContext?
  /// What the lanes are differences from: one Int64 for each row (`eventTime`), or for each 64
  /// rows (`fence`).
  var reference: Buffer?
  var record: ColumnRecord

  init(
    _ column: Column, role: ColumnRole, fieldID: UInt32, sink: SegmentSink,
    context: RowContext?, options: SegmentOptions
  ) {
    self.sink = sink
    self.options = options
    self.column = column
    self.context = context
    slots = ColumnSlots(column)
    record = ColumnRecord(role: role, fieldID: fieldID, type: column.type)
    record.rows = column.count
    record.nulls = column.nullCount
    record.validity = slots.mode
  }

  /// Writes the column and returns what the footer says of it.
  mutating func write() throws(LarderError) -> ColumnRecord {
    addNulls()
    switch column.type.layout {
    case .bits, .fixed:
      if column.isDictionary { throw LarderError(.unsupported, "Dictionaries hold text or bytes.") }
      try writeFixed()
    case .variable: try writeTexts()
    case .list: try writeList()
    }
    try writeValidity()
    return record
  }

  /// The hash that binds a row's value to its row.
  @inline(__always) func rowHash(_ row: Int) -> UInt64 {
    guard let context else { return UInt64(row) }
    return unsafe context.hashes.base.load(fromByteOffset: row &* 8, as: UInt64.self)
  }

  /// Counts the nulls into the content hash.
  private mutating func addNulls() {
    guard column.nullCount > 0 else { return }
    var content = record.content
    if slots.mode == .allNull {
      for row in 0..<column.count { content.add(ContentHash.nullBits, row: rowHash(row)) }
    }
    for (index, word) in slots.words.enumerated() {
      // Past the last row there are no rows, not nulls.
      var nulls = ~word
      let last = column.count - index * 64
      if last < 64 { nulls &= 1 << UInt64(last) &- 1 }
      while nulls != 0 {
        content.add(
          ContentHash.nullBits, row: rowHash(index * 64 + nulls.trailingZeroBitCount))
        nulls &= nulls &- 1
      }
    }
    record.content = content
  }

  private mutating func writeValidity() throws(LarderError) {
    guard slots.mode == .bitmap || slots.mode == .sparse else { return }
    let bits = ByteSink()
    bits.append(slots.words)
    if record.isCoded {
      let coded = unsafe CodedSection.encode(bits.bytes)
      record.validityBits = try sink.writeSection(.validity, column: record.key, coded)
      return
    }
    record.validityBits = try sink.writeSection(.validity, column: record.key, bits)
    guard slots.mode == .sparse else { return }
    let ranks = ByteSink()
    ranks.append(slots.ranks)
    record.ranks = try sink.writeSection(.ranks, column: record.key, ranks)
  }

  /// Writes lanes that are at hand: codes or offsets.
  mutating func writeLanes(
    _ count: Int, pageRecord: (Range<Int>) -> PageRecord,
    fill: (Range<Int>, UnsafeMutablePointer<Int64>) -> Void
  ) throws(LarderError) {
    var stream = LaneStreamWriter(
      sink, column: record, options: LaneOptions(allowsDelta: false),
      settings: options)
    let scratch = Buffer(uninitializedBytes: min(count, Limits.pageRows) * 8)
    let lanes = unsafe scratch.base.assumingMemoryBound(to: Int64.self)
    var row = 0
    while row < count {
      let range = row..<min(count, row + Limits.pageRows)
      unsafe fill(range, lanes)
      let page = unsafe LanePage(lanes: lanes, count: range.count)
      unsafe try stream.append(page, record: pageRecord(range), isLast: range.upperBound == count)
      row = range.upperBound
    }
    try stream.finish(&record)
  }
}
